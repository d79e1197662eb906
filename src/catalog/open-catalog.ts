import type { ClientConfig } from 'pg';
import { Client } from 'pg';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Catalog } from './catalog.ts';
import { openDatabase } from './database.ts';
import { openEmbeddedDatabase } from './embedded/embedded-database.ts';
import { translated } from './errors.ts';
import { type MigrationReport, migrate } from './migrate.ts';
import { postgresCatalog } from './postgres-catalog.ts';

/** An open catalog and what its owner should know. */
export interface OpenCatalog {
  readonly catalog: Catalog;
  /** How to connect to the same database as the service does: for jobs. */
  readonly connection: ClientConfig;
  /** How to connect as the owner of the schema: for export and import. */
  readonly ownerConnection: ClientConfig;
  /** Full sentences about what works but weakens a promise. */
  readonly warnings: readonly string[];
  readonly migrations: MigrationReport;
  /** Whether Stowage runs the database itself. */
  readonly embedded: boolean;
  /** Closes the catalog and stops the embedded database if this process runs it. */
  close(): Promise<void>;
}

export interface OpenCatalogOptions {
  /** Connection string of a server; null: the embedded database below `dataDir`. */
  readonly url: string | null;
  readonly dataDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Most connections of this process; 16 unless told otherwise. */
  readonly connectionsMax?: number;
}

/**
 * Opens the database, brings its schema up to date and returns the catalog.
 *
 * @throws EmbeddedDatabaseError or MigrationError, for the operator; StowageError `database_unavailable` when the server
 *   does not answer.
 */
export async function openCatalog(options: OpenCatalogOptions): Promise<OpenCatalog> {
  const server = await openServer(options);
  try {
    const migrations = await migrate(server.owner);
    const database = openDatabase(server.app, options.log, options.connectionsMax);
    const catalog = postgresCatalog(database, options.clock);
    return {
      catalog,
      connection: server.app,
      ownerConnection: server.owner,
      warnings: server.embedded ? [] : await roleWarnings(server.app),
      migrations,
      embedded: server.embedded,
      async close() {
        await catalog.close();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** A running server and how to connect to it, before any migration: for `stowage migrate` and `stowage db`. */
export interface ServerConnection {
  readonly owner: ClientConfig;
  readonly app: ClientConfig;
  readonly embedded: boolean;
  close(): Promise<void>;
}

/** Starts or joins the embedded server, or names the one of `url`. */
export async function openServer(
  options: Pick<OpenCatalogOptions, 'url' | 'dataDir' | 'log' | 'signal'>,
): Promise<ServerConnection> {
  if (options.url === null) {
    const embedded = await openEmbeddedDatabase(options);
    return { owner: embedded.owner, app: embedded.app, embedded: true, close: embedded.close };
  }
  const connection = { connectionString: options.url };
  return { owner: connection, app: connection, embedded: false, close: async () => undefined };
}

async function roleWarnings(connection: ClientConfig): Promise<string[]> {
  const client = new Client({ connectionTimeoutMillis: 5_000, ...connection });
  client.on('error', () => undefined);
  await translated(client.connect());
  try {
    const answer = await client.query<{ superuser: boolean; owner: boolean }>(
      `select rolsuper as superuser,
              pg_has_role(current_user, (select relowner from pg_class where oid = 'file_access_logs'::regclass), 'member') as owner
       from pg_roles where rolname = current_user`,
    );
    const role = answer.rows[0];
    if (role?.superuser !== true && role?.owner !== true) return [];
    return [
      `The role of DATABASE_URL ${role.superuser ? 'is a superuser' : 'owns the access log'}, so whoever gets hold of it could ` +
        'switch off the triggers that protect the log. See docs/reference/database.md for a role that can not.',
    ];
  } finally {
    await client.end();
  }
}
