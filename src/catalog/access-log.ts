import { type Selectable, sql } from 'kysely';
import type { BackendName } from '../core/backend-name.ts';
import { isUuid } from '../core/ids.ts';
import { Batcher } from './batch.ts';
import type { AccessAction, AccessEntry, AccessQuery, Page, StoredAccessEntry } from './catalog.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type Database, type PreparedStatement, runBuilt, runPrepared } from './database.ts';
import type { AccessLogTable } from './schema.ts';
import { storableText, storableTextOrNull } from './text.ts';

const COLUMNS = [
  'entry_id',
  'at',
  'action',
  'outcome',
  'reason',
  'tenant_id',
  'user_id',
  'asset_id',
  'asset_type',
  's3_key',
  'ip_address',
  'user_agent',
  'storage_backend',
  'request_id',
] as const;

export type AccessLogRow = Selectable<AccessLogTable>;

const ENTRIES_PER_BATCH_MAX = 256;
const BATCHES_IN_FLIGHT_MAX = 2;
const ENTRIES_WAITING_MAX = 20_000;

interface Append {
  readonly entry: AccessEntry;
  /** Write only if the asset is still stored. */
  readonly ifStored: boolean;
}

/** One batch of entries; answers the places (from 1) of those that were written, and the backend each has. */
const APPEND: PreparedStatement<{ n: string; backend: string }> = {
  name: 'append_access',
  text: `
    with given as materialized (
      select item.n, entry.*
      from jsonb_array_elements($1::jsonb) with ordinality as item(value, n),
           jsonb_to_record(item.value) as entry(
             if_stored boolean, at timestamptz, action text, outcome text, reason text, tenant_id text, user_id text,
             asset_id uuid, asset_type text, s3_key text, ip_address text, user_agent text, storage_backend text,
             request_id text)
    ), wanted as materialized (
      select given.*, coalesce(asset.backend, given.storage_backend) as backend from given
      left join lateral (
        select backend from assets
        where given.if_stored and assets.id = given.asset_id and assets.tenant_id = given.tenant_id
          and assets.state = 'stored'
        limit 1
      ) as asset on true
      where asset.backend is not null or not given.if_stored
    ), written as (
      insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                    ip_address, user_agent, storage_backend, request_id)
      select at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
             ip_address, user_agent, backend, request_id
      from wanted order by n
    )
    select n, backend from wanted`,
};

/** What the catalog writes to and reads from the access log, sealing apart. */
export type AccessLog = ReturnType<typeof accessLog>;

/** Prepares the access log's queries and its batches. */
export function accessLog(database: Database) {
  const appends = new Batcher<Append, BackendName | undefined>({
    itemsMax: ENTRIES_PER_BATCH_MAX,
    batchesInFlightMax: BATCHES_IN_FLIGHT_MAX,
    waitingMax: ENTRIES_WAITING_MAX,
    run: (batch) => append(database, batch),
  });
  return {
    async record(entry: AccessEntry): Promise<void> {
      await appends.add({ entry, ifStored: false });
    },
    recordRead: (entry: AccessEntry) => appends.add({ entry, ifStored: true }),
    list: (query: AccessQuery) => listEntries(database, query),
  };
}

async function append(database: Database, batch: readonly Append[]): Promise<(BackendName | undefined)[]> {
  const rows = batch.map(({ entry, ifStored }) => ({ if_stored: ifStored, ...entryColumns(entry) }));
  const written = await runPrepared(database.pool, APPEND, [JSON.stringify(rows)]);
  const backends = new Map(written.map(({ n, backend }) => [Number(n), backend as BackendName]));
  return batch.map((_, index) => backends.get(index + 1));
}

/** An entry as the columns of `file_access_logs`, for JSON. */
export function entryColumns(entry: AccessEntry): Record<string, string | null> {
  return {
    at: new Date(entry.atMs).toISOString(),
    action: entry.action,
    outcome: entry.outcome,
    reason: entry.reason,
    tenant_id: storableText(entry.tenantId),
    user_id: storableTextOrNull(entry.userId),
    // A refusal may be about something that never had an id.
    asset_id: entry.assetId !== null && isUuid(entry.assetId) ? entry.assetId : null,
    asset_type: storableTextOrNull(entry.assetType),
    s3_key: storableTextOrNull(entry.key),
    ip_address: storableText(entry.ipAddress),
    user_agent: storableTextOrNull(entry.userAgent),
    storage_backend: entry.storageBackend,
    request_id: storableText(entry.requestId),
  };
}

const ENTRY_ID_PATTERN = /^\d{1,19}$/;
const ENTRY_ID_MAX = 2n ** 63n - 1n;

async function listEntries(
  { pool, queries }: Database,
  query: AccessQuery,
): Promise<Page<StoredAccessEntry>> {
  const after = query.cursor === null ? null : decodeCursor(query.cursor, ENTRY_ID_PATTERN);
  if (query.assetId !== null && !isUuid(query.assetId)) return { items: [], nextCursor: null };
  let rows = queries.selectFrom('file_access_logs').select(COLUMNS).where('tenant_id', '=', query.tenantId);
  if (query.userId !== null) rows = rows.where('user_id', '=', query.userId);
  if (query.assetId !== null) rows = rows.where('asset_id', '=', query.assetId);
  if (query.action !== null) rows = rows.where('action', '=', query.action);
  if (query.fromMs !== null) rows = rows.where('at', '>=', new Date(query.fromMs));
  if (query.toMs !== null) rows = rows.where('at', '<', new Date(query.toMs));
  if (after !== null) {
    const id = BigInt(after.id) > ENTRY_ID_MAX ? ENTRY_ID_MAX : BigInt(after.id);
    rows = rows.where(sql<boolean>`(at, entry_id) < (${new Date(after.atMs)}, ${id.toString()}::bigint)`);
  }
  const page = rows
    .orderBy('at', 'desc')
    .orderBy('entry_id', 'desc')
    .limit(query.limit + 1);
  const found = await runBuilt(pool, 'list_access', page);
  const items = found.slice(0, query.limit).map(accessEntryOf);
  const last = items.at(-1);
  const more = found.length > query.limit && last !== undefined;
  return { items, nextCursor: more ? encodeCursor({ atMs: last.atMs, id: last.entryId }) : null };
}

/** The entry of a row. */
export function accessEntryOf(row: AccessLogRow): StoredAccessEntry {
  return {
    entryId: row.entry_id,
    atMs: row.at.getTime(),
    action: row.action as AccessAction,
    outcome: row.outcome as 'ok' | 'refused',
    reason: row.reason,
    tenantId: row.tenant_id,
    userId: row.user_id,
    assetId: row.asset_id,
    assetType: row.asset_type,
    key: row.s3_key,
    ipAddress: row.ip_address,
    userAgent: row.user_agent,
    storageBackend: row.storage_backend as BackendName,
    requestId: row.request_id,
  };
}
