import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CopyClaim } from '../asset-moves.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../fixtures.ts';
import type { Law } from './ground.ts';

const toS3 = (claim: string = randomUUID()): CopyClaim => ({ source: 'local', target: 's3', claim });
const ALL_COPIES = { backend: 'local', beforeMs: NOON_MS + 1, afterId: null, limit: 9 } as const;

/** What the catalog owes about moving assets between backends. */
export const MOVE_LAWS: Readonly<Record<string, Law>> = {
  'a moved asset is on the other backend and leaves a copy behind': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    assert.equal(await catalog.switchBackend(asset.assetId, copy, NOON_MS), false, 'unclaimed');
    assert.ok(await catalog.claimCopy(asset.assetId, copy));
    assert.deepEqual(await catalog.usageOfBackend('local'), { files: 1, bytes: asset.sizeBytes });
    assert.ok(await catalog.switchBackend(asset.assetId, copy, NOON_MS));
    assert.deepEqual(await catalog.findAsset('acme', asset.assetId), { ...asset, backend: 's3' });
    assert.deepEqual(await catalog.usageOfBackend('local'), { files: 0, bytes: 0 });
    assert.deepEqual(await catalog.countCopies('local'), { files: 1, bytes: asset.sizeBytes });
    assert.deepEqual(await catalog.listCopies(ALL_COPIES), [{ ...asset, backend: 's3' }]);
    assert.deepEqual(await catalog.listCopies({ ...ALL_COPIES, beforeMs: NOON_MS }), [], 'moved too lately');
    assert.deepEqual(await catalog.keysInUse([asset.key]), new Set([asset.key]));
    assert.equal(await catalog.switchBackend(asset.assetId, copy, NOON_MS), false, 'twice');
    assert.equal(await catalog.claimCopy(asset.assetId, copy), false, 'it is not there any more');
  },

  'a read is recorded with the backend that holds the asset': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    await catalog.claimCopy(asset.assetId, copy);
    await catalog.switchBackend(asset.assetId, copy, NOON_MS);
    const entry = { ...makeEntry(), tenantId: 'acme', assetId: asset.assetId };
    assert.equal(await catalog.recordRead(entry), 's3');
  },

  'a delete tells all places of the bytes, those of an unfinished copy too': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    await catalog.claimCopy(asset.assetId, copy);
    const gone = await catalog.tombstoneAsset('acme', asset.assetId, makeEntry({ action: 'delete' }));
    assert.deepEqual(gone, { ...asset, copies: ['s3'] });
    assert.equal(await catalog.switchBackend(asset.assetId, copy, NOON_MS), false);
    assert.equal(await catalog.claimCopy(asset.assetId, copy), false);
    const [tombstone] = await catalog.listTombstones(NOON_MS + 1, 9);
    assert.deepEqual([tombstone?.backend, tombstone?.copies], ['local', ['s3']]);
  },

  'of two who move an asset the last to claim it switches it, once': async ({ catalog, otherNode }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const [first, second] = [toS3(), toS3()];
    assert.ok(await catalog.claimCopy(asset.assetId, first));
    assert.ok(await otherNode.claimCopy(asset.assetId, second));
    assert.equal(await catalog.switchBackend(asset.assetId, first, NOON_MS), false);
    assert.ok(await otherNode.switchBackend(asset.assetId, second, NOON_MS));
  },

  'a copy that is being removed can neither be named nor made': async ({ catalog, otherNode }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    await catalog.claimCopy(asset.assetId, copy);
    await catalog.switchBackend(asset.assetId, copy, NOON_MS);
    assert.equal(await catalog.claimRelease(asset.assetId, 's3', NOON_MS + 1), false, 'it is there');
    assert.equal(await catalog.claimRelease(asset.assetId, 'local', NOON_MS), false, 'moved too lately');

    const back = { source: 's3', target: 'local', claim: randomUUID() } as const;
    assert.ok(await otherNode.claimCopy(asset.assetId, back));
    assert.ok(await catalog.claimRelease(asset.assetId, 'local', NOON_MS + 1));
    assert.equal(await otherNode.switchBackend(asset.assetId, back, NOON_MS), false);
    assert.equal(await otherNode.claimCopy(asset.assetId, back), false);
    await catalog.endRelease(asset.assetId, 'local', true);
    assert.equal(await otherNode.switchBackend(asset.assetId, back, NOON_MS), false, 'the bytes are gone');
    assert.deepEqual(await catalog.listCopies(ALL_COPIES), []);
    assert.ok(await otherNode.claimCopy(asset.assetId, back), 'it can be made anew');
  },

  'a release that found something wrong leaves the copy as it was': async ({ catalog }) => {
    const asset = makeAsset();
    await catalog.commitUpload(makeUpload([asset]));
    const copy = toS3();
    await catalog.claimCopy(asset.assetId, copy);
    await catalog.switchBackend(asset.assetId, copy, NOON_MS);
    await catalog.claimRelease(asset.assetId, 'local', NOON_MS + 1);
    await catalog.endRelease(asset.assetId, 'local', false);
    assert.equal((await catalog.listCopies(ALL_COPIES)).length, 1);
    assert.ok(await catalog.claimCopy(asset.assetId, { source: 's3', target: 'local', claim: randomUUID() }));
  },
};
