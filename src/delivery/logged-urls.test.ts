import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStowageError, StowageError } from '../core/errors.ts';
import { LoggedUrls } from './logged-urls.ts';

const URL = { assetId: 'a', userId: 'u', expiresAtMs: 1, client: null };
const DAY_MS = 24 * 60 * 60 * 1000;

/** Counts the entries that are written. */
function countedLog() {
  const urls = new LoggedUrls();
  let entries = 0;
  return {
    urls,
    entries: () => entries,
    ask: async (url = URL as Parameters<LoggedUrls['once']>[0], nowMs = 0) => {
      await urls.once(url, nowMs, async () => {
        entries += 1;
      });
    },
  };
}

test('the use of a URL is written once for its reader, asset, life and client', async () => {
  const log = countedLog();
  await log.ask();
  await log.ask({ ...URL });
  assert.equal(log.entries(), 1);
  for (const change of [{ userId: 'v' }, { expiresAtMs: 2 }, { assetId: 'b' }, { client: '192.0.2.1' }]) {
    const before = log.entries();
    await log.ask({ ...URL, ...change });
    assert.equal(log.entries(), before + 1, JSON.stringify(change));
  }
});

test('it is written again after a day', async () => {
  const log = countedLog();
  await log.ask(URL, 1000);
  await log.ask(URL, 1000 + DAY_MS - 1);
  assert.equal(log.entries(), 1);
  await log.ask(URL, 1000 + DAY_MS);
  assert.equal(log.entries(), 2);
  await log.ask(URL, 1000 + DAY_MS + 1);
  assert.equal(log.entries(), 2);
});

test('a clock that was far ahead for a while silences nothing', async () => {
  const log = countedLog();
  await log.ask(URL, 400 * DAY_MS);
  await log.ask(URL, 400 * DAY_MS - 5);
  assert.equal(log.entries(), 1, 'requests that overlap read the clock in another order than they ask');
  await log.ask(URL, DAY_MS);
  assert.equal(log.entries(), 2);
});

test('what is written already needs no wait', async () => {
  const log = countedLog();
  await log.ask();
  assert.equal(
    log.urls.once(URL, 0, () => Promise.reject(new Error('not asked'))),
    undefined,
  );
});

test('of several at once one writes and the others wait for it', async () => {
  const urls = new LoggedUrls();
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  let answered = 0;
  const ask = async () => {
    await urls.once(URL, 0, () => {
      begun += 1;
      return promise;
    });
    answered += 1;
  };
  const asked = [ask(), ask(), ask()];
  await new Promise((next) => setImmediate(next));
  assert.deepEqual([begun, answered], [1, 0]);
  resolve();
  await Promise.all(asked);
  assert.deepEqual([begun, answered], [1, 3]);
});

test('what could not be written fails for all who waited, and is tried again', async () => {
  const log = countedLog();
  const fail = () => Promise.reject(new StowageError('database_unavailable', 'The database is away.'));
  const results = await Promise.allSettled([log.urls.once(URL, 0, fail), log.urls.once(URL, 0, fail)]);
  for (const result of results) {
    assert.ok(result.status === 'rejected' && isStowageError(result.reason, 'database_unavailable'));
  }
  await log.ask();
  await log.ask();
  assert.equal(log.entries(), 1);
});
