import { setTimeout as sleep } from 'node:timers/promises';
import { abortedError, isStowageError, type StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { StoreFailure } from './faults.ts';

/** How often and how patiently an operation is repeated. */
export interface RetryPolicy {
  /** Repetitions after the first try. */
  readonly retriesMax: number;
  /** Longest wait before the first repetition, in milliseconds; it doubles with each. */
  readonly firstDelayMs: number;
  /** Longest wait before any repetition, in milliseconds. */
  readonly delayMsMax: number;
  /**
   * A store that did not answer in time is not asked again later than this after the first try began, in milliseconds:
   * it would only make the client wait longer. A connection that breaks in a long transfer is another matter.
   */
  readonly slowStartMsMax: number;
  /** A number from 0 up to 1, for the jitter. */
  readonly random: () => number;
  /** A clock that never jumps, in milliseconds. */
  readonly now: () => number;
}

/** At most 3 repetitions within about a second: longer outages are the breaker's and the client's to bridge. */
export const DEFAULT_RETRY: RetryPolicy = {
  retriesMax: 3,
  firstDelayMs: 80,
  delayMsMax: 1_000,
  slowStartMsMax: 4_000,
  random: Math.random,
  now: () => performance.now(),
};

/**
 * Runs an operation that is safe to repeat, again while it fails with a retryable StowageError. Waits a random time
 * between nothing and a bound that doubles ("full jitter"), so that many clients do not come back at once.
 *
 * Each fault that is followed by a repetition is one line of the log; the last one is its caller's to log, and its
 * {@link StoreFailure} tells how many tries there were.
 *
 * @param operation gets the number of the try, from 0.
 * @throws what the last try threw, or the signal's error.
 */
export async function withRetries<Result>(
  operation: (attempt: number) => Promise<Result>,
  options: {
    readonly policy?: RetryPolicy;
    readonly signal?: AbortSignal | undefined;
    readonly log?: Pick<Log, 'warn'>;
  },
): Promise<Result> {
  const policy = options.policy ?? DEFAULT_RETRY;
  const startMs = policy.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await operation(attempt);
    } catch (error) {
      if (isStowageError(error) && error.cause instanceof StoreFailure) error.cause.attempts = attempt + 1;
      if (attempt >= policy.retriesMax || !isStowageError(error) || !error.traits.retryable) throw error;
      if (options.signal?.aborted) throw abortedError(options.signal);
      const delayMs = retryDelayMs(policy, attempt);
      if (error.code === 'storage_slow' && policy.now() + delayMs - startMs > policy.slowStartMsMax)
        throw error;
      options.log?.warn(faultFields(error, attempt, delayMs), 'A call to the store failed and is repeated.');
      await pause(delayMs, options.signal);
    }
  }
}

/** The wait before repetition `attempt` + 1, in milliseconds. */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  return policy.random() * Math.min(policy.delayMsMax, policy.firstDelayMs * 2 ** attempt);
}

// Neither key nor URL: keys may hold names of people, and signed URLs are secrets.
function faultFields(error: StowageError, attempt: number, delayMs: number): object {
  const { cause } = error;
  return {
    code: error.code,
    attempt: attempt + 1,
    delay_ms: Math.round(delayMs),
    ...(cause instanceof StoreFailure
      ? { store_status: cause.status, store_code: cause.storeCode, store_request_id: cause.storeRequestId }
      : {}),
    err: cause ?? error,
  };
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    if (signal !== undefined) throw abortedError(signal);
  }
}
