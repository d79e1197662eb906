import assert from 'node:assert/strict';
import { HOSTILE_KEYS, ODD_KEYS } from '../../core/hostile-keys.ts';
import type { Laws } from './law.ts';
import {
  ask,
  CREATE,
  chunks,
  listKeys,
  REPLACE,
  readOptions,
  readText,
  refuses,
  writeOptions,
} from './material.ts';

/** Room that the laws' own prefix takes from the longest key, in bytes. */
const LONG_KEY_BYTES = 900;

export const KEY_LAWS: Laws = {
  'hostile keys are refused everywhere': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), REPLACE);
    for (const { key } of HOSTILE_KEYS) {
      await refuses('invalid_key', bucket.put(key, chunks('x'), CREATE));
      await refuses('invalid_key', bucket.get(key, {}));
      await refuses('invalid_key', bucket.head(key, {}));
      await refuses('invalid_key', bucket.delete(key, {}));
      await refuses('invalid_key', bucket.deleteMany([`${base}a`, key], {}));
      await refuses('invalid_key', bucket.copy(key, `${base}b`, REPLACE));
      await refuses('invalid_key', bucket.copy(`${base}a`, key, REPLACE));
      await refuses('invalid_key', bucket.signRead(key, readOptions()));
      await refuses('invalid_key', bucket.signWrite(key, writeOptions(1)));
      await refuses('invalid_key', bucket.beginMultipart(key, REPLACE));
      await refuses('invalid_key', () => bucket.resumeMultipart(key, 'x', REPLACE));
      if (key === '') continue;
      await refuses('invalid_key', bucket.list({ prefix: `${key}/`, cursor: null, limit: 1 }));
    }
    assert.equal(await readText(bucket, `${base}a`), 'x');
  },

  'odd keys come back exactly as they are': async ({ bucket, base }) => {
    const keys = ODD_KEYS.map(({ key }) => `${base}${key}`).filter(
      (key) => Buffer.byteLength(key) < LONG_KEY_BYTES,
    );
    await Promise.all(keys.map((key) => bucket.put(key, chunks(`body of ${key}`), CREATE)));
    for (const key of keys) {
      assert.equal((await bucket.head(key, {})).key, key);
      assert.equal(await readText(bucket, key), `body of ${key}`);
    }
    assert.deepEqual((await listKeys(bucket, base)).sort(), keys.sort());
    assert.deepEqual(await bucket.deleteMany(keys, {}), []);
    assert.deepEqual(await listKeys(bucket, base), []);
  },

  'signed URLs carry odd keys': async ({ bucket, base }) => {
    for (const { key: name } of ODD_KEYS) {
      const key = `${base}${name}`;
      if (Buffer.byteLength(key) >= LONG_KEY_BYTES) continue;
      await bucket.put(key, chunks(`body of ${key}`), CREATE);
      const { url } = await bucket.signRead(key, readOptions());
      assert.equal((await ask(url)).bytes.toString('utf8'), `body of ${key}`);
    }
  },

  'keys that differ only in case are different keys': async ({ bucket, base }) => {
    await bucket.put(`${base}Photo.JPG`, chunks('upper'), CREATE);
    await bucket.put(`${base}photo.jpg`, chunks('lower'), CREATE);
    assert.equal(await readText(bucket, `${base}Photo.JPG`), 'upper');
    assert.equal(await readText(bucket, `${base}photo.jpg`), 'lower');
    await bucket.delete(`${base}Photo.JPG`, {});
    assert.deepEqual(await listKeys(bucket, base), [`${base}photo.jpg`]);
  },

  'a key can be the beginning of another': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('file'), CREATE);
    await bucket.put(`${base}a/b`, chunks('below'), CREATE);
    await bucket.put(`${base}a/b/c`, chunks('further below'), CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'file');
    assert.deepEqual((await listKeys(bucket, `${base}a/`)).sort(), [`${base}a/b`, `${base}a/b/c`]);
    await bucket.delete(`${base}a/b`, {});
    assert.equal(await readText(bucket, `${base}a/b/c`), 'further below');
    assert.equal(await readText(bucket, `${base}a`), 'file');
  },
};
