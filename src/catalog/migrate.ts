import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { Client, type ClientConfig } from 'pg';
import { APP_ROLE } from './embedded/roles.ts';
import { translated } from './errors.ts';

/** What a migration run found and did. */
export interface MigrationReport {
  /** Names of the files applied by this run, in order. */
  readonly applied: readonly string[];
  /** Name of the newest file the database has. */
  readonly version: string;
  /** Major version of the server. */
  readonly serverMajor: number;
}

/** The database can't be brought to the schema this Stowage needs; the message says why, for the operator. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const DIRECTORY = new URL('./migrations/', import.meta.url);
const SERVER_MAJOR_MIN = 15;

/**
 * Brings the database to the newest schema: the numbered SQL files in order, one transaction each, under an advisory lock
 * that lets one of many nodes do it while the others wait. Running it again does nothing.
 *
 * @param options.until name of the last file to apply; for tests of earlier versions.
 * @throws MigrationError when the server is too old, the database is newer than this Stowage, or a file that was applied
 *   has changed since.
 */
export async function migrate(
  connection: ClientConfig,
  options: { readonly until?: string } = {},
): Promise<MigrationReport> {
  const migrations = (await readMigrations()).filter(
    ({ name }) => options.until === undefined || name <= options.until,
  );
  const client = new Client({
    application_name: 'stowage-migrate',
    connectionTimeoutMillis: 5_000,
    ...connection,
  });
  // The end of the connection also rejects the query in flight, which is where it is handled.
  client.on('error', () => undefined);
  await translated(client.connect());
  try {
    const serverMajor = await assertServerVersion(client);
    let applied: string[] = [];
    if (pendingOf(migrations, await readApplied(client)).length > 0) {
      await client.query(`select pg_advisory_lock(hashtext('stowage.migrations'))`);
      applied = await applyPending(client, migrations, options.until === undefined);
      await client.query(`select pg_advisory_unlock(hashtext('stowage.migrations'))`);
    }
    if (options.until === undefined && (await lacksGrants(client))) await grantToService(client);
    return { applied, version: migrations.at(-1)?.name ?? 'none', serverMajor };
  } finally {
    await client.end();
  }
}

/** Names of all migrations this Stowage knows, oldest first. */
export async function migrationNames(): Promise<readonly string[]> {
  return (await readMigrations()).map(({ name }) => name);
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, DIRECTORY), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function assertServerVersion(client: Client): Promise<number> {
  const answer = await client.query<{ server_version_num: string }>('show server_version_num');
  const major = Math.floor(Number(answer.rows[0]?.server_version_num) / 10_000);
  if (major >= SERVER_MAJOR_MIN) return major;
  throw new MigrationError(`The database server is PostgreSQL ${major}. Stowage needs 15 or newer.`);
}

/** Applied files by name; empty for a fresh database. */
async function readApplied(client: Client): Promise<Map<string, string>> {
  const table = await client.query<{ present: boolean }>(
    `select to_regclass('schema_migrations') is not null as present`,
  );
  if (table.rows[0]?.present !== true) return new Map();
  const rows = await client
    .query<{ name: string; sha256: string }>('select name, sha256 from schema_migrations')
    .catch(explainMissingRights);
  return new Map(rows.rows.map(({ name, sha256 }) => [name, sha256]));
}

function pendingOf(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): Migration[] {
  const known = new Map(migrations.map(({ name, sha256 }) => [name, sha256]));
  for (const [name, sha256] of applied) {
    const ours = known.get(name);
    if (ours === undefined) {
      throw new MigrationError(
        `The database is newer than this Stowage: it has the migration ${name}. Run a newer Stowage.`,
      );
    }
    if (ours !== sha256) throw new MigrationError(`The migration ${name} was changed after it was applied.`);
  }
  return migrations.filter(({ name }) => !applied.has(name));
}

async function applyPending(
  client: Client,
  migrations: readonly Migration[],
  all: boolean,
): Promise<string[]> {
  // Read again: another node may have been faster while we waited for the lock.
  const pending = pendingOf(migrations, await readApplied(client));
  if (pending.length === 0) return [];
  await client
    .query(
      'create table if not exists schema_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
    )
    .catch(explainMissingRights);
  for (const { name, sql, sha256 } of pending) {
    await client.query('begin');
    try {
      await client.query(sql);
      await client.query('insert into schema_migrations (name, sha256) values ($1, $2)', [name, sha256]);
      // With the last file, so that no crash leaves the service without rights to what is new.
      if (all && name === pending.at(-1)?.name && (await hasServiceRole(client)))
        await grantToService(client);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      explainMissingRights(error);
    }
  }
  return pending.map(({ name }) => name);
}

function explainMissingRights(error: unknown): never {
  if (Object(error).code === '42501') {
    throw new MigrationError(
      'The database must be migrated or rights granted, and this role may not. Run `stowage migrate` with the DATABASE_URL of the owner.',
      { cause: error },
    );
  }
  throw error;
}

/** A role named `stowage_app`, if there is one and we are the owner, is what the service works as. */
async function hasServiceRole(client: Client): Promise<boolean> {
  const role = await client.query('select from pg_roles where rolname = $1 and rolname <> current_user', [
    APP_ROLE,
  ]);
  return role.rowCount === 1;
}

/** Whether the role was made after the tables. */
async function lacksGrants(client: Client): Promise<boolean> {
  const lacking = await client.query(
    `select from pg_roles, pg_class
     where rolname = $1 and rolname <> current_user and pg_class.oid = 'assets'::regclass
       and pg_has_role(current_user, relowner, 'member')
       and not has_table_privilege(pg_roles.oid, 'schema_migrations', 'select')`,
    [APP_ROLE],
  );
  return lacking.rowCount === 1;
}

async function grantToService(client: Client): Promise<void> {
  await client.query(await readFile(new URL('grants.sql', DIRECTORY), 'utf8'));
}
