import { Client, type ClientConfig } from 'pg';
import { migrationNames } from '../catalog/migrate.ts';
import type { DatabaseFacts } from './doctor.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** Asks a database about itself and changes nothing. */
export async function askDatabase(connection: ClientConfig): Promise<DatabaseFacts> {
  const client = new Client({
    ...connection,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{
      version: string;
      number: string;
      role: string;
      superuser: boolean;
      now_ms: string;
      has_migrations: boolean;
      has_purges: boolean;
    }>(
      `select current_setting('server_version') as version, current_setting('server_version_num') as number,
              current_user as role, rolsuper as superuser,
              extract(epoch from clock_timestamp()) * 1000 as now_ms,
              to_regclass('schema_migrations') is not null as has_migrations,
              to_regclass('cdn_purges') is not null as has_purges
       from pg_roles where rolname = current_user`,
    );
    const facts = rows[0];
    if (facts === undefined) throw new Error('The database does not know the role that asks.');
    const applied = facts.has_migrations
      ? (await client.query<{ name: string }>('select name from schema_migrations')).rows
      : [];
    const names = new Set(applied.map(({ name }) => name));
    return {
      version: facts.version.split(' ')[0] ?? facts.version,
      major: Math.floor(Number(facts.number) / 10_000),
      role: facts.role,
      isSuperuser: facts.superuser,
      pendingMigrations: (await migrationNames()).filter((name) => !names.has(name)),
      nowMs: Number(facts.now_ms),
      oldestPurge: facts.has_purges ? await oldestPurge(client) : null,
    };
  } finally {
    await client.end();
  }
}

async function oldestPurge(client: Client): Promise<DatabaseFacts['oldestPurge']> {
  const { rows } = await client.query<{ requested_at: Date; problem: string | null }>(
    'select requested_at, problem from cdn_purges where purged_at is null order by requested_at limit 1',
  );
  const [oldest] = rows;
  return oldest === undefined
    ? null
    : { requestedMs: oldest.requested_at.getTime(), problem: oldest.problem };
}
