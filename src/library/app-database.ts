import { type ClientBase, type ClientConfig, Pool, type QueryResult, type QueryResultRow } from 'pg';
import { inTransaction } from '../catalog/transaction.ts';
import type { Log } from '../core/log.ts';
import { type AppMigrations, migrateApp } from './app-migrations.ts';

/** The application's own tables, in the database that holds Stowage's: in a schema of their own. */
export interface AppDatabase {
  /** Name of the schema. Names without a schema in a query mean its tables, or else Stowage's. */
  readonly schema: string;
  /** Connections, at most {@link APP_CONNECTIONS_MAX}; for query builders too. Stowage closes it. */
  readonly pool: Pool;
  /** Runs one statement in a transaction of its own. Errors are those of the driver. */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
  /**
   * Brings the application's tables up to date: each migration once, in its own transaction, in the order of the names. Of
   * several nodes one does it while the others wait.
   *
   * @param migrations the directory of the `.sql` files, or the statements themselves.
   * @returns the names of those that this call ran.
   * @throws Error when a migration that ran before is missing or has changed since.
   */
  migrate(migrations: AppMigrations): Promise<readonly string[]>;
}

/** What the library runs in one transaction. */
export interface AppConnections extends AppDatabase {
  /** Runs `work` with the application's names, then `record` with the catalog's, and commits both or neither. */
  together<Result>(
    work: (client: ClientBase, turns: Turns) => Promise<void>,
    record: (client: ClientBase) => Promise<Result>,
  ): Promise<Result>;
  close(): Promise<void>;
}

/**
 * Who speaks on the connection of a transaction, one after the other however many calls are not awaited: the application
 * and the catalog may have tables of one name, and what the connection takes a name for is set for whoever speaks.
 */
export interface Turns {
  asCatalog<Result>(step: () => Promise<Result>): Promise<Result>;
  asApp<Result>(step: () => Promise<Result>): Promise<Result>;
}

/** Most connections for the application's own work, transactions with uploads among them. */
export const APP_CONNECTIONS_MAX = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 15_000;
/** A transaction that does nothing for this long is ended: it holds locks that others wait for. */
const IDLE_TIMEOUT_MS = 10_000;
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

/** Makes the pool of an application; no connection is made before the first query. */
export function openAppDatabase(connection: ClientConfig, schema: string, log: Log): AppConnections {
  if (!SCHEMA.test(schema)) throw new Error(`The schema "${schema}" must be 1 to 63 of a-z, 0-9 and _.`);
  const pool = new Pool({
    application_name: 'stowage-app',
    keepAlive: true,
    ...connection,
    max: APP_CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    onConnect: (client) => client.query(sessionSettings(schema)) as unknown as undefined,
  });
  pool.on('error', (error) => log.warn({ problem: error.message }, 'A connection to the database was lost.'));
  // One that breaks while it is lent out tells its borrower, whose query fails; without this it would also end the process.
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  let closed: Promise<void> | undefined;
  let path: Promise<string> | undefined;
  const appPath = (client: ClientBase): Promise<string> => {
    path ??= client
      .query<{ path: string }>(`select current_setting('search_path') as path`)
      .then(({ rows }) => rows[0]?.path ?? schema)
      .catch((error: unknown) => {
        path = undefined;
        throw error;
      });
    return path;
  };
  return {
    schema,
    pool,
    query: <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      pool.query<Row>(text, [...values]),
    migrate: (migrations) => migrateApp(pool, schema, migrations),
    together: (work, record) =>
      inTransaction(pool, async (client) => {
        const turns = turnsOn(client, await appPath(client));
        await work(client, turns);
        return await turns.asCatalog(() => record(client));
      }),
    close() {
      closed ??= pool.end();
      return closed;
    },
  };
}

/** What the catalog's own connections have. */
const AS_CATALOG = 'set local search_path to default';

function turnsOn(client: ClientBase, ownPath: string): Turns {
  let last: Promise<unknown> = Promise.resolve();
  const asApp: Turns['asApp'] = (step) => {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    asApp,
    asCatalog: (step) =>
      asApp(async () => {
        await client.query(AS_CATALOG);
        try {
          return await step();
        } finally {
          // Also after a refusal, which the application may take as an answer and go on. Where a statement has failed this
          // fails too: nothing but a rollback follows, and that brings the path back as well.
          await client.query(`select set_config('search_path', $1, true)`, [ownPath]).catch(() => undefined);
        }
      }),
  };
}

/** Checked above: the schema needs no quotes beyond these. */
function sessionSettings(schema: string): string {
  return `
    set statement_timeout = ${STATEMENT_TIMEOUT_MS};
    set idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS};
    select set_config('search_path', '"${schema}", ' || current_setting('search_path'), false)`;
}
