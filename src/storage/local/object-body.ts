import { KIB, type RecyclingStream } from '../../core/bytes.ts';
import { throwIfAborted } from '../../core/errors.ts';
import { toStowageError } from './errors.ts';
import { closeFile, readFully } from './file-calls.ts';
import { corrupt } from './object-footer.ts';

/** Bytes of one read. Larger reads gain nothing and cost memory per reader. */
const READ_BYTES = 512 * KIB;
/** Most buffers kept for the next reads. */
const FREE_BUFFERS_MAX = 2;

/** A stretch of a file. */
export interface ByteSpan {
  /** Position of its first byte, from 0. */
  readonly first: number;
  readonly sizeBytes: number;
}

/**
 * The bytes of an open file as a stream. The descriptor belongs to it: it keeps one version of the object readable
 * while that is replaced or deleted, and is closed at the end, on failure and by `return()`.
 *
 * One read runs ahead of the consumer, so at most two buffers are held; a consumer that gives them back saves the
 * allocation of a new one for each read, which is a fifth of the cost of a large download. No generator: its `return()` before the
 * first `next()` would not run a `finally`, and the descriptor would leak.
 */
export class ObjectFileBody implements AsyncIterableIterator<Uint8Array>, RecyclingStream {
  readonly #fd: number;
  #position: number;
  #leftBytes: number;
  readonly #signal: AbortSignal | undefined;
  #ahead: Promise<Uint8Array> | null = null;
  #latest: Promise<unknown> | null = null;
  readonly #free: Uint8Array[] = [];
  #closed = false;

  constructor(fd: number, span: ByteSpan, signal: AbortSignal | undefined) {
    this.#fd = fd;
    this.#position = span.first;
    this.#leftBytes = span.sizeBytes;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#closed) return { done: true, value: undefined };
    try {
      throwIfAborted(this.#signal);
      const reading = this.#ahead ?? this.#readNext();
      this.#ahead = null;
      if (reading === null) {
        await this.#close();
        return { done: true, value: undefined };
      }
      const value = await reading;
      if (!this.#closed) this.#readAhead();
      return { done: false, value };
    } catch (error) {
      await this.#close();
      throw toStowageError(error, 'storage_unavailable');
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#close();
    return { done: true, value: undefined };
  }

  recycle(chunk: Uint8Array): void {
    if (chunk.byteLength === READ_BYTES && this.#free.length < FREE_BUFFERS_MAX) this.#free.push(chunk);
  }

  #readAhead(): void {
    this.#ahead = this.#readNext();
    // Its failure is the business of the `next()` that takes it, if there is one.
    this.#ahead?.catch(() => {});
  }

  #readNext(): Promise<Uint8Array> | null {
    if (this.#leftBytes === 0) return null;
    const wantedBytes = Math.min(READ_BYTES, this.#leftBytes);
    const buffer = this.#free.pop()?.subarray(0, wantedBytes) ?? Buffer.allocUnsafeSlow(wantedBytes);
    const position = this.#position;
    this.#position += buffer.byteLength;
    this.#leftBytes -= buffer.byteLength;
    const reading = readFully(this.#fd, buffer, position).then((readBytes) => {
      if (readBytes < buffer.byteLength) throw corrupt('ends too early');
      return buffer;
    });
    this.#latest = reading;
    return reading;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // The descriptor's number may be given to another file at once: no read may still be under way.
    await this.#latest?.catch(() => {});
    await closeFile(this.#fd);
  }
}
