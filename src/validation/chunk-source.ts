import type { ByteStream } from '../core/bytes.ts';
import { abortedError, throwIfAborted } from '../core/errors.ts';

/** A byte stream that can be read ahead once, and whose waits end when a signal fires. */
export class ChunkSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #ahead: Uint8Array[] = [];
  #isDone = false;
  #isClosed = false;
  #wake: ((error: Error) => void) | undefined;
  readonly #onAbort: () => void;

  constructor(body: ByteStream, signal?: AbortSignal) {
    this.#iterator = body[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#onAbort = () => signal && this.#wake?.(abortedError(signal));
    signal?.addEventListener('abort', this.#onAbort);
  }

  /** Reads until `bytesMax` bytes are at hand or the stream ends; `next` will give the same chunks again. */
  async readHead(bytesMax: number): Promise<Buffer> {
    let headBytes = 0;
    while (headBytes < bytesMax) {
      const chunk = await this.#read();
      if (chunk === undefined) break;
      headBytes += chunk.byteLength;
      // A source may use its memory again for the next chunk, so all but the last are copied: at most the head.
      this.#ahead.push(headBytes < bytesMax ? Buffer.from(chunk) : chunk);
    }
    const [first] = this.#ahead;
    if (first && this.#ahead.length === 1) {
      return Buffer.from(first.buffer, first.byteOffset, Math.min(first.byteLength, bytesMax));
    }
    return Buffer.concat(this.#ahead).subarray(0, bytesMax);
  }

  /** The next chunk, never empty; undefined at the end. */
  next(): Promise<Uint8Array | undefined> {
    const chunk = this.#ahead.shift();
    return chunk === undefined ? this.#read() : Promise.resolve(chunk);
  }

  /** Releases the stream: nothing more will be read. Safe to call again. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#isDone) return;
    this.#isDone = true;
    const returned = this.#iterator.return?.();
    // A source that hangs can't be waited for: after an abort its return() settles only when its next() does.
    if (this.#signal?.aborted) returned?.catch(() => {});
    else await returned;
  }

  async #read(): Promise<Uint8Array | undefined> {
    while (!this.#isDone) {
      throwIfAborted(this.#signal);
      const result = await (this.#signal ? this.#nextOrAbort() : this.#nextOrEnd());
      if (result.done) break;
      if (result.value.byteLength > 0) return result.value;
    }
    this.#isDone = true;
    return undefined;
  }

  async #nextOrEnd(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      // What has thrown is closed already.
      this.#isDone = true;
      throw error;
    }
  }

  #nextOrAbort(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#wake = reject;
      this.#nextOrEnd().then(resolve, reject);
    });
  }
}
