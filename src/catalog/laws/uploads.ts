import assert from 'node:assert/strict';
import { makeAsset, makeUpload, NOON_MS } from '../fixtures.ts';
import { ACME, EVERYTHING, FIVE_AN_HOUR, type Law } from './ground.ts';

/** What the catalog owes about recording uploads and their limit. */
export const UPLOAD_LAWS: Readonly<Record<string, Law>> = {
  'a key is recorded once, and the loser of an upload leaves nothing': async ({ catalog }) => {
    const first = makeAsset();
    await catalog.commitUpload(makeUpload([first]));
    const fresh = makeAsset();
    const clash = makeAsset({ key: first.key });
    await assert.rejects(catalog.commitUpload(makeUpload([fresh, clash])), { code: 'conflict' });
    assert.equal(await catalog.findAsset('acme', fresh.assetId), undefined);
    assert.equal((await catalog.listAccess({ ...EVERYTHING, assetId: fresh.assetId })).items.length, 0);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE_AN_HOUR, NOON_MS)).remaining, 4);
  },

  'one bad upload of many at once fails alone': async ({ catalog }) => {
    const taken = makeAsset();
    await catalog.commitUpload(makeUpload([taken]));
    const tooLong = makeAsset({ filename: 'x'.repeat(256) });
    const uploads = [makeAsset(), makeAsset({ key: taken.key }), tooLong, makeAsset(), makeAsset()];
    const results = await Promise.allSettled(
      uploads.map((asset) => catalog.commitUpload(makeUpload([asset]))),
    );
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
    );
  },

  'of twenty at once against a limit of five, on two nodes, exactly five succeed': async ({
    catalog,
    otherNode,
  }) => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? catalog : otherNode).commitUpload(
          makeUpload([makeAsset()], { limit: FIVE_AN_HOUR }),
        ),
      ),
    );
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'recorded').length, 5);
    assert.equal((await catalog.usage('acme', 'ada')).files, 5);
    assert.deepEqual(
      outcomes.filter(({ outcome }) => outcome === 'rate_limited').map(({ allowance }) => allowance),
      Array.from({ length: 15 }, () => ({ limit: 5, remaining: 0, resetSeconds: 3600 })),
    );
  },

  'of many at once each is told what it left': async ({ catalog }) => {
    const limit = { filesMax: 100, windowSeconds: 3600 };
    const outcomes = await Promise.all(
      [1, 2, 1, 3, 1].map((files) =>
        catalog.commitUpload(makeUpload(Array.from({ length: files }, makeAsset), { limit })),
      ),
    );
    const remaining = outcomes.map(({ allowance }) => allowance.remaining);
    assert.equal(new Set(remaining).size, 5);
    assert.equal(Math.min(...remaining), 92);
    assert.equal((await catalog.uploadAllowance(ACME, limit, NOON_MS)).remaining, 92);
  },

  'an upload of several files passes the limit whole or not at all': async ({ catalog }) => {
    const limit = FIVE_AN_HOUR;
    const three = () => makeUpload([makeAsset(), makeAsset(), makeAsset()], { limit });
    assert.deepEqual((await catalog.commitUpload(three())).allowance, {
      limit: 5,
      remaining: 2,
      resetSeconds: 3600,
    });
    assert.equal((await catalog.commitUpload(three())).outcome, 'rate_limited');
    assert.equal(
      (await catalog.commitUpload(makeUpload([makeAsset(), makeAsset()], { limit }))).outcome,
      'recorded',
    );
    assert.equal((await catalog.usage('acme', 'ada')).files, 5);
  },

  'an upload larger than the limit is refused even as the first': async ({ catalog }) => {
    const limit = { filesMax: 1, windowSeconds: 60 };
    const refused = await catalog.commitUpload(makeUpload([makeAsset(), makeAsset()], { limit }));
    assert.deepEqual(refused, {
      outcome: 'rate_limited',
      allowance: { limit: 1, remaining: 1, resetSeconds: 60 },
    });
  },

  'the count starts again when the window has ended': async ({ catalog, setNow }) => {
    const upload = () =>
      catalog.commitUpload(makeUpload([makeAsset()], { limit: { filesMax: 1, windowSeconds: 60 } }));
    assert.equal((await upload()).outcome, 'recorded');
    setNow(NOON_MS + 59_999);
    assert.deepEqual((await upload()).allowance, { limit: 1, remaining: 0, resetSeconds: 1 });
    setNow(NOON_MS + 60_000);
    assert.equal((await upload()).outcome, 'recorded');
    await catalog.removeExpired(NOON_MS + 120_000);
    assert.equal((await catalog.uploadAllowance(ACME, FIVE_AN_HOUR, NOON_MS + 60_001)).remaining, 5);
  },

  'asking for the allowance writes nothing': async ({ catalog }) => {
    await catalog.uploadAllowance(ACME, FIVE_AN_HOUR, NOON_MS);
    assert.deepEqual(await catalog.uploadAllowance(ACME, FIVE_AN_HOUR, NOON_MS), {
      limit: 5,
      remaining: 5,
      resetSeconds: 3600,
    });
  },

  'a metadata string that PostgreSQL cannot hold is refused by name': async ({ catalog }) => {
    for (const text of ['a\u0000b', '\ud800', '\\\u0000']) {
      const upload = makeUpload([makeAsset({ metadata: { [text]: text } })]);
      await assert.rejects(catalog.commitUpload(upload), { code: 'invalid_parameter' });
    }
    const harmless = makeAsset({ metadata: { text: '\\u0000' } });
    await catalog.commitUpload(makeUpload([harmless]));
    assert.deepEqual((await catalog.findAsset('acme', harmless.assetId))?.metadata, harmless.metadata);
  },
};
