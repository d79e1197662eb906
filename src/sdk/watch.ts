import { abortedError, StowageClientError } from './errors.ts';

/** Ends a request on which nothing moves. */
export class Watch {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Fires with the caller's signal, or when nothing moved for too long. */
  readonly signal: AbortSignal;

  constructor(caller: AbortSignal, firstMs: number) {
    this.#caller = caller;
    this.signal = AbortSignal.any([caller, this.#controller.signal]);
    this.allow(firstMs);
  }

  /** Something moved: from now on the next `ms` milliseconds may pass without a move. */
  allow(ms: number): void {
    this.stop();
    if (this.#isOver) return;
    this.#timer = setTimeout(() => this.#controller.abort(), ms);
  }

  /** Stops the clock until something is allowed again. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Stops the clock for good: what is still heard of the request counts no more. */
  end(): void {
    this.#isOver = true;
    this.stop();
  }

  /** What a request's failure means: the caller ended it, it stood still, or the network failed. */
  failure(cause: unknown): StowageClientError {
    if (this.#caller.aborted) return abortedError(this.#caller);
    const message = this.#controller.signal.aborted
      ? 'Nothing moved on the connection for too long.'
      : 'The service or the store could not be reached, or the connection was cut.';
    return new StowageClientError('network_error', message, { cause, isRetryable: true });
  }
}
