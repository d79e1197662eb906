import { pino } from 'pino';
import { createStowage, defineConfig } from 'stowage';
import type { ExampleOptions } from '../shared/run.ts';
import { openVariants, VARIANTS_MIGRATION } from '../shared/variants/variants.ts';
import { SPECS } from './sizes.ts';

const YEAR = 'max-age=31536000, immutable';
const PICTURES = { 'image/jpeg': ['jpg', 'jpeg'], 'image/png': ['png'], 'image/webp': ['webp'] };
const MADE = { 'image/webp': ['webp'], 'image/avif': ['avif'] };

const config = defineConfig({
  // Originals stay private, also of public images: they hold what a camera writes into them. Only what is made of them is shown.
  assetTypes: {
    image: { accepts: PICTURES },
    image_variant: {
      ...{ accepts: MADE, maxSize: '4mb', keyTemplate: 'variants/{image_id}/{uuid8}_{filename}' },
      cacheControl: `private, ${YEAR}`,
    },
    public_image_variant: {
      ...{ accepts: MADE, maxSize: '4mb', keyTemplate: 'gallery/{image_id}/{uuid8}_{filename}' },
      ...{ visibility: 'public', cacheControl: `public, ${YEAR}` },
    },
  },
});

/** Stowage with the gallery's table, and what makes the sizes. A CDN in front by `CDN_URL` and the settings beside it. */
export async function openStorage({ env, cwd }: ExampleOptions, publicUrl: () => string) {
  const log = pino({ level: env.LOG_LEVEL ?? 'warn' });
  const stowage = await createStowage({ config, env, cwd, publicUrl, log });
  const { database } = stowage;
  await database.migrate([VARIANTS_MIGRATION, new URL('./migrations/', import.meta.url)]);
  const isPublic = async (id: string): Promise<boolean> => {
    const { rows } = await database.query<{ is_public: boolean }>(
      'select is_public from images where id = $1',
      [id],
    );
    return rows[0]?.is_public ?? false;
  };
  const variants = await openVariants({
    ...{ stowage, log, assetTypes: ['image'], specs: SPECS },
    store: async (file) =>
      (await isPublic(file.fields.image_id))
        ? await stowage.upload({ ...file, assetType: 'public_image_variant' })
        : await stowage.upload({ ...file, assetType: 'image_variant' }),
  });
  return { stowage, variants };
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;
