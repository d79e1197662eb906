import assert from 'node:assert/strict';
import { makeAsset, makeUpload, NOON_MS } from '../fixtures.ts';
import { ACME, type Law } from './ground.ts';

/** What the catalog owes about idempotency keys. */
export const IDEMPOTENCY_LAWS: Readonly<Record<string, Law>> = {
  'an idempotency key belongs to one request, whose answer is kept': async ({ catalog, otherNode }) => {
    const claim = { ...ACME, key: 'k1', fingerprint: 'f1', nowMs: NOON_MS };
    const claims = await Promise.all([
      catalog.claimIdempotencyKey(claim),
      otherNode.claimIdempotencyKey(claim),
    ]);
    assert.deepEqual(claims.map(({ state }) => state).sort(), ['new', 'running']);
    assert.equal((await catalog.claimIdempotencyKey({ ...claim, fingerprint: 'f2' })).state, 'mismatch');
    assert.equal((await catalog.claimIdempotencyKey({ ...claim, tenantId: 'globex' })).state, 'new');
    const response = { uploads: [{ asset_id: 'x' }] };
    await catalog.commitUpload(makeUpload([makeAsset()], { idempotency: { key: 'k1', response } }));
    assert.deepEqual(await otherNode.claimIdempotencyKey(claim), { state: 'done', response });
    await catalog.releaseIdempotencyKey(claim);
    assert.equal((await catalog.claimIdempotencyKey(claim)).state, 'done');
    await catalog.removeExpired(NOON_MS + 24 * 3_600_000);
    assert.equal((await catalog.claimIdempotencyKey(claim)).state, 'new');
  },

  'a claim given up, or not renewed for a minute, is free again': async ({ catalog }) => {
    const claim = { ...ACME, key: 'k1', fingerprint: 'f1', nowMs: NOON_MS };
    await catalog.claimIdempotencyKey(claim);
    await catalog.releaseIdempotencyKey(claim);
    assert.equal((await catalog.claimIdempotencyKey(claim)).state, 'new');
    const later = { ...claim, nowMs: NOON_MS + 60_000 };
    assert.equal((await catalog.claimIdempotencyKey({ ...later, nowMs: later.nowMs - 1 })).state, 'running');
    assert.equal((await catalog.claimIdempotencyKey(later)).state, 'new');
  },

  'a renewed claim stays held, and is given up or renewed by its holder alone': async ({
    catalog,
    otherNode,
  }) => {
    const first = { ...ACME, key: 'k1', fingerprint: 'f1', nowMs: NOON_MS };
    await catalog.claimIdempotencyKey(first);
    assert.equal(await catalog.renewIdempotencyKey(first, NOON_MS + 20_000), true);
    const second = { ...first, nowMs: NOON_MS + 80_000 };
    assert.equal(
      (await otherNode.claimIdempotencyKey({ ...second, nowMs: second.nowMs - 1 })).state,
      'running',
    );
    assert.equal((await otherNode.claimIdempotencyKey(second)).state, 'new');
    const late = { ...first, nowMs: NOON_MS + 20_000 };
    assert.equal(await catalog.renewIdempotencyKey(late, NOON_MS + 90_000), false);
    await catalog.releaseIdempotencyKey(late);
    assert.equal((await catalog.claimIdempotencyKey(second)).state, 'running');
    await otherNode.releaseIdempotencyKey(second);
    assert.equal((await catalog.claimIdempotencyKey(second)).state, 'new');
  },

  'of two requests that hold a claim one after the other only one commits': async ({ catalog }) => {
    const claim = { ...ACME, key: 'k1', fingerprint: 'f1', nowMs: NOON_MS };
    await catalog.claimIdempotencyKey(claim);
    await catalog.claimIdempotencyKey({ ...claim, nowMs: NOON_MS + 16 * 60_000 });
    const idempotency = { key: 'k1', response: {} };
    await catalog.commitUpload(makeUpload([makeAsset()], { idempotency }));
    await assert.rejects(catalog.commitUpload(makeUpload([makeAsset()], { idempotency })), {
      code: 'conflict',
    });
    assert.equal((await catalog.usage('acme', 'ada')).files, 1);
  },
};
