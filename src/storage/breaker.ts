import type { Clock } from '../core/clock.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { StorageBackend } from './backend.ts';

/** When a store counts as dead, and how it is tried again. */
export interface BreakerOptions {
  /** Faults in a row after which calls are refused at once. */
  readonly faultsMax: number;
  /** How long calls are refused before one is let through to try, in milliseconds. */
  readonly openMs: number;
  readonly clock: Clock;
}

/** Five faults in a row, each of them repeated already, are no accident. */
export const DEFAULT_BREAKER = { faultsMax: 5, openMs: 2_000 } as const;

/**
 * Puts a breaker before a store: while it is dead, calls fail with `storage_unavailable` in microseconds instead of
 * each waiting for its own time-out. After a pause one call is let through; its success lets all through again.
 *
 * `check` always asks the store, so that health tells the truth. Calls that do no I/O pass.
 */
export function withBreaker<Backend extends StorageBackend>(
  backend: Backend,
  options: BreakerOptions,
): Backend {
  const breaker = new Breaker(options);
  return new Proxy(backend, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (!GUARDED.has(property as keyof StorageBackend)) return method;
      return (...args: unknown[]) => breaker.run(() => method(...args) as Promise<unknown>);
    },
  });
}

const GUARDED: ReadonlySet<keyof StorageBackend> = new Set([
  'put',
  'get',
  'head',
  'delete',
  'deleteMany',
  'list',
  'copy',
  'beginMultipart',
] as const);

class Breaker {
  readonly #options: BreakerOptions;
  #faultsInRow = 0;
  #openUntilMs = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    const nowMs = this.#options.clock.now();
    if (this.#faultsInRow >= this.#options.faultsMax) {
      if (nowMs < this.#openUntilMs) throw this.#refusal();
      // One call per pause may try. The others don't wait for its end: it can be an upload that takes an hour.
      this.#openUntilMs = nowMs + this.#options.openMs;
    }
    try {
      const result = await call();
      this.#faultsInRow = 0;
      return result;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  // An answer of any other kind, even a refusal, shows that the store lives. An abort shows nothing.
  #note(error: unknown): void {
    if (isStowageError(error, 'storage_unavailable')) {
      this.#faultsInRow++;
      this.#openUntilMs = this.#options.clock.now() + this.#options.openMs;
    } else if (isStowageError(error) && error.code !== 'aborted') this.#faultsInRow = 0;
  }

  #refusal(): StowageError {
    const leftMs = Math.max(this.#openUntilMs - this.#options.clock.now(), 1);
    return new StowageError('storage_unavailable', 'The store does not answer at present.', {
      fields: { retry_after_seconds: Math.ceil(leftMs / 1000) },
    });
  }
}
