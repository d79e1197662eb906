import { statfs } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { StowageError } from '../../core/errors.ts';

/** How long a measurement counts, in milliseconds: a put must not cost a system call more for it. */
const MEASURED_MS = 1000;

/** Keeps some of the disk free: a full disk hurts the database and the machine, not only the next upload. */
export class FreeSpace {
  readonly #path: string;
  readonly #freeBytesMin: number;
  readonly #clock: Clock;
  readonly #measure: (path: string) => Promise<number>;
  #measuring: Promise<number> | null = null;
  #freeBytes = 0;
  #measuredAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    options: { readonly path: string; readonly freeBytesMin: number; readonly clock: Clock },
    measure: (path: string) => Promise<number> = measureFreeBytes,
  ) {
    this.#path = options.path;
    this.#freeBytesMin = options.freeBytesMin;
    this.#clock = options.clock;
    this.#measure = measure;
  }

  /**
   * Checks that there is room, as measured within the last second.
   *
   * @param sizeBytes what is about to be written; 0 when unknown.
   * @throws StowageError `storage_unavailable`.
   */
  async require(sizeBytes: number): Promise<void> {
    if (Math.abs(this.#clock.now() - this.#measuredAtMs) >= MEASURED_MS) await this.#refresh();
    if (this.#freeBytes - sizeBytes >= this.#freeBytesMin) return;
    throw new StowageError('storage_unavailable', 'The store has too little free space.');
  }

  async #refresh(): Promise<void> {
    this.#measuring ??= this.#measure(this.#path);
    try {
      this.#freeBytes = await this.#measuring;
      this.#measuredAtMs = this.#clock.now();
    } finally {
      this.#measuring = null;
    }
  }
}

/** Bytes that an unprivileged process may still write. */
async function measureFreeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
