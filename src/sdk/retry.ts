import { abortedError, isClientError } from './errors.ts';

/** How often and how patiently a request is tried again. */
export interface RetryPolicy {
  /** Most tries of one request, the first included. */
  readonly attemptsMax: number;
  /** The first wait, in milliseconds; each further one is twice as long. */
  readonly delayMsMin: number;
  /** The longest wait, in milliseconds. */
  readonly delayMsMax: number;
}

/** A service that asks for more patience than this is not waited for, in milliseconds. */
const RETRY_AFTER_MS_MAX = 60_000;

/**
 * Runs a request until it succeeds, fails for good, or was tried often enough.
 *
 * @throws the last failure; StowageClientError `aborted`.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) throw abortedError(signal);
    try {
      return await run();
    } catch (error) {
      const delayMs = delayBefore(attempt, error, policy);
      if (delayMs === null) throw error;
      await pause(delayMs, signal);
    }
  }
}

/** How long to wait after the failure of a numbered try; null when there is to be no other. */
export function delayBefore(
  attempt: number,
  error: unknown,
  policy: RetryPolicy,
  random: () => number = Math.random,
): number | null {
  if (!isClientError(error) || !error.isRetryable || attempt >= policy.attemptsMax) return null;
  const fullMs = Math.min(policy.delayMsMax, policy.delayMsMin * 2 ** (attempt - 1));
  // Half of it by chance: clients that were cut together do not come back together.
  const delayMs = fullMs / 2 + (random() * fullMs) / 2;
  const askedMs = (error.retryAfterSeconds ?? 0) * 1000;
  return askedMs > RETRY_AFTER_MS_MAX ? null : Math.max(delayMs, askedMs);
}

/** Waits. @throws StowageClientError `aborted` as soon as the signal fires. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortedError(signal));
      return;
    }
    const stop = () => {
      clearTimeout(timer);
      reject(abortedError(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', stop, { once: true });
  });
}
