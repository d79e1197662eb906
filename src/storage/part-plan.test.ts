import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, MIB } from '../core/bytes.ts';
import { planParts } from './part-plan.ts';

const S3 = { multipart: true, partBytesMin: 5 * MIB, partBytesMax: 5 * GIB, partsMax: 10_000 };

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

test('parts are equal but the last, and sum to the object', () => {
  for (const sizeBytes of [1, MIB, 16 * MIB, 16 * MIB + 1, 100 * MIB, 163_840 * MIB, 5000 * GIB]) {
    const sizes = planParts(sizeBytes, S3);
    assert.equal(sum(sizes), sizeBytes);
    assert.ok(sizes.length <= S3.partsMax);
    for (const size of sizes.slice(0, -1)) assert.ok(size === sizes[0] && size >= S3.partBytesMin);
    assert.ok((sizes.at(-1) ?? 0) <= (sizes[0] ?? 0) && (sizes.at(-1) ?? 0) > 0);
  }
});

test('a usual object goes up in parts of 16 MiB', () => {
  assert.deepEqual(planParts(40 * MIB, S3), [16 * MIB, 16 * MIB, 8 * MIB]);
});

test('a store with larger or smaller parts gets its own', () => {
  assert.deepEqual(planParts(50 * MIB, { ...S3, partBytesMin: 32 * MIB }), [32 * MIB, 18 * MIB]);
  assert.deepEqual(planParts(5 * MIB, { ...S3, partBytesMin: 1, partBytesMax: 2 * MIB }), [
    2 * MIB,
    2 * MIB,
    MIB,
  ]);
});

test('an object larger than all parts together is refused', () => {
  const small = { multipart: true, partBytesMin: 1, partBytesMax: 100, partsMax: 3 };
  assert.deepEqual(planParts(300, small), [100, 100, 100]);
  assert.throws(() => planParts(301, small), { code: 'file_too_large' });
});

test('a store without parts and a size that is none are refused', () => {
  assert.throws(() => planParts(1, { ...S3, multipart: false }), { code: 'capability_missing' });
  for (const sizeBytes of [0, -1, 1.5, Number.NaN]) assert.throws(() => planParts(sizeBytes, S3), RangeError);
});
