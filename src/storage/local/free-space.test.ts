import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunks, REPLACE, refuses } from '../conformance/material.ts';
import { FreeSpace } from './free-space.ts';
import { openTestStore } from './test-store.ts';

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
