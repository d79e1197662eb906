import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  });
}

const OWNER = { tenantId: 'acme', userId: 'ada' } as const;
const LIMIT = { filesMax: 100, windowSeconds: 3600 } as const;
const PAGE = { tenantId: 'acme', userId: 'ada', limit: 2, cursor: null } as const;
const EVERYTHING = {
  ...{ tenantId: 'acme', userId: null, assetId: null, fromMs: null, toMs: null },
  ...{ limit: 100, cursor: null },
} as const;
