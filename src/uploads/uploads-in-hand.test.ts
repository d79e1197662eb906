import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import { formRequest, note, openIntakeFixture, TYPE } from './intake-fixture.ts';
import { UploadsInHand } from './uploads-in-hand.ts';

test('uploads in hand are counted until they end, and a peak is forgotten slowly', () => {
  const inHand = new UploadsInHand();
  const begin = () => {
    inHand.begin();
    return inHand.recentPeak;
  };
  const told = Array.from({ length: 4 }, begin);
  assert.deepEqual(told, [Number.POSITIVE_INFINITY, 2, 3, 4]);
  for (let count = 0; count < 4; count += 1) inHand.end();
  assert.equal(begin(), 4, 'between two rounds');
  inHand.end();
  const later = Array.from({ length: 200 }, () => {
    const now = begin();
    inHand.end();
    return now;
  });
  assert.deepEqual(
    [...new Set(later)],
    [4, 3, 2, Number.POSITIVE_INFINITY],
    'one client that is left is alone at last',
  );
});

test('a store is told how many uploads are in hand, those that ended no longer, and nothing by the files of a form', async () => {
  const told: number[] = [];
  const held = Promise.withResolvers<void>();
  await using fixture = await openIntakeFixture({
    wrapBucket: (bucket) => ({
      deleteMany: (keys, options) => bucket.deleteMany(keys, options),
      put: async (key, body, options) => {
        const info = await bucket.put(key, body, options);
        told.push(options.inHand?.() ?? Number.NaN);
        if (told.length <= 3) await held.promise;
        return info;
      },
    }),
  });
  const send = (...names: string[]) =>
    fixture.intake.receiveForm(formRequest([TYPE, ...names.map((name) => note(name))]));
  const three = ['a.txt', 'b.txt', 'c.txt'].map((name) => send(name));
  while (told.length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, [Number.POSITIVE_INFINITY, 2, 3]);
  held.resolve();
  await Promise.all(three);
  await send('d.txt', 'e.txt');
  assert.deepEqual(told.slice(3), [3, Number.POSITIVE_INFINITY]);
  const wrong = { ...note('f.txt'), value: Buffer.from([0xff, 0xd8, 0xff, 0xe0]) };
  for (let attempt = 0; attempt < 50; attempt += 1) {
    await assert.rejects(fixture.intake.receiveForm(formRequest([TYPE, note('g.txt'), wrong])), (error) =>
      isStowageError(error, 'file_type_mismatch'),
    );
  }
  await send('h.txt');
  assert.equal(told.at(-1), Number.POSITIVE_INFINITY, 'those that were undone are in nobody’s hand');
});
