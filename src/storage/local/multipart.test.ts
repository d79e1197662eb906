import assert from 'node:assert/strict';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CREATE, chunks, REPLACE, readText, refuses } from '../conformance/material.ts';
import { STALE_TEMPORARY_MS } from './temporary-files.ts';
import { openTestStore } from './test-store.ts';

test('nothing is left of a multi-part upload that was completed or aborted', async (context) => {
  const { bucket, root, temporaries } = await openTestStore(context);
  const completed = await bucket.beginMultipart('a', REPLACE);
  await completed.complete([await completed.putPart(1, chunks('x'), { sizeBytes: 1 })], CREATE);
  const aborted = await bucket.beginMultipart('b', REPLACE);
  await aborted.putPart(1, chunks('x'), { sizeBytes: 1 });
  await aborted.abort({});
  assert.deepEqual(await readdir(`${root}/parts`), []);
  assert.deepEqual(await temporaries(), []);
  await refuses('conflict', completed.putPart(2, chunks('x'), { sizeBytes: 1 }));
  await refuses('conflict', aborted.listParts({}));
});

test('the sweeper finds uploads that were begun long ago, and can abort them', async (context) => {
  let nowMs = 1000;
  const { backend, bucket } = await openTestStore(context, { clock: { now: () => nowMs } });
  const old = await bucket.beginMultipart('images/old', REPLACE);
  nowMs = 2000;
  const young = await bucket.beginMultipart('images/young', REPLACE);
  const stale = await backend.listStaleMultipart(2000);
  assert.deepEqual(stale, [{ key: 'images/old', uploadId: old.uploadId, startedAtMs: 1000 }]);
  for (const { key, uploadId } of stale) await backend.resumeMultipart(key, uploadId, REPLACE).abort({});
  assert.deepEqual(
    (await backend.listStaleMultipart(Number.MAX_SAFE_INTEGER)).map(({ uploadId }) => uploadId),
    [young.uploadId],
  );
});

test('an upload id that is no id of this store cannot name a place', async (context) => {
  const { bucket } = await openTestStore(context);
  for (const uploadId of ['', '..', '../objects', 'A'.repeat(32), 'a'.repeat(31), `${'a'.repeat(32)}/x`]) {
    await refuses('invalid_parameter', () => bucket.resumeMultipart('a', uploadId, REPLACE));
  }
  const unknown = bucket.resumeMultipart('a', 'a'.repeat(32), REPLACE);
  await refuses('conflict', unknown.putPart(1, chunks('x'), { sizeBytes: 1 }));
  await unknown.abort({});
});

test('an upload of one key cannot be used or aborted for another', async (context) => {
  const { bucket } = await openTestStore(context);
  const upload = await bucket.beginMultipart('a', REPLACE);
  const part = await upload.putPart(1, chunks('x'), { sizeBytes: 1 });
  const other = bucket.resumeMultipart('b', upload.uploadId, REPLACE);
  await refuses('conflict', other.complete([part], CREATE));
  await refuses('conflict', other.abort({}));
  await upload.complete([part], CREATE);
  assert.equal(await readText(bucket, 'a'), 'x');
});

test('a part damaged on the disk is object_corrupt, and the object is not made', async (context) => {
  const { bucket, root } = await openTestStore(context);
  const upload = await bucket.beginMultipart('a', REPLACE);
  const part = await upload.putPart(1, chunks('x'), { sizeBytes: 1 });
  await writeFile(`${root}/parts/${upload.uploadId}/1`, 'y');
  await refuses('object_corrupt', upload.complete([part], CREATE));
  await refuses('object_not_found', bucket.head('a', {}));
});

test('an upload whose note is gone is not open, and can still be removed', async (context) => {
  const { bucket, root } = await openTestStore(context);
  const upload = await bucket.beginMultipart('a', REPLACE);
  await upload.putPart(1, chunks('x'), { sizeBytes: 1 });
  await rm(`${root}/parts/${upload.uploadId}/upload.json`);
  await refuses('conflict', upload.putPart(2, chunks('x'), { sizeBytes: 1 }));
  await upload.abort({});
  assert.deepEqual(await readdir(`${root}/parts`), []);
});

test('what a crash left of uploads that nobody was told of is removed after a day', async (context) => {
  const store = await openTestStore(context);
  const parts = `${store.root}/parts`;
  const whole = await store.bucket.beginMultipart('a', REPLACE);
  const old = new Date(Date.now() - STALE_TEMPORARY_MS - 1000);
  const [empty, torn, young] = ['0', '1', '2'].map((digit) => digit.repeat(32)) as [string, string, string];
  for (const name of [empty, torn, young, 'notes']) await mkdir(`${parts}/${name}`);
  await writeFile(`${parts}/${torn}/upload.json`, '{"key":');
  for (const name of [whole.uploadId, empty, torn, 'notes']) await utimes(`${parts}/${name}`, old, old);
  await store.reopen();
  assert.deepEqual((await readdir(parts)).sort(), [whole.uploadId, young, 'notes'].sort());
});
