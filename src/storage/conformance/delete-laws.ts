import assert from 'node:assert/strict';
import type { Laws } from './law.ts';
import {
  abortOnItsWay,
  assertAbsent,
  CREATE,
  chunks,
  listKeys,
  readIfThere,
  readText,
  refuses,
} from './material.ts';

export const DELETE_LAWS: Laws = {
  'a deleted object is gone, and others are not': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    await bucket.put(`${base}b`, chunks('y'), CREATE);
    await bucket.delete(`${base}a`, {});
    await assertAbsent(bucket, `${base}a`, base);
    assert.equal(await readText(bucket, `${base}b`), 'y');
  },

  'a delete can be repeated': async ({ bucket, base }) => {
    await bucket.delete(`${base}a`, {});
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    await bucket.delete(`${base}a`, {});
    await bucket.delete(`${base}a`, {});
    await assertAbsent(bucket, `${base}a`, base);
  },

  'a deleted key is free again': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('first'), CREATE);
    await bucket.delete(`${base}a`, {});
    await bucket.put(`${base}a`, chunks('second'), CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'second');
  },

  'a batch delete removes all, missing ones or not': async ({ bucket, base }) => {
    const keys = Array.from({ length: 12 }, (_, index) => `${base}${index}`);
    for (const key of keys.slice(1)) await bucket.put(key, chunks('x'), CREATE);
    await bucket.put(`${base}stays`, chunks('x'), CREATE);
    assert.deepEqual(await bucket.deleteMany(keys, {}), []);
    assert.deepEqual(await listKeys(bucket, base), [`${base}stays`]);
  },

  'a batch delete of nothing succeeds': async ({ bucket }) => {
    assert.deepEqual(await bucket.deleteMany([], {}), []);
  },

  'a batch delete of more than 1,000 keys is refused': async ({ bucket, base }) => {
    const keys = Array.from({ length: 1001 }, (_, index) => `${base}${index}`);
    await refuses('invalid_parameter', bucket.deleteMany(keys, {}));
  },

  'a delete whose signal has fired already does not begin': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.delete(`${base}a`, { signal }));
    assert.equal(await readText(bucket, `${base}a`), 'x');
  },

  'a delete that is aborted on its way is aborted, or was done already': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    const done = await abortOnItsWay((signal) => bucket.delete(`${base}a`, { signal }).then(() => true));
    const left = await readIfThere(bucket, `${base}a`);
    assert.ok(left === null || (done === null && left.equals(Buffer.from('x'))));
  },

  'a batch delete whose signal has fired already does not begin': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.deleteMany([`${base}a`], { signal }));
    assert.equal(await readText(bucket, `${base}a`), 'x');
  },

  'a batch delete that is aborted on its way is aborted, or was done already': async ({ bucket, base }) => {
    const keys = Array.from({ length: 40 }, (_, index) => `${base}${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, chunks('x'), CREATE)));
    // What was not reached is no failure of the store.
    const failures = await abortOnItsWay((signal) => bucket.deleteMany(keys, { signal }));
    assert.deepEqual(failures ?? [], []);
  },
};
