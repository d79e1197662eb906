import { setTimeout as sleep } from 'node:timers/promises';
import { abortedError, isStowageError } from '../core/errors.ts';

/** How often and how patiently an operation is repeated. */
export interface RetryPolicy {
  /** Repetitions after the first try. */
  readonly retriesMax: number;
  /** Longest wait before the first repetition, in milliseconds; it doubles with each. */
  readonly firstDelayMs: number;
  /** Longest wait before any repetition, in milliseconds. */
  readonly delayMsMax: number;
  /** A number from 0 up to 1, for the jitter. */
  readonly random: () => number;
}

/** At most 3 repetitions within about a second: longer outages are the breaker's and the client's to bridge. */
export const DEFAULT_RETRY: RetryPolicy = {
  retriesMax: 3,
  firstDelayMs: 80,
  delayMsMax: 1_000,
  random: Math.random,
};

/**
 * Runs an operation that is safe to repeat, again while it fails with a retryable StowageError. Waits a random time
 * between nothing and a bound that doubles ("full jitter"), so that many clients do not come back at once.
 *
 * @param operation gets the number of the try, from 0.
 * @throws what the last try threw, or the signal's error.
 */
export async function withRetries<Result>(
  operation: (attempt: number) => Promise<Result>,
  options: { readonly policy?: RetryPolicy; readonly signal?: AbortSignal | undefined },
): Promise<Result> {
  const policy = options.policy ?? DEFAULT_RETRY;
  for (let attempt = 0; ; attempt++) {
    try {
      return await operation(attempt);
    } catch (error) {
      if (attempt >= policy.retriesMax || !isStowageError(error) || !error.traits.retryable) throw error;
      if (options.signal?.aborted) throw abortedError(options.signal);
      await pause(retryDelayMs(policy, attempt), options.signal);
    }
  }
}

/** The wait before repetition `attempt` + 1, in milliseconds. */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  return policy.random() * Math.min(policy.delayMsMax, policy.firstDelayMs * 2 ** attempt);
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    if (signal !== undefined) throw abortedError(signal);
  }
}
