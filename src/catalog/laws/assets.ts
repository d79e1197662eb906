import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isStowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../fixtures.ts';
import { ACME, allPages, EVERYTHING, FIVE_AN_HOUR, type Law } from './ground.ts';

/** What the catalog owes about reading, listing and deleting assets. */
export const ASSET_LAWS: Readonly<Record<string, Law>> = {
  'a recorded asset comes back as it was given': async ({ catalog }) => {
    const asset = makeAsset();
    assert.equal((await catalog.commitUpload(makeUpload([asset]))).outcome, 'recorded');
    assert.deepEqual(await catalog.findAsset('acme', asset.assetId), asset);
    assert.deepEqual(await catalog.findAssetByKey(asset.key), asset);
  },

  'tenants never see each other': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    assert.equal(await catalog.findAsset('globex', asset.assetId), undefined);
    assert.equal(
      await catalog.recordRead({ ...makeEntry(), tenantId: 'globex', assetId: asset.assetId }),
      undefined,
    );
    const stranger = makeEntry({ tenantId: 'globex', action: 'delete' });
    assert.equal(await catalog.tombstoneAsset('globex', asset.assetId, stranger), undefined);
    const query = { tenantId: 'globex', userId: 'ada', assetType: null, limit: 10, cursor: null };
    assert.deepEqual(await catalog.listAssets(query), { items: [], nextCursor: null });
    assert.deepEqual(await catalog.usage('globex', null), { files: 0, bytes: 0 });
    assert.deepEqual(await catalog.usage('globex', 'ada'), { files: 0, bytes: 0 });
    assert.deepEqual(await catalog.listAssetsOfUser('globex', 'ada', 10), []);
    assert.deepEqual((await catalog.listAccess({ ...EVERYTHING, tenantId: 'globex' })).items, []);
    assert.equal(
      (await catalog.uploadAllowance({ tenantId: 'globex', userId: 'ada' }, FIVE_AN_HOUR, NOON_MS)).remaining,
      5,
    );
    assert.equal((await catalog.findAsset('acme', asset.assetId))?.state, 'stored');
  },

  'a user lists only their own assets': async ({ catalog }) => {
    await catalog.commitUpload(makeUpload([makeAsset({ userId: 'bob' })]));
    const mine = makeAsset();
    await catalog.commitUpload(makeUpload([mine]));
    const page = await catalog.listAssets({ ...ACME, assetType: null, limit: 10, cursor: null });
    assert.deepEqual(page.items, [mine]);
    assert.deepEqual(await catalog.usage('acme', null), { files: 2, bytes: 2 * mine.sizeBytes });
    assert.deepEqual(await catalog.usage('acme', 'ada'), { files: 1, bytes: mine.sizeBytes });
    assert.deepEqual(await catalog.storedUsage(), [
      { assetType: 'image', backend: 'local', files: 2, bytes: 2 * mine.sizeBytes },
    ]);
  },

  'what is no id is not found, and no error': async ({ catalog }) => {
    for (const id of ['', 'x', "' or 1=1 --", '00000000-0000-0000-0000-00000000000g']) {
      assert.equal(await catalog.findAsset('acme', id), undefined);
      assert.equal(await catalog.tombstoneAsset('acme', id, makeEntry()), undefined);
      assert.equal(await catalog.recordRead({ ...makeEntry(), tenantId: 'acme', assetId: id }), undefined);
      assert.deepEqual((await catalog.listAccess({ ...EVERYTHING, assetId: id })).items, []);
      await catalog.forgetAsset(id);
    }
  },

  'pages of assets hold each once, newest first, with and without a type': async ({ catalog }) => {
    const assets = Array.from({ length: 25 }, (_, index) =>
      makeAsset({
        createdAtMs: NOON_MS + Math.floor(index / 5),
        assetType: index % 2 === 0 ? 'image' : 'invoice',
      }),
    );
    await catalog.commitUpload(makeUpload(assets));
    for (const assetType of [null, 'image']) {
      const listed = await allPages((cursor) => catalog.listAssets({ ...ACME, assetType, limit: 4, cursor }));
      const expected = assets
        .filter((asset) => assetType === null || asset.assetType === assetType)
        .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.assetId < b.assetId ? 1 : -1));
      assert.deepEqual(listed, expected);
    }
  },

  'a forged cursor is refused': async ({ catalog }) => {
    for (const cursor of ['', 'x', 'AAAA', Buffer.from('1.2').toString('base64url'), `${'9'.repeat(200)}`]) {
      await assert.rejects(catalog.listAssets({ ...ACME, assetType: null, limit: 1, cursor }), {
        code: 'invalid_parameter',
      });
    }
    for (const cursor of ['', 'x', Buffer.from('1.a').toString('base64url')]) {
      await assert.rejects(catalog.listAccess({ ...EVERYTHING, cursor }), { code: 'invalid_parameter' });
    }
  },

  'a deleted asset is a tombstone: gone for users, there for the sweeper': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const entry = makeEntry({ action: 'delete', assetId: asset.assetId, atMs: NOON_MS + 1000 });
    assert.deepEqual(await catalog.tombstoneAsset('acme', asset.assetId, entry), { ...asset, copies: [] });
    assert.equal(await catalog.tombstoneAsset('acme', asset.assetId, entry), undefined);
    assert.equal(await catalog.findAsset('acme', asset.assetId), undefined);
    assert.equal(await catalog.findAssetByKey(asset.key), undefined);
    assert.equal(
      await catalog.recordRead({ ...entry, action: 'download', assetId: asset.assetId }),
      undefined,
    );
    assert.deepEqual(
      (await catalog.listAssets({ ...ACME, assetType: null, limit: 9, cursor: null })).items,
      [],
    );
    assert.deepEqual(await catalog.listAssetsOfUser('acme', 'ada', 9), []);
    assert.deepEqual(await catalog.walkAssets({ backend: null, afterId: null, limit: 9 }), []);
    assert.deepEqual(await catalog.usage('acme', null), { files: 0, bytes: 0 });
    const tombstones = { backend: 'local', beforeMs: NOON_MS + 1001, afterId: null, limit: 9 } as const;
    assert.deepEqual(await catalog.listTombstones({ ...tombstones, beforeMs: NOON_MS + 1000 }), []);
    assert.deepEqual(await catalog.listTombstones({ ...tombstones, backend: 's3' }), []);
    assert.deepEqual(await catalog.listTombstones({ ...tombstones, afterId: asset.assetId }), []);
    assert.deepEqual(await catalog.listTombstones(tombstones), [{ ...asset, state: 'deleted', copies: [] }]);
    const ofUser = { afterId: null, limit: 9 };
    assert.deepEqual(
      await catalog.listTombstonesOfUser(ACME, ofUser),
      await catalog.listTombstones(tombstones),
    );
    assert.deepEqual(await catalog.listTombstonesOfUser(ACME, { ...ofUser, afterId: asset.assetId }), []);
    assert.deepEqual(await catalog.listTombstonesOfUser({ tenantId: 'globex', userId: 'ada' }, ofUser), []);
    assert.deepEqual(await catalog.keysInUse([asset.key]), new Set([asset.key]));
    assert.equal((await catalog.listAccess({ ...EVERYTHING, action: 'delete' })).items.length, 1);
    await catalog.forgetAsset(asset.assetId);
    await catalog.forgetAsset(asset.assetId);
    assert.deepEqual(await catalog.keysInUse([asset.key]), new Set());
  },

  'forgetting never removes a stored asset': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    await catalog.forgetAsset(asset.assetId);
    assert.deepEqual(await catalog.findAsset('acme', asset.assetId), asset);
  },

  'of many who delete an asset one gets it, and one entry is written': async ({ catalog, otherNode }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const entry = makeEntry({ action: 'delete', assetId: asset.assetId });
    const results = await Promise.all(
      [catalog, otherNode, catalog, otherNode].map((node) =>
        node.tombstoneAsset('acme', asset.assetId, entry),
      ),
    );
    assert.equal(results.filter((result) => result !== undefined).length, 1);
    assert.equal((await catalog.listAccess({ ...EVERYTHING, action: 'delete' })).items.length, 1);
  },

  'all assets of a backend can be walked in id order': async ({ catalog }) => {
    const local = Array.from({ length: 7 }, () => makeAsset({ assetId: randomUUID() }));
    const s3 = makeAsset({ backend: 's3' });
    await catalog.commitUpload(makeUpload([...local, s3]));
    const seen: string[] = [];
    for (let afterId: string | null = null; ; ) {
      const page = await catalog.walkAssets({ backend: 'local', afterId, limit: 3 });
      seen.push(...page.map(({ assetId }) => assetId));
      const last = page.at(-1);
      if (last === undefined) break;
      afterId = last.assetId;
    }
    assert.deepEqual(seen, local.map(({ assetId }) => assetId).sort());
    assert.equal((await catalog.walkAssets({ backend: null, afterId: null, limit: 100 })).length, 8);
  },

  'unused means old, and neither read nor handed out since': async ({ catalog }) => {
    const day = 86_400_000;
    const [unused, read, handedOut, refused, young] = [0, 0, 0, 0, 40].map((days) =>
      makeAsset({ createdAtMs: NOON_MS + days * day }),
    ) as [ReturnType<typeof makeAsset>, ...ReturnType<typeof makeAsset>[]];
    await catalog.commitUpload(
      makeUpload([unused, read, handedOut, refused, young].filter((asset) => asset !== undefined)),
    );
    const at = (asset: typeof read, given: object) =>
      catalog.recordAccess(
        makeEntry({ assetId: asset?.assetId ?? null, atMs: NOON_MS + 31 * day, ...given }),
      );
    await at(read, { action: 'download' });
    await at(handedOut, { action: 'generate_url' });
    await at(refused, { action: 'download', outcome: 'refused', reason: 'forbidden' });
    await at(unused, { action: 'download', atMs: NOON_MS + day });
    const beforeMs = NOON_MS + 30 * day;
    const query = { assetType: 'image', backend: 'local', beforeMs, after: null, limit: 10 } as const;
    const found = await catalog.listUnused(query);
    assert.deepEqual(found.map(({ assetId }) => assetId).sort(), [unused.assetId, refused?.assetId].sort());
    assert.deepEqual(await catalog.listUnused({ ...query, assetType: 'invoice' }), []);
    assert.deepEqual(await catalog.listUnused({ ...query, backend: 's3' }), []);
    const [first] = await catalog.listUnused({ ...query, limit: 1 });
    assert.deepEqual(first, found[0]);
    assert.deepEqual(await catalog.listUnused({ ...query, after: first ?? null }), found.slice(1));
  },

  'at most a thousand keys are asked for at once': async ({ catalog }) => {
    const keys = Array.from({ length: 1001 }, (_, index) => parseObjectKey(`k/${index}`));
    await assert.rejects(catalog.keysInUse(keys), RangeError);
    assert.equal((await catalog.keysInUse(keys.slice(1))).size, 0);
    assert.equal((await catalog.keysInUse([])).size, 0);
  },

  'a ping takes time, and an aborted one ends': async ({ catalog }) => {
    assert.ok((await catalog.ping()) > 0);
    await assert.rejects(catalog.ping(AbortSignal.abort()), (error) => isStowageError(error, 'aborted'));
  },
};
