import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { newTimeOrderedUuid } from '../../core/ids.ts';
import { parseObjectKey } from '../../core/key.ts';
import type { Catalog } from '../catalog.ts';
import { makeAsset, makeUpload, NOON_MS } from '../fixtures.ts';
import type { UploadReservation } from '../uploads-in-progress.ts';
import { ACME, FIVE_AN_HOUR, type Law } from './ground.ts';

const HOUR_MS = 3_600_000;
const FIVE = { limit: FIVE_AN_HOUR, openMax: 100 };

/** What every catalog owes about uploads straight to the store. */
export const DIRECT_UPLOAD_LAWS: Readonly<Record<string, Law>> = {
  'a reservation comes back as it was given, to its tenant alone': async ({ catalog }) => {
    const given = reservation({ sha256: Buffer.alloc(32, 7), partBytes: 100, metadata: { deep: ['ü'] } });
    assert.equal((await catalog.reserveUpload(given, FIVE)).outcome, 'reserved');
    await catalog.noteStoreUpload(given.uploadId, 'store-1');
    const found = await catalog.findUpload('acme', given.uploadId);
    assert.deepEqual(found, {
      ...given,
      state: 'reserved',
      storeUploadId: 'store-1',
      reason: null,
      assetId: null,
    });
    assert.equal(await catalog.findUpload('globex', given.uploadId), undefined);
    assert.equal(await catalog.findUpload('acme', 'no id'), undefined);
    assert.ok(await catalog.isUploadOpen(given.incomingKey, NOON_MS));
  },

  'of twenty reservations at once against a limit of five, on two nodes, five pass': async ({
    catalog,
    otherNode,
  }) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? catalog : otherNode).reserveUpload(reservation(), FIVE),
      ),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'reserved').length, 5);
    assert.equal(answers.filter(({ outcome }) => outcome === 'rate_limited').length, 15);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE.limit, NOON_MS)).remaining, 0);
    const form = await catalog.commitUpload(makeUpload([makeAsset()], { limit: FIVE.limit }));
    assert.equal(form.outcome, 'rate_limited', 'every door counts together');
  },

  'only so many uploads are open, and one too many counts for nothing': async ({ catalog }) => {
    const bounds = { ...FIVE, openMax: 2 };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => catalog.reserveUpload(reservation(), bounds)),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'reserved').length, 2);
    assert.equal(answers.filter(({ outcome }) => outcome === 'too_many_open').length, 2);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE.limit, NOON_MS)).remaining, 3);
    const later = reservation({ createdAtMs: NOON_MS + HOUR_MS, expiresAtMs: NOON_MS + 2 * HOUR_MS });
    assert.equal(
      (await catalog.reserveUpload(later, bounds)).outcome,
      'reserved',
      'expired ones do not count',
    );
  },

  'of many who claim an upload one gets it, until its time is over': async ({ catalog, otherNode }) => {
    const { uploadId } = await reserve(catalog);
    const nowMs = NOON_MS;
    const ask = (node: Catalog, atMs = nowMs) =>
      node.claimUpload(uploadId, {
        claim: randomUUID(),
        nowMs: atMs,
        untilMs: atMs + 60_000,
        expired: false,
      });
    const won = await Promise.all([ask(catalog), ask(otherNode), ask(catalog), ask(otherNode)]);
    assert.equal(won.filter(Boolean).length, 1);
    assert.equal(await ask(catalog, nowMs + 59_999), false);
    assert.equal(await ask(catalog, nowMs + 60_000), true);
    assert.equal(await ask(catalog, nowMs + HOUR_MS), false, 'it has expired');
  },

  'a claim that is given back can be had again, and its old holder ends nothing': async ({ catalog }) => {
    const { uploadId } = await reserve(catalog);
    const first = await take(catalog, uploadId);
    await catalog.releaseUpload(first);
    assert.equal((await catalog.findUpload('acme', uploadId))?.state, 'reserved');
    const second = await take(catalog, uploadId);
    assert.equal(await catalog.endUpload(first, 'refused', 'empty_file'), false);
    await catalog.releaseUpload(first);
    assert.equal((await catalog.findUpload('acme', uploadId))?.state, 'completing');
    assert.equal(await catalog.endUpload(second, 'refused', 'empty_file'), true);
  },

  'an upload that ends gives its place back, once, and forgets what it told': async ({ catalog }) => {
    const { uploadId, incomingKey } = await reserve(catalog);
    const held = await take(catalog, uploadId);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE.limit, NOON_MS)).remaining, 4);
    assert.equal(await catalog.endUpload(held, 'abandoned', null), true);
    assert.equal(await catalog.endUpload(held, 'abandoned', null), false);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE.limit, NOON_MS)).remaining, 5);
    const ended = await catalog.findUpload('acme', uploadId);
    assert.deepEqual([ended?.state, ended?.filename, ended?.metadata], ['abandoned', '', {}]);
    assert.equal(await catalog.isUploadOpen(incomingKey, NOON_MS), false);
  },

  'what a later window counted is not given back to an earlier one': async ({ catalog, setNow }) => {
    const { uploadId } = await reserve(catalog, { expiresAtMs: NOON_MS + 24 * HOUR_MS });
    setNow(NOON_MS + HOUR_MS);
    await catalog.commitUpload(makeUpload([makeAsset()], { limit: FIVE.limit }));
    const held = await take(catalog, uploadId, NOON_MS + HOUR_MS);
    await catalog.endUpload(held, 'abandoned', null);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE.limit, NOON_MS + HOUR_MS)).remaining, 4);
  },

  'the commit of an upload that was reserved counts it once and ends it': async ({ catalog }) => {
    const { uploadId } = await reserve(catalog);
    const asset = makeAsset();
    // A limit that is used up does not refuse what was counted before.
    const limit = { filesMax: 1, windowSeconds: 3600 };
    const commit = makeUpload([asset], { reservation: await take(catalog, uploadId), limit });
    const answer = await catalog.commitUpload(commit);
    assert.deepEqual([answer.outcome, answer.allowance.remaining], ['recorded', 0]);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE.limit, NOON_MS)).remaining, 4);
    const done = await catalog.findUpload('acme', uploadId);
    assert.deepEqual([done?.state, done?.assetId], ['done', asset.assetId]);
    assert.deepEqual(await catalog.findAsset('acme', asset.assetId), asset);
  },

  'a commit without the claim records nothing': async ({ catalog }) => {
    const { uploadId } = await reserve(catalog);
    const held = await take(catalog, uploadId);
    await catalog.releaseUpload(held);
    const asset = makeAsset();
    await assert.rejects(catalog.commitUpload(makeUpload([asset], { reservation: held })), {
      code: 'conflict',
    });
    assert.equal(await catalog.findAsset('acme', asset.assetId), undefined);
    assert.equal((await catalog.findUpload('acme', uploadId))?.state, 'reserved');
  },

  'the keys of open uploads are in use, those of ended ones are not': async ({ catalog }) => {
    const open = await reserve(catalog);
    const ended = await reserve(catalog);
    await catalog.endUpload(await take(catalog, ended.uploadId), 'refused', 'empty_file');
    const stray = parseObjectKey('incoming/stray');
    assert.deepEqual(
      [...(await catalog.keysInUse([open.incomingKey, ended.incomingKey, stray]))],
      [open.incomingKey],
    );
  },

  'expired uploads are listed until they end, and a day later nothing is left of them': async ({
    catalog,
  }) => {
    const first = await reserve(catalog);
    await reserve(catalog, { expiresAtMs: NOON_MS + 2 * HOUR_MS });
    const laterMs = NOON_MS + HOUR_MS;
    const query = { backend: 'local', nowMs: laterMs, after: null, limit: 10 } as const;
    assert.deepEqual(await catalog.listExpiredUploads({ ...query, nowMs: laterMs - 1 }), []);
    assert.deepEqual(await catalog.listExpiredUploads({ ...query, backend: 's3' }), []);
    assert.deepEqual(await catalog.listExpiredUploads({ ...query, after: first }), []);
    assert.deepEqual(
      (await catalog.listExpiredUploads(query)).map(({ uploadId }) => uploadId),
      [first.uploadId],
    );
    const held = await take(catalog, first.uploadId, laterMs, true);
    assert.deepEqual(await catalog.listExpiredUploads(query), [], 'somebody is at it');
    await catalog.endUpload(held, 'expired', null);
    await catalog.removeExpired(laterMs + 24 * HOUR_MS - 1);
    assert.equal((await catalog.findUpload('acme', first.uploadId))?.state, 'expired');
    await catalog.removeExpired(laterMs + 24 * HOUR_MS);
    assert.equal(await catalog.findUpload('acme', first.uploadId), undefined);
  },
};

function reservation(given: Partial<UploadReservation> = {}): UploadReservation {
  const uploadId = newTimeOrderedUuid(NOON_MS);
  return {
    ...ACME,
    uploadId,
    assetType: 'image',
    filename: 'Überraschung.png',
    declaredType: 'image/png',
    sizeBytes: 12_345,
    sha256: null,
    fields: { project_id: 'p-1' },
    metadata: {},
    incomingKey: parseObjectKey(`incoming/${uploadId}`),
    backend: 'local',
    partBytes: null,
    createdAtMs: NOON_MS,
    expiresAtMs: NOON_MS + HOUR_MS,
    ...given,
  };
}

async function reserve(catalog: Catalog, given: Partial<UploadReservation> = {}): Promise<UploadReservation> {
  const made = reservation(given);
  assert.equal((await catalog.reserveUpload(made, FIVE)).outcome, 'reserved');
  return made;
}

async function take(catalog: Catalog, uploadId: string, nowMs = NOON_MS, expired = false) {
  const held = { uploadId, claim: randomUUID() };
  const claiming = { claim: held.claim, nowMs, untilMs: nowMs + 60_000, expired };
  assert.ok(await catalog.claimUpload(uploadId, claiming));
  return held;
}
