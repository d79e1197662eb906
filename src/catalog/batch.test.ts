import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { isStowageError, StowageError } from '../core/errors.ts';
import { Batcher, type BatchOptions } from './batch.ts';

/** A batcher whose batches end when the test says so. */
function heldBatcher(limits: Partial<Omit<BatchOptions<number, number>, 'run'>> = {}) {
  const batches: { items: readonly number[]; end: (failure?: unknown) => void }[] = [];
  const batcher = new Batcher<number, number>({
    itemsMax: 3,
    batchesInFlightMax: 1,
    waitingMax: 100,
    ...limits,
    run: (items) =>
      new Promise((resolve, reject) => {
        const end = (failure?: unknown): void =>
          failure === undefined ? resolve(items.map((item) => item * 10)) : reject(failure);
        batches.push({ items, end });
      }),
  });
  return { batcher, batches };
}

/** What the driver throws when the server refused a statement. */
function refusal(code: string): DatabaseError {
  return Object.assign(new DatabaseError('refused', 0, 'error'), { code });
}

/** Until a batcher that nobody calls has gathered what there is. */
async function turns(): Promise<void> {
  for (let count = 0; count < 4; count += 1) await turn();
}

test('calls of one turn go together, later ones wait for the batch in flight, none is larger than allowed', async () => {
  const { batcher, batches } = heldBatcher();
  const results = Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item)));
  await turns();
  assert.deepEqual(
    batches.map(({ items }) => items),
    [[1, 2, 3]],
  );
  batches[0]?.end();
  await turns();
  assert.deepEqual(
    batches.map(({ items }) => items),
    [
      [1, 2, 3],
      [4, 5],
    ],
  );
  batches[1]?.end();
  assert.deepEqual(await results, [10, 20, 30, 40, 50]);
});

test('no more batches are in flight than allowed', async () => {
  const { batcher, batches } = heldBatcher({ itemsMax: 1, batchesInFlightMax: 2 });
  const results = [1, 2, 3, 4].map((item) => batcher.add(item));
  await turns();
  assert.equal(batches.length, 2);
  batches[0]?.end();
  await turns();
  assert.equal(batches.length, 3);
  for (let ended = 1; ended < 4; ended += 1) {
    batches[ended]?.end();
    await turns();
  }
  assert.deepEqual(await Promise.all(results), [10, 20, 30, 40]);
});

test('a batch that takes long holds nobody up: another goes beside it', async () => {
  const { batcher, batches } = heldBatcher({ batchesInFlightMax: 2, patienceMs: 10 });
  const slow = batcher.add(1);
  await turns();
  const quick = batcher.add(2);
  await turns();
  assert.equal(batches.length, 1);
  while (batches.length < 2) await turn();
  batches[1]?.end();
  assert.equal(await quick, 20);
  batches[0]?.end();
  assert.equal(await slow, 10);
});

test('more than may wait are refused at once', async () => {
  const { batcher, batches } = heldBatcher({ waitingMax: 2 });
  const first = [batcher.add(1), batcher.add(2)];
  await assert.rejects(batcher.add(3), { code: 'database_unavailable' });
  await turns();
  batches[0]?.end();
  assert.deepEqual(await Promise.all(first), [10, 20]);
});

test('when a batch fails its items are tried alone, and only the bad one fails', async () => {
  const runs: (readonly number[])[] = [];
  const batcher = new Batcher<number, number>({
    itemsMax: 10,
    batchesInFlightMax: 1,
    waitingMax: 10,
    run: async (items) => {
      runs.push(items);
      if (items.includes(2)) throw refusal('22P05');
      return items;
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(runs, [[1, 2, 3], [1], [2], [3]]);
});

test('when the database is away nothing is tried again', async () => {
  const { batcher, batches } = heldBatcher();
  const results = Promise.allSettled([1, 2].map((item) => batcher.add(item)));
  await turns();
  batches[0]?.end(new StowageError('database_unavailable', 'The database is not available.'));
  assert.deepEqual(
    (await results).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(batches.length, 1);
});

test('when it is not known whether a batch was committed nothing is tried again', async () => {
  for (const failure of [
    new Error('socket hang up'),
    refusal('08006'),
    refusal('40003'),
    refusal('57P01'),
    refusal('XX000'),
  ]) {
    const { batcher, batches } = heldBatcher();
    const results = Promise.allSettled([1, 2].map((item) => batcher.add(item)));
    await turns();
    batches[0]?.end(failure);
    for (const result of await results) {
      assert.ok(result.status === 'rejected' && isStowageError(result.reason, 'database_unavailable'));
    }
    assert.equal(batches.length, 1);
  }
});
