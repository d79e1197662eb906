import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BytePieces } from './byte-pieces.ts';

/** Pieces of these sizes, and all their bytes. */
function filled(sizes: readonly number[]): { pieces: BytePieces; bytes: Buffer } {
  const pieces = new BytePieces();
  let next = 0;
  const all = sizes.map((size) => Buffer.from(Array.from({ length: size }, () => next++ % 251)));
  for (const piece of all) pieces.push(piece);
  return { pieces, bytes: Buffer.concat(all) };
}

/** Memory that pieces hold, each buffer counted once. */
function heldBytes(pieces: readonly Buffer[]): number {
  return [...new Set(pieces.map(({ buffer }) => buffer))].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
}

describe('bytes that wait in pieces', () => {
  test('come back in order, however they were cut', () => {
    for (const sizes of [
      [],
      [1],
      [1, 1],
      [1023, 1024, 1, 2, 5000, 0, 3],
      Array(50_000).fill(1),
      Array(900).fill(100),
    ]) {
      const { pieces, bytes } = filled(sizes);
      assert.equal(pieces.sizeBytes, bytes.length);
      const taken: Buffer[] = [];
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) taken.push(piece);
      assert.deepEqual(Buffer.concat(taken), bytes);
      assert.deepEqual({ count: pieces.count, sizeBytes: pieces.sizeBytes }, { count: 0, sizeBytes: 0 });
    }
  });

  test('stay as they are when they are large, or alone', () => {
    const large = Buffer.alloc(1024);
    const small = Buffer.alloc(10);
    const pieces = new BytePieces();
    for (const piece of [large, small, large]) pieces.push(piece);
    const taken = pieces.takeAll();
    assert.equal(taken.length, 3);
    assert.equal(taken[0], large);
    assert.equal(taken[1], small);
    assert.equal(taken[2], large);
  });

  test('take no more than three times their memory when they come in single bytes', () => {
    const { pieces } = filled(Array(1_000_000).fill(1));
    assert.ok(pieces.count <= 1_000_000 / (16 * 1024) + 1, `${pieces.count} pieces`);
    assert.ok(heldBytes(pieces.takeAll()) < 3_000_000);
  });

  test('take no more than that when small ones stand between large ones', () => {
    const { pieces, bytes } = filled(Array.from({ length: 900 }, (_, at) => (at % 3 === 0 ? 1024 : 1)));
    assert.equal(pieces.count, 600);
    const small = pieces.takeAll().filter(({ length }) => length < 1024);
    assert.ok(heldBytes(small) <= 300 * 256);
    assert.ok(heldBytes(small) < bytes.length);
  });

  test('that were taken do not change when more comes', () => {
    const pieces = new BytePieces();
    for (const text of ['a', 'b']) pieces.push(Buffer.from(text));
    const first = pieces.shift();
    for (const text of ['c', 'd']) pieces.push(Buffer.from(text));
    assert.equal(String(first), 'ab');
    assert.equal(String(pieces.shift()), 'cd');
    assert.equal(pieces.shift(), undefined);
  });

  test('go on after all were taken', () => {
    const pieces = new BytePieces();
    for (const text of ['a', 'b']) pieces.push(Buffer.from(text));
    const taken = pieces.takeAll();
    pieces.push(Buffer.from('c'));
    assert.deepEqual(taken.map(String), ['ab']);
    assert.deepEqual(pieces.takeAll().map(String), ['c']);
  });
});
