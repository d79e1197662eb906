import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MIB } from '../../core/bytes.ts';
import { CREATE, chunks, listKeys, REPLACE, readText, refuses } from '../conformance/material.ts';
import { FreeSpace } from './free-space.ts';
import { haveFree, openTestStore } from './test-store.ts';

test('free space is measured once a second, by all who ask', async () => {
  let nowMs = 1000;
  let freeBytes = 500;
  let measured = 0;
  const measure = async () => {
    measured += 1;
    return freeBytes;
  };
  const space = new FreeSpace({ path: '/', freeBytesMin: 100, clock: { now: () => nowMs } }, measure);
  await Promise.all([
    space.require(0),
    space.require(400),
    refuses('storage_unavailable', space.require(401)),
  ]);
  assert.equal(measured, 1);
  freeBytes = 99;
  nowMs = 1999;
  await space.require(0);
  nowMs = 2000;
  await refuses('storage_unavailable', space.require(0));
  assert.equal(measured, 2);
});

test('a put is refused before the disk is full, and reads go on', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', chunks('x'), REPLACE);
  const full = await store.reopen({ freeBytesMin: Number.MAX_SAFE_INTEGER });
  const key = (await store.bucket.head('a', {})).key;
  await refuses('storage_unavailable', full.put(key, chunks('y'), REPLACE));
  await refuses('storage_unavailable', full.beginMultipart(key, REPLACE));
  await refuses('storage_unavailable', full.check({}));
  assert.equal((await full.head(key, {})).sizeBytes, 1);
  await full.delete(key, {});
});

for (const [name, options] of [
  ['a new object', CREATE],
  ['an object that replaces one', REPLACE],
] as const) {
  test(`a body of unknown size is refused when the space runs out in its middle: ${name}`, async (context) => {
    let nowMs = 1_000;
    let freeBytes = 100 * MIB;
    haveFree(context, () => freeBytes);
    const clock = { now: () => nowMs };
    const { bucket, names } = await openTestStore(context, { freeBytesMin: MIB, clock });
    if (options.mode === 'replace') await bucket.put('a', chunks('before'), CREATE);
    const before = await names();
    const body = { givenBytes: 0, isEnded: false };
    await refuses('storage_unavailable', bucket.put('a', growing(), options));
    assert.ok(body.givenBytes > 4 * MIB, `it was taken at first: ${body.givenBytes} bytes`);
    assert.ok(body.givenBytes < 40 * MIB, `it was not taken to its end: ${body.givenBytes} bytes`);
    assert.ok(body.isEnded, 'the body was told that nobody reads on');
    assert.deepEqual(await listKeys(bucket, ''), options.mode === 'replace' ? ['a'] : []);
    if (options.mode === 'replace') assert.equal(await readText(bucket, 'a'), 'before');
    assert.deepEqual(await names(), before);
    freeBytes = 100 * MIB;
    nowMs += 1_000;
    await bucket.put('a', chunks('after'), REPLACE);

    async function* growing(): AsyncGenerator<Uint8Array> {
      const chunk = Buffer.alloc(MIB);
      try {
        for (; body.givenBytes < 40 * MIB; body.givenBytes += MIB) {
          if (body.givenBytes === 4 * MIB) {
            freeBytes = MIB - 1;
            nowMs += 1_000;
          }
          yield chunk;
        }
      } finally {
        body.isEnded = true;
      }
    }
  });
}
