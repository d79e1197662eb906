import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../fixtures.ts';
import { allPages, collect, EVERYTHING, type Law } from './ground.ts';

/** What the catalog owes about the access log. */
export const ACCESS_LOG_LAWS: Readonly<Record<string, Law>> = {
  'an upload leaves its entries in the access log': async ({ catalog }) => {
    const asset = makeAsset();
    const upload = makeUpload([asset]);
    await catalog.commitUpload(upload);
    const [entry] = (await catalog.listAccess({ ...EVERYTHING, assetId: asset.assetId })).items;
    assert.deepEqual({ ...entry, entryId: undefined }, { ...upload.entries[0], entryId: undefined });
  },

  'a read is recorded only while the asset is stored': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const read = { ...makeEntry(), tenantId: 'acme' };
    const results = await Promise.all([
      catalog.recordRead({ ...read, assetId: asset.assetId }),
      catalog.recordRead({ ...read, assetId: randomUUID() }),
      catalog.recordRead({ ...read, assetId: asset.assetId }),
    ]);
    assert.deepEqual(results, ['local', undefined, 'local']);
    assert.equal((await catalog.listAccess({ ...EVERYTHING, action: 'download' })).items.length, 2);
  },

  'the access log is narrowed by user, asset, action and time': async ({ catalog }) => {
    const asset = randomUUID();
    await catalog.recordAccess(makeEntry({ userId: 'ada', assetId: asset, atMs: NOON_MS }));
    await catalog.recordAccess(makeEntry({ userId: 'bob', action: 'delete', atMs: NOON_MS + 1 }));
    await catalog.recordAccess(
      makeEntry({ userId: null, outcome: 'refused', reason: 'forbidden', atMs: NOON_MS + 2 }),
    );
    const times = async (query: object): Promise<number[]> =>
      (await catalog.listAccess({ ...EVERYTHING, ...query })).items.map(({ atMs }) => atMs - NOON_MS);
    assert.deepEqual(await times({}), [2, 1, 0]);
    assert.deepEqual(await times({ userId: 'bob' }), [1]);
    assert.deepEqual(await times({ assetId: asset }), [0]);
    assert.deepEqual(await times({ action: 'delete' }), [1]);
    assert.deepEqual(await times({ fromMs: NOON_MS + 1 }), [2, 1]);
    assert.deepEqual(await times({ toMs: NOON_MS + 1 }), [0]);
  },

  'pages of the access log hold each entry once, also with equal times': async ({ catalog }) => {
    await Promise.all(
      Array.from({ length: 23 }, (_, index) =>
        catalog.recordAccess(makeEntry({ requestId: `${index}`, atMs: NOON_MS })),
      ),
    );
    const entries = await allPages((cursor) => catalog.listAccess({ ...EVERYTHING, limit: 5, cursor }));
    assert.equal(new Set(entries.map(({ requestId }) => requestId)).size, 23);
    const ids = entries.map(({ entryId }) => BigInt(entryId));
    assert.deepEqual(
      ids,
      [...ids].sort((a, b) => (a < b ? 1 : -1)),
    );
  },

  'no text is too odd for the access log': async ({ catalog }) => {
    const odd = makeEntry({
      userAgent: 'a\u0000b\ud800',
      key: '\u0000',
      ipAddress: 'fe80::1%eth0',
      assetId: 'not-an-id',
    });
    await catalog.recordAccess(odd);
    const [entry] = (await catalog.listAccess(EVERYTHING)).items;
    assert.equal(entry?.userAgent, 'a\ufffdb\ufffd');
    assert.equal(entry?.key, '\ufffd');
    assert.equal(entry?.ipAddress, 'fe80::1%eth0');
    assert.equal(entry?.assetId, null);
  },

  'sealing covers every entry once, whoever seals': async ({ catalog, otherNode }) => {
    await Promise.all(Array.from({ length: 40 }, () => catalog.recordAccess(makeEntry())));
    const sealed = await Promise.all([catalog.sealAccessLog(), otherNode.sealAccessLog()]);
    assert.equal((sealed[0] ?? 0) + (sealed[1] ?? 0) + (await catalog.sealAccessLog()), 40);
    await catalog.recordAccess(makeEntry());
    const report = await catalog.verifyAccessLog({});
    assert.deepEqual([report.entries, report.sealed, report.broken], [41, 40, null]);
  },

  'long transactions that always overlap do not hold sealing up for ever': async ({
    catalog,
    beginWrite,
  }) => {
    let end = await beginWrite();
    try {
      await catalog.recordAccess(makeEntry());
      assert.equal(await catalog.sealAccessLog(), 0, 'the transaction might have an older id');
      const endNext = await beginWrite();
      await catalog.recordAccess(makeEntry());
      await end();
      end = endNext;
      let sealed = 0;
      // Transactions of the whole server count, so others may be at work.
      for (let run = 0; run < 30 && sealed === 0; run += 1) sealed = await catalog.sealAccessLog();
      assert.equal(sealed, 1, 'the second one holds up what came after it, and no more');
    } finally {
      await end();
    }
  },

  'an export of the log has every entry with its hash and its seal': async ({ catalog }) => {
    await Promise.all(Array.from({ length: 5 }, () => catalog.recordAccess(makeEntry())));
    await catalog.sealAccessLog();
    await catalog.recordAccess(makeEntry());
    const exported = await collect(catalog.exportAccessLog());
    assert.deepEqual(
      exported.map(({ sealId }) => sealId),
      [1, 1, 1, 1, 1, null],
    );
    assert.equal(new Set(exported.map(({ entryHash }) => entryHash)).size, 6);
    const signal = AbortSignal.abort();
    await assert.rejects(collect(catalog.exportAccessLog(signal)), { code: 'aborted' });
  },
};
