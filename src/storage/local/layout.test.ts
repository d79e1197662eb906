import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { test } from 'node:test';
import { isStowageError } from '../../core/errors.ts';
import { Bucket } from '../bucket.ts';
import {
  breaksAfter,
  CREATE,
  chunks,
  inChunks,
  noise,
  REPLACE,
  readText,
  refuses,
} from '../conformance/material.ts';
import { newTemporaryName, SECOND_NAME_MS, STALE_TEMPORARY_MS } from './temporary-files.ts';
import { openTestStore } from './test-store.ts';

test('only the owner of the process may look into the store', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', chunks('x'), REPLACE);
  await chmod(store.root, 0o755);
  await store.reopen();
  assert.equal((await lstat(store.root)).mode & 0o777, 0o700);
  assert.equal((await lstat(store.pathOf('a'))).mode & 0o777, 0o600);
  assert.equal((await lstat(`${store.root}/format.json`)).mode & 0o777, 0o600);
});

test('a directory that holds something else is left as it is', async (context) => {
  const store = await openTestStore(context);
  await store.backend.close();
  await rm(store.root, { recursive: true });
  await mkdir(store.root, { mode: 0o755 });
  await chmod(store.root, 0o755);
  await writeFile(`${store.root}/notes.txt`, 'x');
  await refuses('storage_denied', store.reopen());
  assert.deepEqual(await readdir(store.root), ['notes.txt']);
  assert.equal((await lstat(store.root)).mode & 0o777, 0o755);
});

test('an empty disk, and a tree whose making was broken off, become a store', async (context) => {
  const store = await openTestStore(context);
  await store.backend.close();
  await rm(`${store.root}/format.json`);
  await mkdir(`${store.root}/lost+found`);
  const again = new Bucket(await store.reopen());
  await again.put('a', chunks('x'), CREATE);
  assert.equal(await readText(again, 'a'), 'x');
  assert.ok((await readdir(store.root)).includes('format.json'));
});

test('objects are spread over 256 directories by the hash of their keys, whatever the keys say', async (context) => {
  const store = await openTestStore(context);
  const keys = ['images/a.png', 'images/b.png', 'Ünïcode/ключ', 'a'.repeat(200)];
  for (const key of keys) await store.bucket.put(key, chunks('x'), REPLACE);
  const found = await readdir(`${store.root}/objects`, { recursive: true, withFileTypes: true });
  const places = found
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(-2)}/${entry.name}`);
  const hashes = keys.map((key) => createHash('sha256').update(key).digest('hex'));
  const expected = hashes.map((hash) => `${hash.slice(0, 2)}/${hash}`);
  assert.deepEqual(places.toSorted(), expected.toSorted());
  assert.equal(found.filter((entry) => entry.isDirectory()).length, 256);
});

test('a store opened again has its objects', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', chunks('still here'), REPLACE);
  await store.backend.close();
  const again = new Bucket(await store.reopen());
  assert.equal(await readText(again, 'a'), 'still here');
});

test('a store of another version is left alone', async (context) => {
  const store = await openTestStore(context);
  for (const text of ['{"format":"stowage-local","version":2}', 'not json', '[]']) {
    await writeFile(`${store.root}/format.json`, text);
    await refuses('storage_denied', store.reopen());
    assert.equal(await readFile(`${store.root}/format.json`, 'utf8'), text);
  }
});

test('a symlink in the place of one of its directories keeps a store from opening', async (context) => {
  for (const name of ['objects', 'parts', 'tmp', 'objects/7f']) {
    const store = await openTestStore(context);
    await rm(`${store.root}/${name}`, { recursive: true });
    await symlink('/tmp', `${store.root}/${name}`);
    await refuses('storage_denied', store.reopen());
  }
});

test('a check finds a directory that was replaced by a symlink, or removed, while the store is open', async (context) => {
  const store = await openTestStore(context);
  await store.backend.check({});
  for (const name of ['objects', 'parts', 'tmp', 'journal', 'objects/7f']) {
    const path = `${store.root}/${name}`;
    await rename(path, `${store.root}/aside`);
    await refuses('storage_unavailable', store.backend.check({}));
    await symlink(`${store.root}/aside`, path);
    await refuses('storage_denied', store.backend.check({}));
    await rm(path);
    await rename(`${store.root}/aside`, path);
    await store.backend.check({});
  }
  await rename(store.root, `${store.root}-aside`);
  await symlink(`${store.root}-aside`, store.root);
  await refuses('storage_denied', store.backend.check({}));
});

test('no put leaves a temporary file behind', async (context) => {
  const { bucket, temporaries } = await openTestStore(context);
  await bucket.put('a', chunks('x'), CREATE);
  await bucket.put('b', inChunks(noise(700_000, 1), 9000), REPLACE);
  await refuses('object_exists', bucket.put('a', chunks('y'), CREATE));
  await assert.rejects(bucket.put('c', breaksAfter(noise(700_000, 2), new Error('broke')), REPLACE));
  assert.deepEqual(await temporaries(), []);
});

test('half-written files of processes that are gone are removed after a day, all others stay', async (context) => {
  const store = await openTestStore(context);
  const nowMs = Date.now();
  const old = new Date(nowMs - STALE_TEMPORARY_MS - 1000);
  const young = new Date(nowMs - STALE_TEMPORARY_MS + 60_000);
  // A process id that is in use now, but began at another time.
  const mine = newTemporaryName();
  const files: readonly (readonly [string, Date])[] = [
    ['999999999-77-abc-1', old],
    ['999999999-77-abc-2', young],
    [`${process.pid}-1-abc-3`, old],
    [mine, old],
    ['notes.txt', old],
  ];
  for (const [name, time] of files) {
    await writeFile(`${store.root}/tmp/${name}`, 'x');
    await utimes(`${store.root}/tmp/${name}`, time, time);
  }
  // A crash came between the two names of an object: only the second is too many.
  for (const [key, ageMs] of [
    ['a', SECOND_NAME_MS + 1000],
    ['b', SECOND_NAME_MS - 60_000],
  ] as const) {
    await store.bucket.put(key, chunks('x'), CREATE);
    const time = new Date(nowMs - ageMs);
    await utimes(store.pathOf(key), time, time);
    await link(store.pathOf(key), `${store.root}/tmp/999999999-77-abc-${key}`);
  }
  await store.reopen();
  const left = await store.temporaries();
  assert.deepEqual(left.toSorted(), ['999999999-77-abc-2', '999999999-77-abc-b', mine, 'notes.txt'].sort());
  assert.equal((await store.bucket.head('a', {})).sizeBytes, 1);
});

test('a store whose directories were taken away answers storage_unavailable', async (context) => {
  const store = await openTestStore(context);
  await rm(`${store.root}/tmp`, { recursive: true });
  await refuses('storage_unavailable', store.bucket.put('a', chunks('x'), REPLACE));
  await refuses('object_not_found', store.bucket.get('a', {}));
});

test('no message tells where the store is', async (context) => {
  const store = await openTestStore(context);
  await rm(store.root, { recursive: true });
  const outcomes = await Promise.allSettled([
    store.bucket.get('a', {}),
    store.bucket.put('a', chunks('x'), REPLACE),
    store.bucket.list({ prefix: '', cursor: null, limit: 1 }),
    store.bucket.delete('a', {}),
    store.bucket.beginMultipart('a', REPLACE),
    store.bucket.check({}),
  ]);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected' && isStowageError(outcome.reason, 'storage_unavailable'));
    assert.ok(!outcome.reason.message.includes('stowage-local'));
  }
});
