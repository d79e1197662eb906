import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client, type ClientConfig } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { throwIfAborted } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { translated } from './errors.ts';
import { migrationNames } from './migrate.ts';
import { type Frame, FrameWriter, readFrames, TransferError } from './transfer-format.ts';

export { TransferError };

/** Rows per table, in the order they were moved. */
export type TransferReport = Readonly<Record<string, number>>;

interface TransferOptions {
  /** Called after each piece with the bytes moved so far. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Every table of the catalog; the tables of pg-boss hold nothing that can't be made again. */
const TABLES = [
  'users',
  'assets',
  'file_access_logs',
  'access_log_seals',
  'upload_counts',
  'idempotency_keys',
  'direct_uploads',
  'asset_links',
  'cdn_purges',
  'erasures',
] as const;

/** Tables that exports of earlier versions do not have. */
const LATER_TABLES: ReadonlySet<string> = new Set<(typeof TABLES)[number]>([
  'direct_uploads',
  'asset_links',
  'cdn_purges',
  'erasures',
]);

/**
 * Writes the whole catalog, as it was at one moment, while the service goes on working. Needs the memory of one row.
 * The text that COPY writes is the same in every version of PostgreSQL, so this is also the way to another major.
 */
export async function exportCatalog(
  connection: ClientConfig,
  output: Writable,
  options: TransferOptions = {},
): Promise<TransferReport> {
  return withClient(connection, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    const writer = new FrameWriter(output);
    await writer.start();
    const applied = await client.query<{ name: string }>('select name from schema_migrations order by name');
    await writer.json('H', {
      tables: TABLES,
      migrations: applied.rows.map(({ name }) => name),
      catalog_id: await readIdentity(client),
    });
    const report: Record<string, number> = {};
    let bytes = 0;
    for (const table of TABLES) {
      const columns = await columnsOf(client, table);
      await writer.json('T', { table, columns });
      const rows = client.query(copyTo(`copy (select ${columns.join(', ')} from ${table}) to stdout`));
      for await (const piece of rows as AsyncIterable<Buffer>) {
        throwIfAborted(options.signal);
        await writer.frame('D', piece);
        bytes += piece.byteLength;
        options.onProgress?.(bytes);
      }
      report[table] = rows.rowCount;
      await writer.json('E', { rows: rows.rowCount });
    }
    await writer.end();
    await client.query('commit');
    return report;
  });
}

/**
 * Reads an export into an empty, migrated catalog: all of it or nothing.
 *
 * @param connection as the owner of the schema.
 * @throws TransferError when the catalog is not empty, the export is damaged, or it comes from a newer Stowage.
 */
export async function importCatalog(
  connection: ClientConfig,
  input: AsyncIterable<Uint8Array>,
  options: TransferOptions = {},
): Promise<TransferReport> {
  return withClient(connection, async (client) => {
    await client.query('begin');
    await assertEmpty(client);
    const frames = readFrames(input);
    const header = await importableHeader(await frames.next());
    await takeIdentity(client, header.catalog_id);
    const report: Record<string, number> = {};
    let bytes = 0;
    const onPiece = (length: number): void => {
      bytes += length;
      options.onProgress?.(bytes);
    };
    for (;;) {
      throwIfAborted(options.signal);
      const frame = await nextFrame(frames);
      if (frame.kind === 'Z') break;
      const { table, columns } = await readTable(client, frame);
      report[table] = await copyTable(
        client,
        `copy ${table} (${columns.join(', ')}) from stdin`,
        frames,
        onPiece,
      );
    }
    const missing = TABLES.filter((table) => report[table] === undefined && !LATER_TABLES.has(table));
    if (missing.length > 0) throw new TransferError(`The export lacks ${missing.join(', ')}.`);
    // Ids drawn from now on come after every id that was imported, sealed ones included.
    await client.query(`
      select setval(pg_get_serial_sequence('file_access_logs', 'entry_id'), greatest(
        (select max(entry_id) from file_access_logs),
        (select max(id) from access_log_seals, unnest(entry_ids) as id)))
      where exists (select from file_access_logs)`);
    await client.query('commit');
    return report;
  });
}

async function withClient<Result>(
  connection: ClientConfig,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    application_name: 'stowage-transfer',
    connectionTimeoutMillis: 5_000,
    ...connection,
  });
  client.on('error', () => undefined);
  await translated(client.connect());
  try {
    await client.query(`set client_encoding = 'UTF8'; set timezone = 'UTC'; set datestyle = 'ISO, YMD'`);
    return await translated(work(client));
  } finally {
    // Ends an unfinished transaction too.
    await client.end().catch(() => undefined);
  }
}

async function columnsOf(client: Client, table: string): Promise<string[]> {
  const answer = await client.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return answer.rows.map(({ name }) => name);
}

async function assertEmpty(client: Client): Promise<void> {
  await client.query(`lock table ${TABLES.join(', ')} in share row exclusive mode`);
  for (const table of TABLES) {
    const row = await client.query(`select from ${table} limit 1`);
    if (row.rowCount !== 0) throw new TransferError(`The catalog is not empty: ${table} has rows.`);
  }
}

async function readIdentity(client: Client): Promise<string | undefined> {
  const answer = await client.query<{ catalog_id: string }>('select catalog_id from catalog_identity');
  return answer.rows[0]?.catalog_id;
}

/** The import goes on as the catalog that was exported, so that its stores know it. Earlier exports name none. */
async function takeIdentity(client: Client, catalogId: unknown): Promise<void> {
  if (catalogId === undefined) return;
  if (typeof catalogId !== 'string' || !isUuid(catalogId)) {
    throw new TransferError('The export has a damaged header.');
  }
  await client.query('update catalog_identity set catalog_id = $1', [catalogId]);
}

async function importableHeader(header: IteratorResult<Frame>): Promise<{ readonly catalog_id?: unknown }> {
  if (header.done === true || header.value.kind !== 'H') throw new TransferError('The export has no header.');
  const told = Object(JSON.parse(header.value.payload.toString()));
  const { migrations } = told;
  const known = new Set(await migrationNames());
  const unknown = Array.isArray(migrations) ? migrations.find((name) => !known.has(name)) : 'nothing';
  if (unknown !== undefined) {
    throw new TransferError(
      `The export comes from a newer Stowage (migration ${unknown}). Import it with that one.`,
    );
  }
  return told;
}

async function readTable(
  client: Client,
  frame: Frame,
): Promise<{ table: string; columns: readonly string[] }> {
  const { table, columns } = frame.kind === 'T' ? Object(JSON.parse(frame.payload.toString())) : Object(null);
  const name = TABLES.find((known) => known === table);
  const known = name === undefined ? [] : await columnsOf(client, name);
  const fits =
    Array.isArray(columns) && columns.length > 0 && columns.every((column) => known.includes(column));
  if (name === undefined || !fits)
    throw new TransferError('The export is damaged: it names unknown tables or columns.');
  return { table: name, columns };
}

async function copyTable(
  client: Client,
  statement: string,
  frames: AsyncGenerator<Frame>,
  onPiece: (bytes: number) => void,
): Promise<number> {
  const target = client.query(copyFrom(statement));
  let promised = -1;
  await pipeline(async function* () {
    for (;;) {
      const frame = await nextFrame(frames);
      if (frame.kind === 'E') {
        promised = Number(Object(JSON.parse(frame.payload.toString())).rows);
        return;
      }
      if (frame.kind !== 'D') throw new TransferError('The export is damaged: its frames are out of order.');
      yield frame.payload;
      onPiece(frame.payload.byteLength);
    }
  }, target);
  if (target.rowCount !== promised) {
    throw new TransferError(`The export promised ${promised} rows and brought ${target.rowCount}.`);
  }
  return target.rowCount;
}

async function nextFrame(frames: AsyncGenerator<Frame>): Promise<Frame> {
  const next = await frames.next();
  if (next.done === true) throw new TransferError('The export ends early.');
  return next.value;
}
