import { StowageClientError } from './errors.ts';
import type { Source } from './source.ts';

/** A stream read once, in order. What was skipped is gone. */
export class StreamSource implements Source {
  readonly sizeBytes: number;
  readonly blob = null;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #position = 0;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(chunks: AsyncIterator<Uint8Array>, sizeBytes: number) {
    this.#chunks = chunks;
    this.sizeBytes = sizeBytes;
  }

  async read(offset: number, sizeBytes: number): Promise<Blob> {
    if (offset > this.#position) await this.#take(offset - this.#position, () => {});
    const blob = await this.readUpTo(sizeBytes);
    if (blob.size === sizeBytes) return blob;
    throw changed(`The stream ended after ${this.#position} of ${this.sizeBytes} bytes.`);
  }

  /** @returns fewer bytes than asked for only at the end of the stream. */
  async readUpTo(sizeBytes: number): Promise<Blob> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    await this.#take(sizeBytes, (piece) => pieces.push(piece));
    return new Blob(pieces);
  }

  async finish(): Promise<void> {
    let surplusBytes = 0;
    await this.#take(1, (piece) => {
      surplusBytes += piece.byteLength;
    });
    if (surplusBytes === 0) return;
    throw changed(`The stream has more than ${this.sizeBytes} bytes.`);
  }

  async sample(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {
    await Promise.resolve(this.#chunks.return?.()).catch(() => {});
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#chunks.next();
    } catch (cause) {
      throw new StowageClientError('source_unreadable', 'The stream failed while it was read.', { cause });
    }
  }

  async #take(sizeBytes: number, use: (piece: Uint8Array<ArrayBuffer>) => void): Promise<void> {
    let missing = sizeBytes;
    while (missing > 0) {
      if (this.#rest.byteLength === 0) {
        const { done, value } = await this.#next();
        if (done) return;
        this.#rest = new Uint8Array(value);
      }
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.byteLength);
      this.#position += piece.byteLength;
      missing -= piece.byteLength;
      if (piece.byteLength > 0) use(piece);
    }
  }
}

/** The chunks of a stream. Not every browser lets one iterate over a ReadableStream. */
export function chunksOf(
  stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncIterator<Uint8Array> {
  if (Symbol.asyncIterator in stream) return stream[Symbol.asyncIterator]();
  const reader = (stream as ReadableStream<Uint8Array>).getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done: false, value };
    },
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

function changed(message: string): StowageClientError {
  return new StowageClientError('source_changed', message);
}
