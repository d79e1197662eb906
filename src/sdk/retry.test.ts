import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StowageClientError } from './errors.ts';
import { delayBefore, pause, withRetries } from './retry.ts';

const POLICY = { attemptsMax: 5, delayMsMin: 100, delayMsMax: 400 };
const cut = (retryAfterSeconds: number | null = null) =>
  new StowageClientError('network_error', 'Cut.', { isRetryable: true, retryAfterSeconds });
const never = new AbortController().signal;

describe('delayBefore', () => {
  it('doubles up to the longest wait, half of it by chance', () => {
    const waits = (random: number) =>
      [1, 2, 3, 4].map((attempt) => delayBefore(attempt, cut(), POLICY, () => random));
    assert.deepEqual(waits(0), [50, 100, 200, 200]);
    assert.deepEqual(waits(1), [100, 200, 400, 400]);
  });

  it('waits as long as the answer asks, up to a minute', () => {
    assert.equal(delayBefore(1, cut(2), POLICY), 2000);
    assert.equal(delayBefore(1, cut(60), POLICY), 60_000);
    assert.equal(delayBefore(1, cut(61), POLICY), null);
  });

  it('is none after the last try, and for what can not succeed', () => {
    assert.equal(delayBefore(5, cut(), POLICY), null);
    assert.equal(delayBefore(1, new StowageClientError('forbidden', 'No.'), POLICY), null);
    assert.equal(delayBefore(1, new Error('a fault of ours'), POLICY), null);
  });
});

describe('withRetries', () => {
  it('tries as often as allowed and throws the last failure', async () => {
    let tries = 0;
    const policy = { attemptsMax: 3, delayMsMin: 1, delayMsMax: 1 };
    const run = () =>
      Promise.reject(new StowageClientError('network_error', `${++tries}`, { isRetryable: true }));
    await assert.rejects(withRetries(policy, never, run), { code: 'network_error', message: '3' });
  });

  it('ends while it waits when its signal fires', async () => {
    const stop = new AbortController();
    const policy = { attemptsMax: 3, delayMsMin: 60_000, delayMsMax: 60_000 };
    const run = async () => {
      queueMicrotask(() => stop.abort());
      throw cut();
    };
    await assert.rejects(withRetries(policy, stop.signal, run), { code: 'aborted' });
    await assert.rejects(pause(60_000, stop.signal), { code: 'aborted' });
  });
});
