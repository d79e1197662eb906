import assert from 'node:assert/strict';
import { makeAsset, makeEntry, makeUpload } from '../fixtures.ts';
import { ACME, type Law } from './ground.ts';

const CACHE = 'https://cdn.test';
/** The database asks for purges by its own clock. */
const SOON_MS = 60_000;

async function storeAndDelete(catalog: Parameters<Law>[0]['catalog']) {
  const asset = makeAsset();
  await catalog.commitUpload(makeUpload([asset]));
  const entry = makeEntry({ action: 'delete', assetId: asset.assetId });
  await catalog.tombstoneAsset(ACME.tenantId, asset.assetId, entry);
  return asset;
}

/** What the catalog owes about caches. */
export const PURGE_LAWS: Readonly<Record<string, Law>> = {
  'a delete asks for no purge while there is no cache': async ({ catalog }) => {
    await storeAndDelete(catalog);
    assert.deepEqual(await catalog.purgeBacklog(), { waiting: 0, oldestMs: null, problem: null });
    await catalog.noteCaches([CACHE, CACHE, 'https://b.test'], 0);
    await catalog.noteCaches([], 0);
    await storeAndDelete(catalog);
    assert.deepEqual(await catalog.claimPurges(10, Date.now() + SOON_MS), []);
  },

  'a delete asks for a purge, which one node gets': async ({ catalog, otherNode }) => {
    await catalog.noteCaches([CACHE], 0);
    const asset = await storeAndDelete(catalog);
    const nowMs = Date.now() + SOON_MS;
    const claims = await Promise.all([catalog.claimPurges(10, nowMs), otherNode.claimPurges(10, nowMs)]);
    assert.deepEqual(claims.flat(), [{ key: asset.key, generation: 1, attempts: 1 }]);
    const backlog = await catalog.purgeBacklog();
    assert.equal(backlog.waiting, 1);
    assert.ok(Math.abs((backlog.oldestMs ?? 0) - Date.now()) < 10 * 60_000);
  },

  'the purge waits a moment for the bytes to go, and is asked for again when they are gone': async ({
    catalog,
  }) => {
    await catalog.noteCaches([CACHE], 0);
    const asset = await storeAndDelete(catalog);
    const [early] = await catalog.claimPurges(10, Date.now() + SOON_MS);
    assert.ok(early);
    await catalog.forgetAsset(asset.assetId);
    // What was purged while the bytes were still there does not count.
    await catalog.endPurge(early, 'early', Date.now());
    await catalog.notePurgeProblem(early, 'late news');
    const [again] = await catalog.claimPurges(10, Date.now() + SOON_MS);
    assert.deepEqual(again, { key: asset.key, generation: 2, attempts: 1 });
    assert.ok(again);
    await catalog.endPurge(again, 'I123', Date.now());
    assert.equal((await catalog.purgeBacklog()).waiting, 0);
    assert.deepEqual(await catalog.claimPurges(10, Date.now() + 86_400_000), []);
  },

  'a failed purge is tried again, later each time, and says why it failed': async ({ catalog }) => {
    await catalog.noteCaches([CACHE], 0);
    await storeAndDelete(catalog);
    let nowMs = Date.now() + SOON_MS;
    for (const [index, waitSeconds] of [15, 30, 60, 120, 240, 480, 600, 600].entries()) {
      const [purge] = await catalog.claimPurges(10, nowMs);
      assert.equal(purge?.attempts, index + 1);
      await catalog.notePurgeProblem(purge, `attempt ${index + 1} `.repeat(100));
      assert.deepEqual(await catalog.claimPurges(10, nowMs + waitSeconds * 1000 - 1), []);
      nowMs += waitSeconds * 1000;
    }
    const { problem } = await catalog.purgeBacklog();
    assert.match(problem ?? '', /^attempt 8 /);
    assert.equal(problem?.length, 500);
  },

  'purges that ended are forgotten after a month': async ({ catalog }) => {
    await catalog.noteCaches([CACHE], 0);
    const first = await storeAndDelete(catalog);
    const [purge] = await catalog.claimPurges(10, Date.now() + SOON_MS);
    assert.ok(purge);
    await catalog.endPurge(purge, null, Date.now() - 31 * 86_400_000);
    // The next one that ends takes it along.
    await catalog.endPurge({ ...purge, key: 'another' }, null, Date.now());
    await catalog.forgetAsset(first.assetId);
    assert.equal((await catalog.claimPurges(10, Date.now() + SOON_MS))[0]?.generation, 1);
  },
};
