import { type MigrationReport, migrate } from '../catalog/migrate.ts';
import { openServer } from '../catalog/open-catalog.ts';
import type { Config } from '../config/config.ts';
import { silentLog } from '../core/log.ts';

/** Applies the migrations that the configured database lacks. */
export async function migrateDatabase(
  config: Pick<Config, 'database' | 'dataDir'>,
  signal: AbortSignal,
): Promise<MigrationReport> {
  const server = await openServer({
    url: config.database.url,
    dataDir: config.dataDir,
    log: silentLog,
    signal,
  });
  try {
    return await migrate(server.owner);
  } finally {
    await server.close();
  }
}
