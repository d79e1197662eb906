import assert from 'node:assert/strict';
import type { Bucket } from '../bucket.ts';
import type { Laws } from './law.ts';
import { abortOnItsWay, assertSameInfo, CREATE, chunks, listKeys, refuses } from './material.ts';

export const LIST_LAWS: Laws = {
  'a listing has every object below the prefix once': async ({ bucket, base }) => {
    const keys = await putNumbered(bucket, base, 25);
    assert.deepEqual((await listKeys(bucket, base)).sort(), keys);
    assert.deepEqual((await listKeys(bucket, base, 1)).sort(), keys);
    assert.deepEqual((await listKeys(bucket, base, 7)).sort(), keys);
  },

  'a listing tells size and time': async ({ bucket, base }) => {
    const stored = await bucket.put(`${base}a`, chunks('hello'), CREATE);
    const { entries } = await bucket.list({ prefix: base, cursor: null, limit: 10 });
    const { key, sizeBytes, modifiedAtMs } = stored;
    const [entry] = entries;
    assert.ok(entry !== undefined && entries.length === 1);
    assertSameInfo(entry, { key, sizeBytes, modifiedAtMs });
  },

  'a prefix ends at a slash': async ({ bucket, base }) => {
    for (const name of ['images/a', 'images/deep/b', 'images2/c', 'imag', 'images']) {
      await bucket.put(`${base}${name}`, chunks('x'), CREATE);
    }
    const keys = await listKeys(bucket, `${base}images/`);
    assert.deepEqual(keys.sort(), [`${base}images/a`, `${base}images/deep/b`]);
    await refuses('invalid_key', bucket.list({ prefix: `${base}images`, cursor: null, limit: 10 }));
  },

  'a prefix without objects is an empty listing': async ({ bucket, base }) => {
    assert.deepEqual(await listKeys(bucket, `${base}nothing/`), []);
  },

  'deletes during a listing hide no other object': async ({ bucket, base }) => {
    const keys = await putNumbered(bucket, base, 20);
    const seen: string[] = [];
    const deleted: string[] = [];
    await eachPage(bucket, base, 3, async (page) => {
      seen.push(...page);
      for (const key of page) await bucket.delete(key, {});
      const unseen = keys.find((key) => !seen.includes(key) && !deleted.includes(key));
      if (unseen === undefined || deleted.length >= 4) return;
      await bucket.delete(unseen, {});
      deleted.push(unseen);
    });
    const expected = keys.filter((key) => !deleted.includes(key));
    assert.deepEqual(seen.filter((key) => !deleted.includes(key)).sort(), expected);
  },

  'puts during a listing repeat and hide no object': async ({ bucket, base }) => {
    const keys = await putNumbered(bucket, base, 20);
    const seen: string[] = [];
    let added = 0;
    await eachPage(bucket, base, 3, async (page) => {
      seen.push(...page);
      if (added >= 10) return;
      added += 1;
      await bucket.put(`${base}000-early-${added}`, chunks('x'), CREATE);
      await bucket.put(`${base}zzz-late-${added}`, chunks('x'), CREATE);
    });
    assert.equal(new Set(seen).size, seen.length, 'no key comes twice');
    assert.deepEqual(seen.filter((key) => keys.includes(key)).sort(), keys);
  },

  'a limit outside 1 to 1,000 is refused': async ({ bucket, base }) => {
    for (const limit of [0, 1001, 1.5, -1]) {
      await refuses('invalid_parameter', bucket.list({ prefix: base, cursor: null, limit }));
    }
  },

  'a listing that is aborted on its way is aborted, or was done already': async ({ bucket, base }) => {
    const keys = await putNumbered(bucket, base, 7);
    const page = await abortOnItsWay((signal) =>
      bucket.list({ prefix: base, cursor: null, limit: 10, signal }),
    );
    if (page !== null) assert.deepEqual(page.entries.map(({ key }) => key).sort(), keys);
  },

  'a listing whose signal has fired already does not begin': async ({ bucket, base }) => {
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.list({ prefix: base, cursor: null, limit: 1, signal }));
  },
};

/** Puts objects whose keys sort by number. */
async function putNumbered(bucket: Bucket, base: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, index) => `${base}k${String(index).padStart(4, '0')}`);
  await Promise.all(keys.map((key) => bucket.put(key, chunks(key), CREATE)));
  return keys;
}

async function eachPage(
  bucket: Bucket,
  prefix: string,
  limit: number,
  visit: (keys: string[]) => Promise<void>,
): Promise<void> {
  let cursor: string | null = null;
  for (let pages = 0; pages < 1000; pages += 1) {
    const page: Awaited<ReturnType<Bucket['list']>> = await bucket.list({ prefix, cursor, limit });
    await visit(page.entries.map((entry) => entry.key));
    if (page.cursor === null) return;
    cursor = page.cursor;
  }
  throw new assert.AssertionError({ message: 'a listing ends' });
}
