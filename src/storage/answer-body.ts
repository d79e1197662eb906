import type { Readable } from 'node:stream';
import { throwIfAborted } from '../core/errors.ts';
import { deadlineError, translateFault } from './faults.ts';

/**
 * The bytes of an answer. One that ends too early or falls silent is a fault, never a short file.
 *
 * No generator: its `return()` before the first `next()` would not run a `finally`, and the connection would leak.
 */
export class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #silenceMs: number | undefined;
  #leftBytes: number;
  readonly #onAbort = (): void => {
    this.#stream.destroy();
  };

  /** @param options `silenceMs`: longest wait for a chunk; absent where the client of the store watches it. */
  constructor(
    stream: Readable,
    sizeBytes: number,
    options: { readonly signal: AbortSignal | undefined; readonly silenceMs?: number },
  ) {
    const { signal, silenceMs } = options;
    this.#stream = stream;
    this.#silenceMs = silenceMs;
    // An error that comes while nobody reads is met at the next read.
    stream.on('error', () => {});
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#leftBytes = sizeBytes;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    stream.once('close', () => signal?.removeEventListener('abort', this.#onAbort));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const silence =
      this.#silenceMs === undefined
        ? undefined
        : setTimeout(() => this.#stream.destroy(deadlineError('The answer fell silent.')), this.#silenceMs);
    try {
      throwIfAborted(this.#signal);
      const next = await this.#chunks.next();
      if (next.done === true) {
        if (this.#leftBytes !== 0) throw new Error('The answer was cut off.');
        return { done: true, value: undefined };
      }
      this.#leftBytes -= next.value.byteLength;
      return next;
    } catch (error) {
      this.#stream.destroy();
      throw translateFault(error, this.#signal);
    } finally {
      clearTimeout(silence);
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#stream.destroy();
    return { done: true, value: undefined };
  }
}
