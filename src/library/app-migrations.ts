import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClientBase, Pool } from 'pg';

/**
 * Migrations of an application: a directory of files such as `0001_brands.sql`, the same as values, or several of both, when
 * parts of it bring tables of their own.
 */
export type AppMigrations = MigrationSource | readonly MigrationSource[];

type MigrationSource = URL | string | AppMigration;

export interface AppMigration {
  /** Decides the order: `0001_brands`. */
  readonly name: string;
  readonly sql: string;
}

const FILE = /^(\d{4}_\w+)\.sql$/;

/** Runs the migrations that have not run yet; see `AppDatabase.migrate`. */
export async function migrateApp(
  pool: Pool,
  schema: string,
  migrations: AppMigrations,
): Promise<readonly string[]> {
  const wanted = await readMigrations(migrations);
  const client = await pool.connect();
  try {
    // A migration of a large table takes as long as it takes.
    await client.query('set statement_timeout = 0');
    await client.query('select pg_advisory_lock(hashtext($1))', [`stowage.app.${schema}`]);
    await client.query(`create schema if not exists "${schema}"`);
    await client.query(
      `create table if not exists "${schema}".app_migrations
         (name text primary key, sha256 text not null, applied_at timestamptz not null default now())`,
    );
    const pending = await pendingOf(client, schema, wanted);
    for (const migration of pending) await apply(client, schema, migration);
    return pending.map(({ name }) => name);
  } finally {
    // Its lock and its settings end with it.
    client.release(true);
  }
}

async function readMigrations(migrations: AppMigrations): Promise<readonly AppMigration[]> {
  const found = await Promise.all([migrations].flat().map(readSource));
  return found.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function readSource(source: MigrationSource): Promise<readonly AppMigration[]> {
  if (typeof source === 'object' && 'sql' in source) return [source];
  const directory = typeof source === 'string' ? source : fileURLToPath(source);
  const names = (await readdir(directory)).flatMap((file) => FILE.exec(file)?.[1] ?? []);
  return await Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(join(directory, `${name}.sql`), 'utf8') })),
  );
}

async function pendingOf(
  client: ClientBase,
  schema: string,
  wanted: readonly AppMigration[],
): Promise<readonly AppMigration[]> {
  const known = await client.query<{ name: string; sha256: string }>(
    `select name, sha256 from "${schema}".app_migrations`,
  );
  const hashes = new Map(wanted.map((migration) => [migration.name, sha256(migration)]));
  for (const { name, sha256: applied } of known.rows) {
    const current = hashes.get(name);
    if (current === undefined)
      throw new Error(
        `The database has the application's migration ${name}, which is not among those given.`,
      );
    if (current !== applied)
      throw new Error(`The application's migration ${name} was changed after it was applied.`);
  }
  const applied = new Set(known.rows.map(({ name }) => name));
  return wanted.filter(({ name }) => !applied.has(name));
}

async function apply(client: ClientBase, schema: string, migration: AppMigration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query(`insert into "${schema}".app_migrations (name, sha256) values ($1, $2)`, [
      migration.name,
      sha256(migration),
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

function sha256({ sql }: AppMigration): string {
  return createHash('sha256').update(sql).digest('hex');
}
