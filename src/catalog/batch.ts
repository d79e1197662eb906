import { isStowageError, StowageError } from '../core/errors.ts';
import { gather } from '../core/gather.ts';
import { wasRolledBack } from './errors.ts';

export interface BatchOptions<Item, Result> {
  /** Runs one batch; the results in the order of the items. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly itemsMax: number;
  readonly batchesInFlightMax: number;
  /** How long a batch may be in flight before others that are not full go beside it, in milliseconds. Default 0. */
  readonly patienceMs?: number;
  /** Calls that may wait; one more is refused with `database_unavailable`. */
  readonly waitingMax: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Groups concurrent calls: the first goes with those that come in the same turns of the event loop, and what arrives while
 * a batch is in flight goes together in the next. So a lone call waits for one turn, and many share a round trip and a
 * commit. With patience another batch goes beside the first only when it is full, or when the first takes long: small ones
 * side by side cost the database more.
 *
 * When the server says that a batch failed and left nothing, its items are tried one by one, so that only the one at
 * fault fails. After any other failure nothing is tried again, for it may have been committed.
 */
export class Batcher<Item, Result> {
  readonly #options: BatchOptions<Item, Result>;
  readonly #patienceMs: number;
  #waiting: Waiting<Item, Result>[] = [];
  #inFlight = 0;
  #scheduled = false;
  #impatience: NodeJS.Timeout | null = null;

  constructor(options: BatchOptions<Item, Result>) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? 0;
  }

  add(item: Item): Promise<Result> {
    if (this.#waiting.length >= this.#options.waitingMax) {
      const fields = { retry_after_seconds: 1 };
      const message = 'Too much is waiting for the database.';
      return Promise.reject(new StowageError('database_unavailable', message, { fields }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#options.batchesInFlightMax) return;
    this.#scheduled = true;
    void this.#startGathered();
  }

  async #startGathered(): Promise<void> {
    const { itemsMax } = this.#options;
    await gather(
      () => this.#waiting.length,
      () => this.#waiting.length >= itemsMax,
    );
    this.#scheduled = false;
    this.#start(this.#inFlight === 0 || this.#patienceMs === 0 ? 1 : itemsMax);
  }

  /** Starts the batches that may go: those with at least so many items. */
  #start(itemsMin: number): void {
    const { itemsMax, batchesInFlightMax } = this.#options;
    let enough = itemsMin;
    while (this.#waiting.length >= enough && this.#inFlight < batchesInFlightMax) {
      void this.#runBatch(this.#waiting.splice(0, itemsMax));
      if (this.#patienceMs > 0) enough = itemsMax;
    }
    if (this.#waiting.length === 0 || this.#inFlight >= batchesInFlightMax) return;
    this.#impatience ??= setTimeout(() => {
      this.#impatience = null;
      this.#start(1);
    }, this.#patienceMs);
  }

  async #runBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      await this.#settle(batch);
    } finally {
      this.#inFlight -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }

  async #settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (batch.length === 1 || !wasRolledBack(error)) {
        const failure = batch.length === 1 ? error : unknownEnd(error);
        for (const { reject } of batch) reject(failure);
        return;
      }
      for (const waiting of batch) await this.#settle([waiting]);
    }
  }
}

function unknownEnd(cause: unknown): StowageError {
  if (isStowageError(cause, 'database_unavailable')) return cause;
  const message = 'It is not known whether the database recorded this.';
  return new StowageError('database_unavailable', message, { cause });
}
