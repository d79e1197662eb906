import assert from 'node:assert/strict';
import { MIB } from '../../core/bytes.ts';
import type { Laws } from './law.ts';
import {
  abortOnItsWay,
  assertAbsent,
  assertSameInfo,
  CREATE,
  chunks,
  inChunks,
  noise,
  REPLACE,
  readBytes,
  readIfThere,
  readText,
  refuses,
  sha256,
} from './material.ts';

export const COPY_LAWS: Laws = {
  'a copy has the bytes of its source and the headers it is given': async ({ bucket, base }) => {
    const old = {
      contentType: 'text/html',
      cacheControl: 'no-store',
      metadata: { which: 'source', more: 'x' },
    };
    const before = await bucket.put(`${base}a`, chunks('hello'), { ...CREATE, ...old });
    const given = { contentType: 'image/png', cacheControl: 'no-cache', metadata: { which: 'copy' } };
    const copied = await bucket.copy(`${base}a`, `${base}b`, { ...CREATE, ...given });
    const { key, sizeBytes, contentType, cacheControl, metadata } = copied;
    assert.deepEqual([key, sizeBytes], [`${base}b`, 5]);
    assert.deepEqual({ contentType, cacheControl, metadata }, given);
    assertSameInfo(await bucket.head(`${base}b`, {}), copied);
    assert.equal(await readText(bucket, `${base}b`), 'hello');
    assertSameInfo(await bucket.head(`${base}a`, {}), before);
  },

  'a copy outlives its source': async ({ bucket, base }) => {
    const bytes = noise(3 * MIB, 9);
    await bucket.put(`${base}a`, inChunks(bytes, MIB), CREATE);
    await bucket.copy(`${base}a`, `${base}b`, CREATE);
    await bucket.delete(`${base}a`, {});
    assert.equal(sha256(await readBytes(bucket, `${base}b`)), sha256(bytes));
  },

  'a copy of what is missing is object_not_found and makes nothing': async ({ bucket, base }) => {
    await refuses('object_not_found', bucket.copy(`${base}a`, `${base}b`, CREATE));
    await assertAbsent(bucket, `${base}b`, base);
  },

  'a copy in mode create refuses a taken key, in mode replace it replaces': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('new'), CREATE);
    await bucket.put(`${base}b`, chunks('old'), CREATE);
    await refuses('object_exists', bucket.copy(`${base}a`, `${base}b`, CREATE));
    assert.equal(await readText(bucket, `${base}b`), 'old');
    await bucket.copy(`${base}a`, `${base}b`, REPLACE);
    assert.equal(await readText(bucket, `${base}b`), 'new');
  },

  'a copy whose signal has fired already does not begin': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.copy(`${base}a`, `${base}b`, { ...CREATE, signal }));
    await assertAbsent(bucket, `${base}b`, base);
  },

  'a copy that is aborted on its way is whole or not there': async ({ bucket, base }) => {
    const bytes = noise(MIB, 12);
    await bucket.put(`${base}a`, inChunks(bytes, 100_000), CREATE);
    const done = await abortOnItsWay((signal) => bucket.copy(`${base}a`, `${base}b`, { ...CREATE, signal }));
    const copied = await readIfThere(bucket, `${base}b`);
    assert.ok(copied?.equals(bytes) ?? done === null);
  },
};
