import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { parseObjectKey } from '../core/key.ts';
import { silentLog } from '../core/log.ts';
import type { Asset, AuditReport, Catalog } from './catalog.ts';
import { openDatabase } from './database.ts';
import { makeEntry, NOON_MS } from './fixtures.ts';
import { postgresCatalog } from './postgres-catalog.ts';
import type { TestDatabase } from './testing.ts';

/** Of the entries 1, 2 and 4, in hex. */
const ENTRY_HASHES = [
  '0a8dea5e8f81bde6752aa378d36240b8d47081ef584355646e621c68e86a230a',
  '95ef24bc17842df0e8d67bf22e09483223bbabf8d84518215e4dad605929239f',
  '21449f20f7bb341eba8f7204e9be06ade9d031bd561e4e84f7af5992a7357061',
] as const;
/** Of the seals 1 and 2. */
const SEAL_HASHES = [
  '29af5f4a2808454a6ceef27e92bae4a3386dd2a9acdfdf4eec5f97b2fbea92e8',
  '6d11492b739082f6063a6072e0701c5de4e95a49de49b35bbe8b9edb27d5a68f',
] as const;

/**
 * Rows as an earlier version would have left them, an hour before `NOON_MS`: what each migration's tables and columns held
 * while it was the newest. Written out, hashes too: what is written once must be understood by all code that comes later.
 */
const ROWS: readonly { readonly since: string; readonly sql: string }[] = [
  {
    since: '0001',
    sql: `
      insert into users (tenant_id, user_id, role, first_seen_at, last_seen_at) values
        ('acme', 'ada', 'admin', '2025-11-30T23:59:59.999Z', '2026-01-02T02:00:00.123Z'),
        ('globex', 'Bob "図"', null, '2026-01-02T02:00:00.125Z', '2026-01-02T02:00:00.125Z');
      insert into assets (id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type, metadata,
                          content_hash, state, backend, created_at, updated_at) values
        ('00000000-0000-4000-8000-000000000001', 'acme', 'ada', 'old/key.png', 'Grüße 図.png', 12345, 'image/png', 'image',
         '{"project": "x", "nested": {"deep": [1, null, "ü"]}}', repeat('ab', 32), 'stored', 'local',
         '2026-01-02T02:00:00.123Z', '2026-01-02T02:00:00.123Z'),
        ('00000000-0000-4000-8000-000000000002', 'globex', 'Bob "図"', 'old/film.mp4', repeat('f', 255), 5368709120,
         'video/mp4', 'video', '{}', repeat('cd', 32), 'stored', 's3',
         '2026-01-02T02:00:00.125Z', '2026-01-02T02:00:00.125Z'),
        ('00000000-0000-4000-8000-000000000003', 'acme', 'ada', 'old/empty.txt', '', 0, 'text/plain', 'document', '{}',
         repeat('ef', 32), 'deleted', 'local', '2026-01-01T02:00:00.000Z', '2026-01-02T02:00:00.126Z');`,
  },
  {
    // Two seals, a number that was drawn by a transaction that failed, and an entry that is not sealed yet.
    since: '0002',
    sql: `
      insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                    ip_address, user_agent, storage_backend, request_id) values
        ('2026-01-02T02:00:00.123Z', 'upload', 'ok', null, 'acme', 'ada', '00000000-0000-4000-8000-000000000001', 'image',
         'old/key.png', '2001:db8::1', 'Mozilla/5.0 (図)', 'local', 'req-1'),
        ('2026-01-02T02:00:00.124Z', 'download', 'refused', 'unauthenticated', 'globex', null, null, null, null,
         '192.0.2.7', null, 's3', 'req-2');
      select nextval('file_access_logs_entry_id_seq');
      insert into file_access_logs (at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key,
                                    ip_address, user_agent, storage_backend, request_id) values
        ('2026-01-02T02:00:00.125Z', 'generate_url', 'ok', null, 'globex', 'Bob "図"',
         '00000000-0000-4000-8000-000000000002', 'video', 'old/film.mp4', '192.0.2.7', '', 's3', 'req-3'),
        ('2026-01-02T02:00:00.126Z', 'delete', 'ok', null, 'acme', 'ada', '00000000-0000-4000-8000-000000000003',
         'document', 'old/empty.txt', '2001:db8::1', 'curl/8', 'local', 'req-4');
      insert into access_log_seals (seal_id, entry_ids, entry_hashes, previous_hash, seal_hash, sealed_at) values
        (1, '{1,2}', '\\x${ENTRY_HASHES[0]}${ENTRY_HASHES[1]}', '\\x${'00'.repeat(32)}', '\\x${SEAL_HASHES[0]}', '2026-01-02T02:00:01.000Z'),
        (2, '{4}', '\\x${ENTRY_HASHES[2]}', '\\x${SEAL_HASHES[0]}', '\\x${SEAL_HASHES[1]}', '2026-01-02T02:00:02.000Z');`,
  },
  {
    since: '0003',
    sql: `
      insert into upload_counts (tenant_id, user_id, window_start, window_end, files) values
        ('acme', 'ada', '2026-01-02T02:30:00.000Z', '2026-01-02T03:30:00.000Z', 3),
        ('globex', 'Bob "図"', '2026-01-01T02:00:00.125Z', '2026-01-01T03:00:00.125Z', 1);
      insert into idempotency_keys (tenant_id, user_id, key, fingerprint, state, response, claimed_at, expires_at) values
        ('acme', 'ada', 'answered', 'print-1', 'done', '{"status": 201, "body": {"id": "ü"}}',
         '2026-01-02T02:00:00.123Z', '2026-01-03T02:00:00.123Z'),
        ('acme', 'ada', 'running', 'print-2', 'running', null, '2026-01-02T03:04:00.000Z', '2026-01-03T03:04:00.000Z');`,
  },
  {
    // Open, ended, refused.
    since: '0005',
    sql: `
      insert into direct_uploads (upload_id, tenant_id, user_id, asset_type, filename, declared_type, size_bytes, sha256,
                                  fields, metadata, incoming_key, backend, store_upload_id, part_bytes, state, reason,
                                  claim, claimed_until, asset_id, window_end, created_at, expires_at) values
        ('00000000-0000-4000-8000-000000000011', 'acme', 'ada', 'video', 'film.mp4', 'video/mp4', 5368709120,
         decode(repeat('0f', 32), 'hex'), '{"brand": "b-1"}', '{"project": "x"}', 'incoming/11', 's3', 'multi-1', 8388608,
         'reserved', null, null, null, null,
         '2026-01-02T03:30:00.000Z', '2026-01-02T02:40:00.000Z', '2026-01-03T02:40:00.000Z'),
        ('00000000-0000-4000-8000-000000000012', 'globex', 'Bob "図"', 'video', '', null, 5368709120, null, '{}', '{}',
         'incoming/12', 's3', null, null, 'done', null, null, null, '00000000-0000-4000-8000-000000000002',
         '2026-01-02T03:00:00.000Z', '2026-01-02T02:00:00.000Z', '2026-01-03T02:00:00.000Z'),
        ('00000000-0000-4000-8000-000000000013', 'acme', 'ada', 'image', 'a.png', null, 1, null, '{}', '{}',
         'incoming/13', 'local', null, null, 'completing', null, '00000000-0000-4000-8000-0000000000c1',
         '2026-01-02T03:05:00.000Z', null,
         '2026-01-02T03:30:00.000Z', '2026-01-02T03:03:00.000Z', '2026-01-03T03:03:00.000Z'),
        ('00000000-0000-4000-8000-000000000014', 'acme', 'ada', 'image', '', null, 1, null, '{}', '{}',
         'incoming/14', 'local', null, null, 'refused', 'type_not_allowed', null, null, null,
         '2026-01-02T03:30:00.000Z', '2026-01-02T02:41:00.000Z', '2026-01-03T02:41:00.000Z');`,
  },
  {
    // A copy that is being made, and one that is being removed.
    since: '0007',
    sql: `
      update assets set copies = '{gcs}', copy_claim = '00000000-0000-4000-8000-0000000000c2'
      where s3_key = 'old/key.png';
      update assets set copies = '{local,gcs}', moved_at = '2026-01-02T02:10:00.000Z', releasing = 'local',
        release_claim = '00000000-0000-4000-8000-0000000000c3', release_until = '2026-01-02T03:10:00.000Z'
      where s3_key = 'old/film.mp4';`,
  },
  {
    since: '0008',
    sql: `
      insert into erasures (tenant_id, user_id, requested_by, request_id, ip_address, user_agent, requested_at, due_at,
                            attempts, claim) values
        ('globex', 'Bob "図"', 'root', 'req-5', '192.0.2.8', null,
         '2026-01-02T02:00:03.000Z', '2026-01-02T02:00:03.000Z', 0, null),
        ('acme', 'eve', 'ada', 'req-6', '192.0.2.9', 'curl/8',
         '2026-01-02T02:00:04.000Z', '2026-01-02T03:10:00.000Z', 2, '00000000-0000-4000-8000-0000000000c4');`,
  },
  {
    since: '0011',
    sql: `
      insert into asset_links (tenant_id, record_type, record_id, role, asset_id, position, linked_at) values
        ('acme', 'brand', 'b-1', 'logo', '00000000-0000-4000-8000-000000000001', 2, '2026-01-02T02:20:00.000Z'),
        ('acme', 'task', 'Ü "1"', '', '00000000-0000-4000-8000-000000000001', null, '2026-01-02T02:20:00.001Z'),
        ('globex', 'task', '1', '', '00000000-0000-4000-8000-000000000002', null, '2026-01-02T02:20:00.002Z');`,
  },
  {
    since: '0014',
    sql: `
      insert into cdn_caches (url, noted_at) values ('https://cdn.example', '2026-01-02T02:00:00.000Z');
      insert into cdn_purges (s3_key, asset_id, generation, requested_at, due_at, attempts, problem, purged_at, receipt)
      values
        ('old/empty.txt', '00000000-0000-4000-8000-000000000003', 2, '2026-01-02T02:00:00.126Z',
         '2026-01-02T03:00:00.000Z', 3, 'The CDN answered 503.', null, null),
        ('old/gone.png', '00000000-0000-4000-8000-000000000004', 1, '2026-01-01T02:00:00.000Z',
         '2026-01-01T02:00:00.000Z', 1, null, '2026-01-01T02:00:01.000Z', 'purge-1');`,
  },
];

/** The first of the assets, as the catalog tells it. */
const EARLIER_ASSET: Asset = {
  assetId: '00000000-0000-4000-8000-000000000001',
  tenantId: 'acme',
  userId: 'ada',
  assetType: 'image',
  key: parseObjectKey('old/key.png'),
  backend: 'local',
  filename: 'Grüße 図.png',
  sizeBytes: 12_345,
  mediaType: 'image/png',
  contentHash: 'ab'.repeat(32),
  metadata: { project: 'x', nested: { deep: [1, null, 'ü'] } },
  createdAtMs: Date.parse('2026-01-02T02:00:00.123Z'),
  state: 'stored',
};

/** What verification says of the log. */
const EARLIER_LOG: AuditReport = {
  entries: 4,
  sealed: 3,
  seals: 2,
  head: SEAL_HASHES[1],
  broken: null,
};

const EMPTY_LOG: AuditReport = { entries: 0, sealed: 0, seals: 0, head: null, broken: null };

/** Writes rows into every table that a database has after the migration `until`. */
export async function addEarlierRows(client: Client, until: string): Promise<void> {
  for (const { since, sql } of ROWS) if (since <= until) await client.query(sql);
}

/** Names of columns by their table; what a migration run itself keeps is left out. */
export type Columns = ReadonlyMap<string, readonly string[]>;

/** All tables that hold something of the catalog. */
export async function readColumns(client: Client): Promise<Columns> {
  const answer = await client.query<{ table: string; columns: string[] }>(`
    select relname as table, array_agg(attname::text order by attnum) as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'schema_migrations'
      and attnum > 0 and not attisdropped
    group by relname order by relname`);
  return new Map(answer.rows.map(({ table, columns }) => [table, columns]));
}

/** All rows of these tables by table, as text; of each row these columns and no others. */
export async function readRows(client: Client, columns: Columns): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  for (const [table, names] of columns) {
    const values = names.map((name) => `${client.escapeIdentifier(name)}::text`).join(', ');
    const order = names.map((_, index) => index + 1).join(', ');
    const text = `select ${values} from ${client.escapeIdentifier(table)} order by ${order}`;
    rows[table] = (await client.query({ text, rowMode: 'array' })).rows;
  }
  return rows;
}

/** The service goes on with what a version left that had these columns. */
export async function assertEarlierRowsWork(store: TestDatabase, columns: Columns): Promise<void> {
  const has = (table: string): boolean => columns.has(table);
  const catalog = postgresCatalog(openDatabase(store.app, silentLog), { now: () => NOON_MS });
  const { assetId, tenantId, userId, key } = EARLIER_ASSET;
  try {
    const log = has('file_access_logs') ? EARLIER_LOG : EMPTY_LOG;
    assert.deepEqual(await catalog.verifyAccessLog({}), log);
    assert.deepEqual(await catalog.findAsset(tenantId, assetId), EARLIER_ASSET);
    assert.equal(await catalog.findAsset('globex', assetId), undefined);
    assert.deepEqual(await catalog.usage('globex', null), { files: 1, bytes: 5_368_709_120 });

    assert.equal(await readRemaining(catalog), has('upload_counts') ? 7 : 10);
    const claim = { tenantId, userId, key: 'answered', fingerprint: 'print-1', nowMs: NOON_MS };
    assert.deepEqual(
      await catalog.claimIdempotencyKey(claim),
      has('idempotency_keys')
        ? { state: 'done', response: { status: 201, body: { id: 'ü' } } }
        : { state: 'new' },
    );
    await assertUploadEnds(catalog, has('direct_uploads'));
    const held = { claim: randomUUID(), nowMs: NOON_MS, untilMs: NOON_MS + 60_000 };
    assert.equal((await catalog.claimErasure(held))?.userId, has('erasures') ? 'Bob "図"' : undefined);

    await assertDeletes(catalog, columns);
    assert.equal(await catalog.findAssetByKey(key), undefined);
    assert.equal(await catalog.sealAccessLog(), log.entries - log.sealed + 1);
    const after = await catalog.verifyAccessLog({});
    assert.deepEqual([after.entries, after.seals, after.broken], [log.entries + 1, log.seals + 1, null]);
  } finally {
    await catalog.close();
  }
}

/** An upload that was open ends, and gives its place in the window back. */
async function assertUploadEnds(catalog: Catalog, exists: boolean): Promise<void> {
  const uploadId = '00000000-0000-4000-8000-000000000011';
  const claim = randomUUID();
  const claiming = { claim, nowMs: NOON_MS, untilMs: NOON_MS + 60_000, expired: false };
  assert.equal((await catalog.findUpload('acme', uploadId))?.storeUploadId, exists ? 'multi-1' : undefined);
  assert.equal(await catalog.claimUpload(uploadId, claiming), exists);
  assert.equal(await catalog.endUpload({ uploadId, claim }, 'abandoned', null), exists);
  if (exists) assert.equal(await readRemaining(catalog), 8);
}

async function readRemaining(catalog: Catalog): Promise<number> {
  const owner = { tenantId: 'acme', userId: 'ada' };
  const limit = { filesMax: 10, windowSeconds: 3600 };
  return (await catalog.uploadAllowance(owner, limit, NOON_MS)).remaining;
}

/** An asset goes: not while a record refers to it, with all its places, and out of every cache. */
async function assertDeletes(catalog: Catalog, columns: Columns): Promise<void> {
  const { assetId, tenantId } = EARLIER_ASSET;
  const waiting = columns.has('cdn_purges') ? 1 : 0;
  const entry = makeEntry({ action: 'delete', assetId });
  assert.equal((await catalog.purgeBacklog()).waiting, waiting);
  const links = await catalog.listLinks(tenantId, assetId);
  assert.deepEqual(
    links.map(({ recordType, recordId, role, position }) => [recordType, recordId, role, position]),
    columns.has('asset_links')
      ? [
          ['brand', 'b-1', 'logo', 2],
          ['task', 'Ü "1"', '', null],
        ]
      : [],
  );
  if (links.length > 0) {
    await assert.rejects(catalog.tombstoneAsset(tenantId, assetId, entry), { code: 'conflict' });
  }
  const copies = columns.get('assets')?.includes('copies') ? ['gcs'] : [];
  assert.equal((await catalog.countCopies('gcs')).files, copies.length * 2);
  const gone = await catalog.tombstoneAsset(tenantId, assetId, entry, { cutLinks: true });
  assert.deepEqual(gone, { ...EARLIER_ASSET, copies });
  assert.deepEqual(await catalog.listLinks(tenantId, assetId), []);
  assert.equal((await catalog.purgeBacklog()).waiting, waiting * 2);
  await catalog.forgetAsset(assetId);
  // What was a tombstone already still waits for its bytes to go.
  const tombstones = { backend: 'local', beforeMs: NOON_MS, afterId: null, limit: 10 } as const;
  assert.deepEqual(
    (await catalog.listTombstones(tombstones)).map(({ key }) => key),
    ['old/empty.txt'],
  );
}
