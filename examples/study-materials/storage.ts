import { pino } from 'pino';
import { createStowage, defineConfig } from 'stowage';
import type { ExampleOptions } from '../shared/run.ts';

// One file per request: each has its own bar on the page, and its own row. The rest of the type is as it is shipped.
const config = defineConfig({ assetTypes: { study_material: { filesPerRequest: 1 } } });

/** Stowage, with the application's own tables. */
export async function openStorage({ env, cwd }: ExampleOptions, publicUrl: () => string) {
  const log = pino({ level: env.LOG_LEVEL ?? 'warn' });
  const stowage = await createStowage({ config, env, cwd, publicUrl, log });
  await stowage.database.migrate(new URL('./migrations/', import.meta.url));
  return stowage;
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;
