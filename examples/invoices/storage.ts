import { pino } from 'pino';
import { createStowage, defineConfig } from 'stowage';
import type { ExampleOptions } from '../shared/run.ts';

// One document per request: each is an invoice. The rest of the type is as it is shipped.
const config = defineConfig({ assetTypes: { invoice: { filesPerRequest: 1 } } });

/** A transaction may have several documents, and keeps them: what is linked can't be deleted by accident. */
const links = { transaction: { invoice: { max: 20 } } } as const;

/** Stowage, with the application's own tables. */
export async function openStorage({ env, cwd }: ExampleOptions) {
  const log = pino({ level: env.LOG_LEVEL ?? 'warn' });
  const stowage = await createStowage({ config, links, env, cwd, log });
  await stowage.database.migrate(new URL('./migrations/', import.meta.url));
  return stowage;
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;

/** Whether browsers come by https, through whatever is in front. */
export function isHttps({ config }: Storage): boolean {
  return config.http.publicUrl?.startsWith('https:') ?? false;
}
