import { createStowage, defineConfig } from 'stowage';
import type { ExampleOptions } from '../shared/run.ts';

/** The shipped policy for attachments, its keys `tasks/{task_id}/{uuid}_{filename}` among it, for larger files. */
const config = defineConfig({ assetTypes: { task_attachment: { maxSize: '1gb' } } });

/** Where files are kept and tables lie. On S3 instead of this disk by `STORAGE_BACKEND=s3` and the bucket's settings. */
export async function openStorage({ env, cwd }: ExampleOptions, publicUrl: () => string) {
  const stowage = await createStowage({ config, env, cwd, publicUrl });
  await stowage.database.migrate(new URL('./migrations/', import.meta.url));
  return stowage;
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;
