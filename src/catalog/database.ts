import { hash } from 'node:crypto';
import { Socket } from 'node:net';
import { type Compilable, Kysely, PostgresDialect } from 'kysely';
import { Client, type ClientBase, type ClientConfig, Pool, type QueryResultRow } from 'pg';
import type { Log } from '../core/log.ts';
import { translateError } from './errors.ts';
import { Pulse } from './pulse.ts';
import type { Schema } from './schema.ts';

export const POOL_CONNECTIONS_MAX = 16;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 15_000;
/** The server ends a statement first; this is for a server that no longer answers at all. */
const ANSWER_TIMEOUT_MS = 20_000;

/** Of a text's digest, in the name of its statement. */
const SHAPE_DIGITS = 16;

/** Connections to the catalog's database, and the query builder over them. */
export interface Database {
  readonly pool: Pool;
  readonly queries: Kysely<Schema>;
  /** Whether the server lives: reads are asked through it. */
  readonly pulse: Pulse;
  readonly close: () => Promise<void>;
}

/** Opens the pool; no connection is made before the first query. */
export function openDatabase(
  connection: ClientConfig,
  log: Log,
  connectionsMax: number = POOL_CONNECTIONS_MAX,
): Database {
  const pool = new Pool({
    application_name: 'stowage',
    keepAlive: true,
    ...connection,
    max: connectionsMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    onConnect: (client) => client.query(SESSION_SETTINGS) as unknown as undefined,
  });
  let closing = false;
  let ended: Promise<void> | undefined;
  // An idle connection that breaks (the server restarted) is replaced by the next query. The driver hangs the
  // whole connection on the error, its secrets included, so only the words are logged.
  pool.on('error', (error) => {
    if (!closing) log.warn({ problem: error.message }, 'A connection to the database was lost.');
  });
  // One that breaks while it is lent out tells its borrower, whose query fails; without this it would also end the process.
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  const pulse = new Pulse({ probe: (signal) => probe(connection, signal), log });
  pool.on('release', (error) => {
    // Given back in order: the server has answered it.
    if (!error) pulse.heard();
  });
  const queries = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    pool,
    queries,
    pulse,
    // Not by way of Kysely, which closes a pool only if a query of its own has used it.
    async close() {
      pulse.close();
      if (!closing) ended = pool.end();
      closing = true;
      await ended;
    },
  };
}

/** Asks the server on a connection of its own, since those of the pool may all be waiting. */
async function probe(connection: ClientConfig, signal: AbortSignal): Promise<void> {
  // The driver's own end waits for the server.
  const socket = new Socket();
  const client = new Client({ ...connection, application_name: 'stowage-probe', stream: () => socket });
  client.on('error', () => undefined);
  const onAbort = (): void => void socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
    await client.query('select 1');
    void client.end().catch(() => undefined);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Every query of the catalog is served by an index. Prepared statements keep the plan they got when the tables were
 * small; without sequential scans as a choice that plan stays right when they grow.
 */
const SESSION_SETTINGS = `
  set statement_timeout = ${STATEMENT_TIMEOUT_MS};
  set idle_in_transaction_session_timeout = 60000;
  set timezone = 'UTC';
  set enable_seqscan = off;
  set plan_cache_mode = force_generic_plan`;

/** Runs a query as a named prepared statement: parsed and planned once per connection. */
export async function runPrepared<Row extends QueryResultRow>(
  pool: Pick<ClientBase, 'query'>,
  statement: PreparedStatement<Row>,
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const result = await pool.query<Row>({ name: statement.name, text: statement.text, values: [...values] });
    return result.rows;
  } catch (error) {
    throw translateError(error);
  }
}

/**
 * Runs a query that is built anew each time as a prepared statement of its text. A connection keeps each text it has seen:
 * what changes from call to call must be among the parameters. Answers rows alone: what changes rows says which by `returning`.
 */
export function runBuilt<Row extends QueryResultRow>(
  pool: Pick<ClientBase, 'query'>,
  name: string,
  query: Compilable<Row>,
): Promise<Row[]> {
  const { sql: text, parameters } = query.compile();
  const shape = hash('sha256', text).slice(0, SHAPE_DIGITS);
  return runPrepared<Row>(pool, { name: `${name}_${shape}`, text }, parameters);
}

/** A statement with a name, whose parameters are given in the order they occur. */
export interface PreparedStatement<Row> {
  readonly name: string;
  readonly text: string;
  /** The type of its rows; there is no value. */
  readonly row?: Row;
}

/** Compiles a Kysely query once; the values it was built with are only placeholders. */
export function prepareStatement<Row>(name: string, query: Compilable<Row>): PreparedStatement<Row> {
  return { name, text: query.compile().sql };
}
