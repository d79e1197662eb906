import { abortedError } from '../core/errors.ts';

/**
 * Lets waits end when a signal fires. One listener per race object however many waits there are: a listener or a
 * `Promise.race` per chunk would pile up over a long body.
 */
export class AbortRace {
  readonly #signal: AbortSignal | undefined;
  #reject: ((error: Error) => void) | null = null;
  readonly #onAbort = (): void => {
    if (this.#signal !== undefined) this.#reject?.(abortedError(this.#signal));
  };

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Waits for `promise` or for the signal; one wait at a time. What loses is left to itself. */
  wait<T>(promise: Promise<T>): Promise<T> {
    const signal = this.#signal;
    if (signal === undefined) return promise;
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      if (signal.aborted) reject(abortedError(signal));
      promise.then(resolve, reject);
    });
  }

  /** Throws when the signal has fired. */
  check(): void {
    if (this.#signal?.aborted) throw abortedError(this.#signal);
  }

  [Symbol.dispose](): void {
    this.#reject = null;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** Tells a body that no more of it is wanted, without waiting: a silent one would never answer. */
export function abandon(source: AsyncIterator<Uint8Array>): void {
  source.return?.().catch(() => undefined);
}
