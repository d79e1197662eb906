import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjectKey } from '../core/key.ts';
import { Bucket } from './bucket.ts';
import {
  CREATE,
  chunks,
  REPLACE,
  readOptions,
  readText,
  refuses,
  writeOptions,
} from './conformance/material.ts';
import { MemoryBackend } from './memory/backend.ts';

const KEY = parseObjectKey('a');

test('content types are media types with parameters, or refused', async () => {
  const bucket = new Bucket(new MemoryBackend());
  const good = [
    'text/plain',
    'text/plain; charset=utf-8',
    'text/plain;charset="utf 8"',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'image/svg+xml',
  ];
  const bad = [
    '',
    'text',
    'text/',
    '/plain',
    'text/plain;',
    'text/plain; a',
    'té/xt',
    'text/plain\n',
    'a b/c',
    `${'a'.repeat(128)}/b`,
  ];
  for (const contentType of good) await bucket.put(KEY, chunks('x'), { ...REPLACE, contentType });
  for (const contentType of bad) {
    await refuses('invalid_parameter', bucket.put(KEY, chunks('x'), { ...REPLACE, contentType }));
    await refuses('invalid_parameter', bucket.copy(KEY, KEY, { ...REPLACE, contentType }));
    await refuses('invalid_parameter', bucket.signRead(KEY, readOptions({ contentType })));
    await refuses('invalid_parameter', bucket.signWrite(KEY, writeOptions(1, { contentType })));
  }
});

test('ranges are whole numbers in order', async () => {
  const bucket = new Bucket(new MemoryBackend());
  await bucket.put(KEY, chunks('hello'), CREATE);
  for (const range of [
    { first: -1, last: 0 },
    { first: 1, last: 0 },
    { first: 0.5, last: 1 },
    { first: Number.NaN, last: 1 },
    { first: 0, last: Number.POSITIVE_INFINITY },
  ]) {
    await refuses('invalid_parameter', bucket.get(KEY, { range }));
  }
});

test('what is signed must fit into headers and grants', async () => {
  const bucket = new Bucket(new MemoryBackend());
  const grant = { assetId: 'a', userId: 'u', tenantId: 't' };
  for (const wrong of [
    { contentDisposition: 'inline\r\nX: y' },
    { contentDisposition: 'inline; filename="ü"' },
    { contentDisposition: 'x'.repeat(5000) },
    { nowMs: Number.NaN },
    { grant: { ...grant, userId: '\ud800' } },
    { grant: { ...grant, userId: 'u'.repeat(513) } },
  ]) {
    await refuses('invalid_parameter', bucket.signRead(KEY, readOptions(wrong)));
  }
  await bucket.signRead(KEY, readOptions({ grant: { ...grant, userId: 'Zoë 🦊' } }));
  for (const wrong of [{ sizeBytes: -1 }, { sha256: Buffer.alloc(31) }, { metadata: { A: 'b' } }]) {
    await refuses('invalid_parameter', bucket.signWrite(KEY, writeOptions(1, wrong)));
  }
});

test('a body larger than the store takes at once is refused before it is read', async () => {
  const bucket = new Bucket(new MemoryBackend({ capabilities: { singlePutBytesMax: 4 } }));
  let read = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    read = true;
    yield Buffer.from('hello');
  }
  await refuses('file_too_large', bucket.put(KEY, body(), { ...CREATE, sizeBytes: 5 }));
  await refuses('file_too_large', bucket.signWrite(KEY, writeOptions(5)));
  assert.equal(read, false);
});

test('parts must fit the plan of the store', async () => {
  const capabilities = { partBytesMin: 3, partBytesMax: 5, partsMax: 2 };
  const bucket = new Bucket(new MemoryBackend({ capabilities }));
  const upload = await bucket.beginMultipart(KEY, REPLACE);
  await refuses('invalid_parameter', upload.putPart(1, chunks('longer'), { sizeBytes: 6 }));
  await refuses('invalid_parameter', upload.putPart(3, chunks('x'), { sizeBytes: 1 }));
  const short = await upload.putPart(1, chunks('ab'), { sizeBytes: 2 });
  const last = await upload.putPart(2, chunks('c'), { sizeBytes: 1 });
  await refuses('invalid_parameter', upload.complete([short, last], CREATE));
  await refuses('invalid_parameter', upload.complete([last, short], CREATE));
  const long = await upload.putPart(1, chunks('abc'), { sizeBytes: 3 });
  await upload.complete([long, last], CREATE);
  assert.equal(await readText(bucket, KEY), 'abcc');
});

test('a memory store that is full says so and keeps what it has', async () => {
  const bucket = new Bucket(new MemoryBackend({ capacityBytes: 8 }));
  await bucket.put(KEY, chunks('hello'), CREATE);
  await refuses('storage_unavailable', bucket.put('b', chunks('four'), CREATE));
  await bucket.delete(KEY, {});
  await bucket.put('b', chunks('four'), CREATE);
  assert.equal(await readText(bucket, 'b'), 'four');
});
