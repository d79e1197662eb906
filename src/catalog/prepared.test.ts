import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'pg';
import { newUuid } from '../core/ids.ts';
import type { AccessQuery } from './catalog.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from './fixtures.ts';
import { openTestCatalog, type TestCatalog, type TestMajor } from './testing.ts';

/** How often each prepared statement of the pool's connection was run, by name. */
async function runs({ database }: TestCatalog): Promise<ReadonlyMap<string, number>> {
  const { rows } = await database.pool.query<{ name: string; runs: string }>(
    'select name, generic_plans + custom_plans as runs from pg_prepared_statements',
  );
  return new Map(rows.map((row) => [row.name, Number(row.runs)]));
}

for (const major of [15, 18] as const satisfies TestMajor[]) {
  test(`what a request asks of the catalog is one run of one prepared statement, on PostgreSQL ${major}`, async () => {
    await using store = await openTestCatalog({ major, clock: { now: () => NOON_MS } });
    const { catalog } = store;
    const asset = makeAsset();
    const { assetId } = asset;
    const requests: Readonly<Record<string, () => Promise<unknown>>> = {
      'an upload: asset, log entry, count and user': () => catalog.commitUpload(makeUpload([makeAsset()])),
      'what an owner may still upload': () => catalog.uploadAllowance(OWNER, LIMIT, NOON_MS),
      'an asset by its id': () => catalog.findAsset('acme', assetId),
      'an asset by its key': () => catalog.findAssetByKey(asset.key),
      'a read and its log entry': () => catalog.recordRead({ ...makeEntry(), assetId }),
      'an entry of the log': () => catalog.recordAccess(makeEntry()),
      'a page of assets': () => catalog.listAssets({ ...PAGE, assetType: null }),
      'a page of one type': () => catalog.listAssets({ ...PAGE, assetType: 'image' }),
      'what an owner has': () => catalog.usage('acme', 'ada'),
      'what a tenant has': () => catalog.usage('acme', null),
      'a page of the log': () => catalog.listAccess(EVERYTHING),
      'a page of the log about an asset': () => catalog.listAccess({ ...EVERYTHING, assetId }),
      'an upload in progress': () => catalog.findUpload('acme', assetId),
      'whether an upload is open': () => catalog.isUploadOpen(asset.key, NOON_MS),
      'the key of a request': () =>
        catalog.claimIdempotencyKey({ ...OWNER, key: newUuid(), fingerprint: '', nowMs: NOON_MS }),
      'the next erasure': () => catalog.claimErasure({ claim: newUuid(), nowMs: NOON_MS, untilMs: NOON_MS }),
    };
    await catalog.commitUpload(makeUpload([asset]));
    for (const [what, ask] of Object.entries(requests)) {
      await ask();
      const before = await runs(store);
      for (let time = 0; time < 3; time += 1) await ask();
      const after = await runs(store);
      const grown = [...after].flatMap(([name, count]) => {
        const more = count - (before.get(name) ?? 0);
        return more === 0 ? [] : [more];
      });
      assert.deepEqual(grown, [3], what);
      // One connection has served all: nothing ran beside it.
      assert.equal(store.database.pool.totalCount, 1, what);
    }
    assert.equal((await catalog.listAccess({ ...EVERYTHING, action: 'upload' })).items.length, 5);
    // As the migration of a newer node does: this one goes on.
    await alterEveryTable(store);
    for (const ask of Object.values(requests)) await ask();
  });
}

/** Adds a column to each table that requests read. */
async function alterEveryTable(store: TestCatalog): Promise<void> {
  const client = new Client(store.owner);
  await client.connect();
  for (const table of [
    'assets',
    'file_access_logs',
    'direct_uploads',
    'idempotency_keys',
    'erasures',
    'upload_counts',
  ])
    await client.query(`alter table ${table} add column later text`);
  await client.end();
}

const OWNER = { tenantId: 'acme', userId: 'ada' } as const;
const LIMIT = { filesMax: 100, windowSeconds: 3600 } as const;
const PAGE = { tenantId: 'acme', userId: 'ada', limit: 2, cursor: null } as const;
const EVERYTHING: AccessQuery = {
  ...{ tenantId: 'acme', userId: null, assetId: null, fromMs: null, toMs: null },
  ...{ action: null, limit: 100, cursor: null },
};
