import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StowageError } from '../core/errors.ts';
import { StoreFailure, storeError } from './faults.ts';
import { DEFAULT_RETRY, retryDelayMs, withRetries } from './retry.ts';

/** Waits that take no time worth naming, on a clock that moves only when a test moves it. */
function quickPolicy() {
  const state = { nowMs: 0 };
  const policy = { ...DEFAULT_RETRY, firstDelayMs: 0, now: () => state.nowMs };
  return { state, policy };
}

/** An operation that fails so often, and how often it was tried. */
function failing(times: number, error: () => unknown) {
  const state = { tries: 0 };
  const operation = async (attempt: number): Promise<string> => {
    assert.equal(attempt, state.tries);
    state.tries += 1;
    if (state.tries <= times) throw error();
    return 'done';
  };
  return { state, operation };
}

const broken = () =>
  storeError('storage_unavailable', new StoreFailure(503, 'SlowDown', 'Slow down.', 'id-7'));

describe('an operation that may be repeated', () => {
  test('is repeated until it succeeds, three times at most', async () => {
    const { policy } = quickPolicy();
    const passing = failing(3, broken);
    assert.equal(await withRetries(passing.operation, { policy }), 'done');
    assert.equal(passing.state.tries, 4);
    const dead = failing(99, broken);
    await assert.rejects(withRetries(dead.operation, { policy }), { code: 'storage_unavailable' });
    assert.equal(dead.state.tries, 4);
  });

  test('is not repeated when a repetition can’t help', async () => {
    const { policy } = quickPolicy();
    for (const error of [
      new StowageError('storage_denied', 'No.'),
      new StowageError('object_not_found', 'No.'),
      new StowageError('object_exists', 'No.'),
      new TypeError('A mistake of ours.'),
    ]) {
      const { operation, state } = failing(99, () => error);
      await assert.rejects(withRetries(operation, { policy }), (thrown) => thrown === error);
      assert.equal(state.tries, 1);
    }
  });

  test('is repeated soon after a late answer, and never once the client has waited for long', async () => {
    const slow = () => storeError('storage_slow', new StoreFailure(0, 'ETIMEDOUT', 'Late.'));
    const { policy, state } = quickPolicy();
    const soon = failing(1, slow);
    assert.equal(await withRetries(soon.operation, { policy }), 'done');
    const late = failing(99, () => {
      state.nowMs += 5_000;
      return slow();
    });
    await assert.rejects(withRetries(late.operation, { policy }), { code: 'storage_slow' });
    assert.equal(late.state.tries, 1);
  });

  test('is repeated after a long transfer broke', async () => {
    const { policy, state } = quickPolicy();
    const { operation } = failing(1, () => {
      state.nowMs += 60_000;
      return broken();
    });
    assert.equal(await withRetries(operation, { policy }), 'done');
  });

  test('ends with its signal, in the middle of a wait too', async () => {
    const cut = new AbortController();
    const policy = { ...DEFAULT_RETRY, firstDelayMs: 3_600_000, delayMsMax: 3_600_000, random: () => 1 };
    const { operation, state } = failing(99, () => {
      setImmediate(() => cut.abort());
      return broken();
    });
    await assert.rejects(withRetries(operation, { policy, signal: cut.signal }), { code: 'aborted' });
    assert.equal(state.tries, 1);
  });

  test('logs each fault that it repeats, with the store’s words and no key, and counts the tries of the last', async () => {
    const { policy } = quickPolicy();
    const lines: object[] = [];
    const log = { warn: (fields: object) => lines.push(fields) };
    const { operation } = failing(99, broken);
    const error = await withRetries(operation, { policy, log }).catch((thrown: StowageError) => thrown);
    assert.ok(error instanceof StowageError && error.cause instanceof StoreFailure);
    assert.equal(error.cause.attempts, 4);
    assert.deepEqual(
      lines.map((line) => ({ ...line, err: null, delay_ms: 0 })),
      [1, 2, 3].map((attempt) => ({
        code: 'storage_unavailable',
        attempt,
        delay_ms: 0,
        store_status: 503,
        store_code: 'SlowDown',
        store_request_id: 'id-7',
        err: null,
      })),
    );
  });
});

test('waits double up to a bound, and are random below it', () => {
  const delays = (random: number) =>
    [0, 1, 2, 3, 4, 9].map((attempt) => retryDelayMs({ ...DEFAULT_RETRY, random: () => random }, attempt));
  assert.deepEqual(delays(1), [80, 160, 320, 640, 1000, 1000]);
  assert.deepEqual(delays(0.5), [40, 80, 160, 320, 500, 500]);
  assert.deepEqual(delays(0), [0, 0, 0, 0, 0, 0]);
});
