import { createInflate, createInflateRaw, type Inflate } from 'node:zlib';
import { KIB } from '../core/bytes.ts';
import type { ByteSink } from './byte-intake.ts';

/**
 * Decompresses deflated bytes as they pass, on zlib's threads, and hands the result to a sink piece by piece.
 * One piece is written at a time and the decompressor waits for a slow sink, so memory stays flat.
 */
export class Inflation {
  readonly #stream: Inflate;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  /** Compressed bytes handed over so far. */
  #givenBytes = 0;

  /**
   * @param format `raw` is plain deflate (RFC 1951), as in ZIP; `zlib` has a header and a checksum (RFC 1950), as in PDF.
   * @param sink gets the decompressed bytes; what it throws is thrown by {@link push} and {@link end}.
   */
  constructor(format: 'raw' | 'zlib', sink: ByteSink) {
    this.#stream = (format === 'raw' ? createInflateRaw : createInflate)({ chunkSize: 64 * KIB });
    this.#stream.on('data', (bytes: Buffer) => this.#pass(bytes, sink));
    this.#stream.on('end', () => {
      this.#ended = true;
      this.#settle();
    });
    this.#stream.on('error', (error) => this.#fail(error));
  }

  /** Whether the compressed data has come to its own end. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Decompresses the piece; returns how many of its bytes belong to the data: fewer than all once it has ended. */
  async push(piece: Buffer): Promise<number> {
    if (this.#ended) return 0;
    this.#givenBytes += piece.byteLength;
    await this.#settled((done) => this.#stream.write(piece, done));
    // zlib leaves over what lies behind the end of the data; the sink may still be busy with what lies before it.
    const leftBytes = this.#givenBytes - this.#stream.bytesWritten;
    if (leftBytes > 0) await this.end();
    return piece.byteLength - leftBytes;
  }

  /** Waits for the last bytes; throws zlib's error when the data is not complete. */
  async end(): Promise<void> {
    if (!this.#ended) await this.#settled(() => this.#stream.end());
  }

  /** Frees the decompressor, whatever state it is in. */
  close(): void {
    this.#stream.destroy();
  }

  /** Starts something and waits until it is done, the data has ended or anything failed. */
  async #settled(start: (done: () => void) => void): Promise<void> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        start(resolve);
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #pass(bytes: Buffer, sink: ByteSink): void {
    if (this.#failure !== undefined) return;
    try {
      const waiting = sink(bytes);
      if (waiting === undefined) return;
      this.#stream.pause();
      waiting.then(
        () => this.#stream.resume(),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stream.destroy();
    this.#settle();
  }

  #settle(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
