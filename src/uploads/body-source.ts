import { Readable } from 'node:stream';
import { BytePieces } from '../core/byte-pieces.ts';
import { isStowageError, StowageError } from '../core/errors.ts';

/** A request's body, pulled chunk by chunk; what is at hand comes without a promise. */
export interface BodySource {
  /** The next chunk, never empty; null after the last. Rejects (or throws) when the body was cut. */
  pull(): Buffer | null | Promise<Buffer | null>;
  /** Stops reading: what waits, and every later pull, fails with `error`. What has not been read stays where it is. */
  close(error: StowageError): void;
}

/** How much of a body waits in memory before the sender is held back. One chunk may go over it. */
export const SOURCE_BUFFER_BYTES_MAX = 256 * 1024;

/** Opens a body. Node's streams are read by their events: an async iterator costs a promise and a copy per chunk. */
export function openBody(body: Readable | AsyncIterable<Uint8Array>): BodySource {
  if (body instanceof Readable) return new ReadableSource(body, false);
  return new ReadableSource(Readable.from(body, { objectMode: false }), true);
}

class ReadableSource implements BodySource {
  readonly #readable: Readable;
  /** Whether we made the stream, so that nobody else ends it. */
  readonly #isOurs: boolean;
  readonly #queue = new BytePieces();
  #ended = false;
  #error: StowageError | undefined;
  #waiting: { resolve(chunk: Buffer | null): void; reject(error: unknown): void } | null = null;
  #open = false;

  constructor(readable: Readable, isOurs: boolean) {
    this.#readable = readable;
    this.#isOurs = isOurs;
  }

  pull(): Buffer | null | Promise<Buffer | null> {
    if (!this.#open && this.#error === undefined) this.#start();
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      if (this.#queue.count === 0 && this.#readable.isPaused()) this.#readable.resume();
      return chunk;
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#ended) return null;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(error: StowageError): void {
    this.#queue.takeAll();
    this.#fail(error);
    if (!this.#open) return;
    this.#readable.off('data', this.#onData);
    this.#readable.off('end', this.#onEnd);
    this.#readable.off('close', this.#onClose);
    // The listener for errors stays: without one, a late error would end the process.
    if (this.#isOurs) this.#readable.destroy();
    else if (!this.#ended) this.#readable.pause();
  }

  #start(): void {
    this.#open = true;
    if (this.#readable.destroyed) {
      // The client left before anybody listened, and its events have passed.
      this.#error = cutError(this.#readable.errored ?? undefined);
      return;
    }
    this.#readable.on('error', this.#onError);
    this.#readable.on('end', this.#onEnd);
    this.#readable.on('close', this.#onClose);
    this.#readable.on('data', this.#onData);
    // A stream that somebody paused does not start by itself.
    this.#readable.resume();
  }

  readonly #onData = (data: Uint8Array): void => {
    if (data.byteLength === 0) return;
    const chunk = toBuffer(data);
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting.resolve(chunk);
      return;
    }
    this.#queue.push(chunk);
    if (this.#queue.sizeBytes >= SOURCE_BUFFER_BYTES_MAX) this.#readable.pause();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#waiting?.resolve(null);
    this.#waiting = null;
  };

  readonly #onError = (error: unknown): void => {
    this.#fail(isStowageError(error) ? error : cutError(error));
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.#fail(cutError());
  };

  #fail(error: StowageError): void {
    this.#error ??= error;
    this.#waiting?.reject(this.#error);
    this.#waiting = null;
  }
}

/** The same bytes as a Buffer, without a copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The body ended before its end: the client is gone, or its connection broke. */
function cutError(cause?: unknown): StowageError {
  return new StowageError('aborted', 'The request was cut off.', { cause });
}
