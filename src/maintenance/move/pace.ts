import { setTimeout as sleep } from 'node:timers/promises';
import { abortedError, throwIfAborted } from '../../core/errors.ts';

/** Lets bytes pass no faster than a rate, all those who ask together. */
export interface Pace {
  /** Waits until so many bytes may pass. @throws StowageError `aborted`. */
  pass(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Longest single wait, in milliseconds: within it a signal is noticed in any case. */
const WAIT_MS_MAX = 60_000;

/**
 * Makes a pace.
 *
 * @param bytesPerSecond null: as fast as it goes.
 * @param now milliseconds, for tests.
 */
export function createPace(bytesPerSecond: number | null, now: () => number = () => performance.now()): Pace {
  /** When what has passed so far is paid for. */
  let paidMs = 0;
  return {
    async pass(bytes, signal) {
      throwIfAborted(signal);
      if (bytesPerSecond === null) return;
      const nowMs = now();
      paidMs = Math.max(paidMs, nowMs) + (bytes / bytesPerSecond) * 1000;
      for (let waitMs = paidMs - nowMs; waitMs > 0; waitMs -= WAIT_MS_MAX) {
        await sleep(Math.min(waitMs, WAIT_MS_MAX), undefined, { signal }).catch(() => {
          throw abortedError(signal);
        });
      }
    },
  };
}
