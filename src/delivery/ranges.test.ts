import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange, type RequestedRange } from './ranges.ts';

const CASES: readonly (readonly [string | undefined, number, RequestedRange])[] = [
  [undefined, 10, 'whole'],
  ['bytes=0-4', 10, { first: 0, last: 4 }],
  ['bytes=4-4', 10, { first: 4, last: 4 }],
  ['bytes=4-', 10, { first: 4, last: 9 }],
  ['bytes=-3', 10, { first: 7, last: 9 }],
  ['bytes=-99', 10, { first: 0, last: 9 }],
  ['bytes=0-99', 10, { first: 0, last: 9 }],
  ['Bytes= 2-3 ', 10, { first: 2, last: 3 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-20', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  [`bytes=0-${'9'.repeat(400)}`, 10, { first: 0, last: 9 }],
  ['bytes=5-2', 10, 'whole'],
  ['bytes=', 10, 'whole'],
  ['bytes=-', 10, 'whole'],
  ['bytes', 10, 'whole'],
  ['bytes=a-b', 10, 'whole'],
  ['bytes=0-1,3-4', 10, 'whole'],
  ['lines=0-1', 10, 'whole'],
  ['bytes=0x1-2', 10, 'whole'],
  ['bytes=1.5-2', 10, 'whole'],
  ['bytes=--1', 10, 'whole'],
];

for (const [header, sizeBytes, expected] of CASES) {
  test(`${header?.slice(0, 40)} of ${sizeBytes} bytes asks for ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseRange(header, sizeBytes), expected);
  });
}
