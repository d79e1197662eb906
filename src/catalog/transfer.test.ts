import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Client } from 'pg';
import { newTimeOrderedUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from './fixtures.ts';
import { openTestCatalog, openTestDatabase, type TestCatalog } from './testing.ts';
import { inTransaction } from './transaction.ts';
import { exportCatalog, importCatalog } from './transfer.ts';
import { readFrames } from './transfer-format.ts';

const clock = { now: () => NOON_MS };

async function exported(store: TestCatalog): Promise<Buffer> {
  const output = new PassThrough();
  const collecting = output.toArray();
  await exportCatalog(store.owner, output);
  output.end();
  return Buffer.concat(await collecting);
}

/** All that an export says; where COPY cuts its pieces differs from run to run. */
async function contentOf(bytes: Buffer): Promise<string> {
  let content = '';
  for await (const { kind, payload } of readFrames(inPieces(bytes, 1000))) {
    if (kind !== 'Z') content += kind === 'D' ? payload.toString() : `\n${kind} ${payload.toString()}\n`;
  }
  return content;
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.byteLength; start += size) yield bytes.subarray(start, start + size);
}

async function fill(store: TestCatalog): Promise<void> {
  const { catalog, database } = store;
  const odd = makeAsset({ filename: 'tab\t, \\N, "quoted"\nline', metadata: { text: '\\.\n\t' } });
  await catalog.claimIdempotencyKey({
    tenantId: 'acme',
    userId: 'ada',
    key: 'k',
    fingerprint: 'f',
    nowMs: NOON_MS,
  });
  await catalog.commitUpload(
    makeUpload([odd], { idempotency: { key: 'k', response: { a: '\t' } }, role: 'admin' }),
  );
  await inTransaction(database.pool, (client) =>
    catalog.addLink(
      client,
      {
        ...{ tenantId: 'acme', recordType: 'brand', recordId: '\\.', role: '\t' },
        ...{ assetId: odd.assetId, position: null },
      },
      { nowMs: NOON_MS, isNew: false },
    ),
  );
  await catalog.reserveUpload(
    {
      ...{ uploadId: newTimeOrderedUuid(NOON_MS), tenantId: 'acme', userId: 'ada', assetType: 'image' },
      ...{
        filename: '\\N.png',
        declaredType: null,
        sizeBytes: 5,
        sha256: Buffer.alloc(32, 92),
        partBytes: null,
      },
      ...{ fields: { project_id: 'p' }, metadata: { text: '\\.' }, backend: 'local' },
      incomingKey: parseObjectKey('incoming/one'),
      createdAtMs: NOON_MS,
      expiresAtMs: NOON_MS + 3_600_000,
    },
    { limit: { filesMax: 100, windowSeconds: 3600 }, openMax: 100 },
  );
  await Promise.all(
    Array.from({ length: 1500 }, (_, n) => catalog.recordAccess(makeEntry({ requestId: `r${n}` }))),
  );
  await catalog.sealAccessLog();
  await catalog.recordAccess(makeEntry({ userAgent: null }));
}

for (const [from, to] of [
  [15, 18],
  [18, 15],
] as const) {
  test(`a catalog moves from PostgreSQL ${from} to ${to} whole, and its chain goes on`, async () => {
    await using source = await openTestCatalog({ major: from, clock });
    await using target = await openTestCatalog({ major: to, clock });
    const renamed = new Client(source.owner);
    await renamed.connect();
    await renamed.query('update catalog_identity set catalog_id = gen_random_uuid()');
    await renamed.end();
    await fill(source);
    const bytes = await exported(source);
    const report = await importCatalog(target.owner, inPieces(bytes, 1000));
    assert.deepEqual(report, {
      users: 1,
      assets: 1,
      file_access_logs: 1502,
      access_log_seals: 2,
      upload_counts: 1,
      idempotency_keys: 1,
      direct_uploads: 1,
      asset_links: 1,
      cdn_purges: 0,
      erasures: 0,
    });
    assert.ok(
      (await contentOf(await exported(target))) === (await contentOf(bytes)),
      'an export of the import is the same',
    );
    assert.equal(await target.catalog.catalogId(), await source.catalog.catalogId());
    const before = await source.catalog.verifyAccessLog({});
    assert.deepEqual(await target.catalog.verifyAccessLog({}), before);
    await target.catalog.recordAccess(makeEntry());
    assert.equal(await target.catalog.sealAccessLog(), 2);
    const after = await target.catalog.verifyAccessLog({});
    assert.deepEqual([after.broken, after.sealed, after.seals], [null, 1503, 3]);
  });
}

test('an import into a catalog that has anything is refused', async () => {
  await using source = await openTestCatalog({ clock });
  await source.catalog.recordAccess(makeEntry());
  const bytes = await exported(source);
  await assert.rejects(
    importCatalog(source.owner, inPieces(bytes, 64)),
    /not empty: file_access_logs has rows/,
  );
});

test('a damaged, cut or foreign export leaves the catalog empty', async () => {
  await using source = await openTestCatalog({ clock });
  await fill(source);
  const bytes = await exported(source);
  await using target = await openTestCatalog({ clock });
  const flipped = Buffer.from(bytes);
  const place = bytes.indexOf('r77\t') > 0 ? bytes.indexOf('r77\t') + 1 : bytes.indexOf('r77') + 1;
  flipped.writeUInt8(flipped.readUInt8(place) ^ 1, place);
  const bad: [Buffer, RegExp][] = [
    [Buffer.alloc(0), /ends early/],
    [Buffer.from('PGDMP'.repeat(20)), /no export/],
    [bytes.subarray(0, bytes.byteLength - 1), /ends early/],
    [bytes.subarray(0, bytes.byteLength >> 1), /ends early/],
    [Buffer.concat([bytes, Buffer.from('x')]), /something follows/],
    [flipped, /checksum is wrong/],
  ];
  for (const [file, message] of bad) {
    await assert.rejects(importCatalog(target.owner, inPieces(file, 500)), message);
    assert.equal((await target.catalog.verifyAccessLog({})).entries, 0);
  }
  await importCatalog(target.owner, inPieces(bytes, 500));
});

test('an export of a newer Stowage is refused', async () => {
  await using source = await openTestCatalog({ clock });
  const bytes = await exported(source);
  const text = bytes.toString('latin1').replace('0001_users', '9001_users');
  await using target = await openTestCatalog({ clock });
  await assert.rejects(
    importCatalog(target.owner, inPieces(Buffer.from(text, 'latin1'), 500)),
    /newer Stowage/,
  );
});

test('export and import can be aborted, and a server that is away is reported as such', async () => {
  await using source = await openTestCatalog({ clock });
  await fill(source);
  const signal = AbortSignal.abort();
  await assert.rejects(exportCatalog(source.owner, new PassThrough(), { signal }), { code: 'aborted' });
  const bytes = await exported(source);
  await using target = await openTestDatabase();
  await assert.rejects(importCatalog(target.owner, inPieces(bytes, 500), { signal }), { code: 'aborted' });
  const nowhere = { host: '/nonexistent', user: 'x', database: 'x' };
  await assert.rejects(exportCatalog(nowhere, new PassThrough()), { code: 'database_unavailable' });
});
