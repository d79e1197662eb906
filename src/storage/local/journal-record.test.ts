import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noise } from '../conformance/material.ts';
import { encodePut, encodeSettled, readNotes, readRecords, SETTLED_RECORD_BYTES } from './journal-record.ts';

const NAME = 'ab'.repeat(32);
const VERSION = '0190d6e4-9a50-7b2e-8f0e-6a1f3f1c2d3e';

test('records are read as they were written', () => {
  const file = noise(1000, 1);
  const journal = Buffer.concat([encodePut(NAME, [file]), encodeSettled(NAME, VERSION)]);
  const [put, settled, ...others] = readRecords(journal);
  assert.ok(put?.type === 'put' && put.name === NAME && put.file.equals(file));
  assert.deepEqual(settled, { type: 'settled', name: NAME, version: VERSION });
  assert.deepEqual(others, []);
});

test('a journal cut at any byte of its last record keeps all records before it', () => {
  const first = encodePut(NAME, [noise(300, 1)]);
  for (const last of [encodePut(NAME, [noise(200, 2)]), encodeSettled(NAME, VERSION)]) {
    const journal = Buffer.concat([first, last]);
    for (let bytes = first.byteLength; bytes < journal.byteLength; bytes += 1) {
      assert.equal(readRecords(journal.subarray(0, bytes)).length, 1, `${bytes} bytes`);
      // A cut write can also leave a file of full length with nothing in its end.
      const zeroed = Buffer.from(journal).fill(0, bytes);
      const lost = !zeroed.equals(journal);
      assert.equal(readRecords(zeroed).length, lost ? 1 : 2, `${bytes} bytes, then zeros`);
    }
  }
});

test('a record with any byte altered ends the journal', () => {
  const journal = encodePut(NAME, [noise(200, 3)]);
  for (let at = 0; at < journal.byteLength; at += 1) {
    const altered = Buffer.from(journal);
    altered[at] = (altered[at] ?? 0) ^ 1;
    assert.deepEqual(readRecords(altered), [], `byte ${at}`);
  }
});

test('a torn note does not hide those behind it', () => {
  const note = encodeSettled(NAME, VERSION);
  const torn = Buffer.alloc(SETTLED_RECORD_BYTES);
  assert.equal(readNotes(Buffer.concat([note, torn, note, note.subarray(0, 50)])).length, 2);
});
