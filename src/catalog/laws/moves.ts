import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CopyClaim, ReleaseClaim } from '../asset-moves.ts';
import type { Catalog } from '../catalog.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../fixtures.ts';
import type { Law } from './ground.ts';

const toS3 = (claim: string = randomUUID()): CopyClaim => ({ source: 'local', target: 's3', claim });
const fromLocal = (): ReleaseClaim => ({
  ...{ backend: 'local', heldBy: 's3', beforeMs: NOON_MS + 1, claim: randomUUID() },
});
const MINUTE = { nowMs: NOON_MS, untilMs: NOON_MS + 60_000 };
const ALL_COPIES = { backend: 'local', beforeMs: NOON_MS + 1, afterId: null, limit: 9 } as const;

/** What the catalog owes about moving assets between backends. */
export const MOVE_LAWS: Readonly<Record<string, Law>> = {
  'a moved asset is on the other backend and leaves a copy behind': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    assert.equal(await catalog.switchBackend(asset.assetId, copy, NOON_MS), false, 'unclaimed');
    assert.ok(await catalog.claimCopy(asset.assetId, copy, NOON_MS));
    assert.deepEqual(await catalog.usageOfBackend('local'), { files: 1, bytes: asset.sizeBytes });
    assert.ok(await catalog.switchBackend(asset.assetId, copy, NOON_MS));
    assert.deepEqual(await catalog.findAsset('acme', asset.assetId), { ...asset, backend: 's3' });
    assert.deepEqual(await catalog.usageOfBackend('local'), { files: 0, bytes: 0 });
    assert.deepEqual(await catalog.countCopies('local'), { files: 1, bytes: asset.sizeBytes });
    assert.deepEqual(await catalog.listCopies(ALL_COPIES), [{ ...asset, backend: 's3' }]);
    assert.deepEqual(await catalog.listCopies({ ...ALL_COPIES, beforeMs: NOON_MS }), [], 'moved too lately');
    assert.deepEqual(await catalog.keysInUse([asset.key]), new Set([asset.key]));
    assert.equal(await catalog.switchBackend(asset.assetId, copy, NOON_MS), false, 'twice');
    assert.equal(await catalog.claimCopy(asset.assetId, copy, NOON_MS), false, 'it is not there any more');
  },

  'a read is recorded with the backend that holds the asset': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    await catalog.claimCopy(asset.assetId, copy, NOON_MS);
    await catalog.switchBackend(asset.assetId, copy, NOON_MS);
    const entry = { ...makeEntry(), tenantId: 'acme', assetId: asset.assetId };
    assert.equal(await catalog.recordRead(entry), 's3');
  },

  'a delete tells all places of the bytes, those of an unfinished copy too': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    await catalog.claimCopy(asset.assetId, copy, NOON_MS);
    const gone = await catalog.tombstoneAsset('acme', asset.assetId, makeEntry({ action: 'delete' }));
    assert.deepEqual(gone, { ...asset, copies: ['s3'] });
    assert.equal(await catalog.switchBackend(asset.assetId, copy, NOON_MS), false);
    assert.equal(await catalog.claimCopy(asset.assetId, copy, NOON_MS), false);
    const [tombstone] = await catalog.listTombstones({
      backend: 'local',
      beforeMs: NOON_MS + 1,
      afterId: null,
      limit: 9,
    });
    assert.deepEqual([tombstone?.backend, tombstone?.copies], ['local', ['s3']]);
  },

  'of two who move an asset the last to claim it switches it, once': async ({ catalog, otherNode }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const [first, second] = [toS3(), toS3()];
    assert.ok(await catalog.claimCopy(asset.assetId, first, NOON_MS));
    assert.ok(await otherNode.claimCopy(asset.assetId, second, NOON_MS));
    assert.equal(await catalog.switchBackend(asset.assetId, first, NOON_MS), false);
    assert.ok(await otherNode.switchBackend(asset.assetId, second, NOON_MS));
  },

  'a copy that is being removed can neither be named nor made': async ({ catalog, otherNode }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    await moveToS3(catalog, asset.assetId);
    const lately = { ...fromLocal(), beforeMs: NOON_MS };
    assert.equal(await catalog.claimRelease(asset.assetId, lately, MINUTE), false, 'moved too lately');
    const there = { ...fromLocal(), backend: 's3', heldBy: 's3' } as const;
    assert.equal(await catalog.claimRelease(asset.assetId, there, MINUTE), false, 'it is there');
    const moved = { ...fromLocal(), heldBy: 'azure' } as const;
    assert.equal(
      await catalog.claimRelease(asset.assetId, moved, MINUTE),
      false,
      'it is not where we looked',
    );

    const back = { source: 's3', target: 'local', claim: randomUUID() } as const;
    assert.ok(await otherNode.claimCopy(asset.assetId, back, NOON_MS));
    const release = fromLocal();
    assert.ok(await catalog.claimRelease(asset.assetId, release, MINUTE));
    assert.equal(await otherNode.claimRelease(asset.assetId, fromLocal(), MINUTE), false, 'one at a time');
    assert.equal(await otherNode.switchBackend(asset.assetId, back, NOON_MS), false);
    assert.equal(await otherNode.claimCopy(asset.assetId, back, NOON_MS), false);
    await otherNode.endRelease(asset.assetId, fromLocal(), true);
    assert.equal((await catalog.listCopies(ALL_COPIES)).length, 1, 'only its holder ends it');
    await catalog.endRelease(asset.assetId, release, true);
    assert.equal(await otherNode.switchBackend(asset.assetId, back, NOON_MS), false, 'the bytes are gone');
    assert.deepEqual(await catalog.listCopies(ALL_COPIES), []);
    assert.ok(await otherNode.claimCopy(asset.assetId, back, NOON_MS), 'it can be made anew');
  },

  'a release whose holder is gone is taken over, by another or by a move back': async ({ catalog }) => {
    const [one, other] = [makeAsset(), makeAsset()];
    await catalog.commitUpload(makeUpload([one, other]));
    const later = { nowMs: MINUTE.untilMs, untilMs: MINUTE.untilMs + 1 };
    for (const { assetId } of [one, other]) {
      await moveToS3(catalog, assetId);
      assert.ok(await catalog.claimRelease(assetId, fromLocal(), MINUTE));
    }
    assert.ok(await catalog.claimRelease(one.assetId, fromLocal(), later));
    const back = { source: 's3', target: 'local', claim: randomUUID() } as const;
    assert.ok(await catalog.claimCopy(other.assetId, back, later.nowMs));
    assert.ok(await catalog.switchBackend(other.assetId, back, later.nowMs));
  },

  'a release that found something wrong leaves the copy as it was': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    await moveToS3(catalog, asset.assetId);
    const release = fromLocal();
    await catalog.claimRelease(asset.assetId, release, MINUTE);
    await catalog.endRelease(asset.assetId, release, false);
    assert.equal((await catalog.listCopies(ALL_COPIES)).length, 1);
    assert.ok(await catalog.claimRelease(asset.assetId, fromLocal(), MINUTE));
  },
};

async function moveToS3(catalog: Catalog, assetId: string): Promise<void> {
  const copy = toS3();
  assert.ok(await catalog.claimCopy(assetId, copy, NOON_MS));
  assert.ok(await catalog.switchBackend(assetId, copy, NOON_MS));
}
