import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noise } from '../conformance/material.ts';
import {
  draftPut,
  draftSettled,
  encodeRecord,
  readNotes,
  readRecords,
  SETTLED_RECORD_BYTES,
  seal,
  writeDraft,
} from './journal-record.ts';

const NAME = 'ab'.repeat(32);
const VERSION = '0190d6e4-9a50-7b2e-8f0e-6a1f3f1c2d3e';

test('records are read as they were written', () => {
  const file = noise(1000, 1);
  const journal = Buffer.concat([
    encodeRecord(draftPut(NAME, [file])),
    encodeRecord(draftSettled(NAME, VERSION)),
  ]);
  const [put, settled, ...others] = readRecords(journal);
  assert.ok(put?.type === 'put' && put.name === NAME && put.file.equals(file));
  assert.deepEqual(settled, { type: 'settled', name: NAME, version: VERSION });
  assert.deepEqual(others, []);
});

test('a journal cut at any byte of its last record keeps all records before it', () => {
  const first = encodeRecord(draftPut(NAME, [noise(300, 1)]));
  for (const last of [
    encodeRecord(draftPut(NAME, [noise(200, 2)])),
    encodeRecord(draftSettled(NAME, VERSION)),
  ]) {
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
  const journal = encodeRecord(draftPut(NAME, [noise(200, 3)]));
  for (let at = 0; at < journal.byteLength; at += 1) {
    const altered = Buffer.from(journal);
    altered[at] = (altered[at] ?? 0) ^ 1;
    assert.deepEqual(readRecords(altered), [], `byte ${at}`);
  }
});

test('a torn note does not hide those behind it', () => {
  const note = encodeRecord(draftSettled(NAME, VERSION));
  const torn = Buffer.alloc(SETTLED_RECORD_BYTES);
  assert.equal(readNotes(Buffer.concat([note, torn, note, note.subarray(0, 50)])).length, 2);
});

test('a draft is written in its place, whatever was there before, and is whole when it is sealed', () => {
  const file = [noise(7, 4), noise(0, 0), noise(300, 5)];
  const draft = draftPut(NAME, file);
  const target = Buffer.alloc(draft.byteLength + 20, 0xff);
  assert.equal(writeDraft(draft, target, 9), draft.byteLength);
  assert.deepEqual(readRecords(target.subarray(9)), [], 'without its checksum it is torn');
  seal(target.subarray(9, 9 + draft.byteLength));
  assert.ok(target.subarray(9, 9 + draft.byteLength).equals(encodeRecord(draft)));
  const [record] = readRecords(target.subarray(9));
  assert.ok(record?.type === 'put' && record.file.equals(Buffer.concat(file)));
  assert.ok(target.subarray(0, 9).equals(Buffer.alloc(9, 0xff)), 'nothing before it is touched');
  assert.ok(target.subarray(9 + draft.byteLength).equals(Buffer.alloc(11, 0xff)), 'nor behind it');
});

test('a version that does not fit is no note', () => {
  assert.throws(() => draftSettled(NAME, 'v'.repeat(77)), RangeError);
  assert.equal(draftSettled(NAME, 'v'.repeat(76)).byteLength, SETTLED_RECORD_BYTES);
});
