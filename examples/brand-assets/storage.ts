import { pino } from 'pino';
import { createStowage, defineConfig } from 'stowage';
import type { ExampleOptions } from '../shared/run.ts';
import { openVariants, VARIANTS_MIGRATION } from '../shared/variants/variants.ts';

const config = defineConfig({
  // Brand images, generated videos and LoRA sets are shipped types; this is what is made of the images.
  assetTypes: {
    image_variant: {
      accepts: { 'image/webp': ['webp'] },
      maxSize: '1mb',
      keyTemplate: 'variants/{image_id}/{uuid8}_{filename}',
      cacheControl: 'private, max-age=31536000, immutable',
    },
  },
});

/** What belongs to what. Stowage holds the numbers, at the end of each transaction. */
const links = {
  brand: { product_image: { min: 2, max: 10 }, lora_set: { max: 100 } },
  project: { video: { max: 1000 } },
} as const;

const specs = { thumbnail: { widthMax: 320, heightMax: 320, format: 'webp', quality: 75 } } as const;

/** Stowage with the application's tables, and what makes the thumbnails. */
export async function openStorage({ env, cwd }: ExampleOptions, publicUrl: () => string) {
  const log = pino({ level: env.LOG_LEVEL ?? 'warn' });
  const stowage = await createStowage({ config, links, env, cwd, publicUrl, log });
  await stowage.database.migrate([VARIANTS_MIGRATION, new URL('./migrations/', import.meta.url)]);
  const variants = await openVariants({
    stowage,
    assetTypes: ['brand_image'],
    specs,
    store: (file) => stowage.upload({ ...file, assetType: 'image_variant' }),
    log,
  });
  return { stowage, variants };
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;
