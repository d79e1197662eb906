import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import { FilesInHand } from './files-in-hand.ts';
import { formRequest, note, openIntakeFixture, TYPE } from './intake-fixture.ts';

test('files in hand are counted until their upload is answered, and a peak is forgotten slowly', () => {
  const inHand = new FilesInHand();
  assert.deepEqual(
    Array.from({ length: 16 }, () => inHand.take()),
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
  inHand.give(16);
  const next = inHand.take();
  assert.ok(next > 15 && next < 16, `${next}`);
  inHand.give(1);
  const later = Array.from({ length: 300 }, () => {
    const told = inHand.take();
    inHand.give(1);
    return told;
  });
  assert.equal(later.at(-1), 1);
  assert.deepEqual(
    later.toSorted((a, b) => b - a),
    later,
  );
});

test('a store is told how many files are in hand, those of uploads that failed no longer', async () => {
  const told: number[] = [];
  await using fixture = await openIntakeFixture({
    wrapBucket: (bucket) => ({
      deleteMany: (keys, options) => bucket.deleteMany(keys, options),
      put: (key, body, options) => {
        told.push(options.inHand ?? Number.NaN);
        return bucket.put(key, body, options);
      },
    }),
  });
  const files = [note('a.txt'), note('b.txt'), note('c.txt')];
  await fixture.intake.receiveForm(formRequest([TYPE, ...files]));
  assert.deepEqual(told, [1, 2, 3]);
  const wrong = { ...note('d.txt'), value: Buffer.from([0xff, 0xd8, 0xff, 0xe0]) };
  for (let attempt = 0; attempt < 100; attempt += 1) {
    await assert.rejects(fixture.intake.receiveForm(formRequest([TYPE, wrong])), (error) =>
      isStowageError(error, 'file_type_mismatch'),
    );
  }
  await fixture.intake.receiveForm(formRequest([TYPE, note('e.txt')]));
  assert.deepEqual(told.slice(3).at(-1), 1);
});
