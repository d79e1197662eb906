import type { Clock } from '../core/clock.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { MultipartUpload, StorageBackend } from './backend.ts';

/** When a store counts as dead, and how it is tried again. */
export interface BreakerOptions {
  /** Faults in a row after which calls are refused at once. */
  readonly faultsMax: number;
  /** How long calls are refused before one is let through to try, in milliseconds. */
  readonly openMs: number;
  readonly clock: Clock;
  /** Told when the store is given up and when it is back. */
  readonly log?: Pick<Log, 'warn' | 'info'>;
}

/** Five faults in a row, each of them repeated already, are no accident. */
export const DEFAULT_BREAKER = { faultsMax: 5, openMs: 2_000 } as const;

/**
 * Puts a breaker before a store: while it is dead, calls fail with `storage_unavailable` in microseconds instead of
 * each waiting for its own time-out. After a pause one call is let through; its success lets all through again.
 *
 * `check` always asks the store, so that health tells the truth. Calls that do no I/O pass, and so does `abort`: what
 * it cleans up nobody waits for. A store that answers, if only to refuse, is alive.
 */
export function withBreaker<Backend extends StorageBackend>(
  backend: Backend,
  options: BreakerOptions,
): Backend {
  const breaker = new Breaker(options);
  return guarded(backend, GUARDED, breaker, {
    beginMultipart: (upload) => guarded(upload as MultipartUpload, GUARDED_PARTS, breaker, {}),
    resumeMultipart: (upload) => guarded(upload as MultipartUpload, GUARDED_PARTS, breaker, {}),
  });
}

const GUARDED: ReadonlySet<PropertyKey> = new Set<keyof StorageBackend>([
  'put',
  'get',
  'head',
  'delete',
  'deleteMany',
  'list',
  'copy',
  'beginMultipart',
]);
const GUARDED_PARTS: ReadonlySet<PropertyKey> = new Set<keyof MultipartUpload>([
  'putPart',
  'listParts',
  'complete',
]);

type Method = (...args: readonly unknown[]) => unknown;

/** The same object, its methods named in `names` behind the breaker; what some of them return is guarded in turn. */
function guarded<Target extends object>(
  target: Target,
  names: ReadonlySet<PropertyKey>,
  breaker: Breaker,
  results: Readonly<Record<string, (result: unknown) => unknown>>,
): Target {
  return new Proxy(target, {
    get(_, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as Method;
      const wrap = results[String(property)] ?? ((result: unknown) => result);
      if (!names.has(property))
        return property in results ? (...args: readonly unknown[]) => wrap(method(...args)) : method;
      return async (...args: readonly unknown[]) =>
        wrap(await breaker.run(() => method(...args) as Promise<unknown>));
    },
  });
}

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
      this.#close();
      return result;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  // An answer of any other kind, even a refusal, shows that the store lives. An abort shows nothing.
  #note(error: unknown): void {
    if (isStowageError(error, 'storage_unavailable') || isStowageError(error, 'storage_slow')) {
      this.#faultsInRow++;
      this.#openUntilMs = this.#options.clock.now() + this.#options.openMs;
      if (this.#faultsInRow !== this.#options.faultsMax) return;
      const fields = { faults_in_row: this.#faultsInRow, err: error.cause ?? error };
      this.#options.log?.warn(
        fields,
        'The store fails again and again: calls are refused at once for a while.',
      );
    } else if (isStowageError(error) && error.code !== 'aborted') this.#close();
  }

  #close(): void {
    if (this.#faultsInRow >= this.#options.faultsMax)
      this.#options.log?.info({}, 'The store answers again: calls are let through.');
    this.#faultsInRow = 0;
  }

  #refusal(): StowageError {
    const leftMs = Math.max(this.#openUntilMs - this.#options.clock.now(), 1);
    return new StowageError('storage_unavailable', 'The store does not answer at present.', {
      fields: { retry_after_seconds: Math.ceil(leftMs / 1000) },
    });
  }
}
