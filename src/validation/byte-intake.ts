import type { Inspector } from './gate.ts';

/** What takes bytes as they pass; a promise means: wait before the next ones. */
export type ByteSink = (bytes: Buffer) => void | Promise<void>;

/**
 * Turns a judge that reads a file from its start to its end into an inspector that bytes are pushed to.
 *
 * @param judge reads the intake to its end, or throws the refusal.
 */
export function inspectInOrder(judge: (intake: ByteIntake) => Promise<void>): Inspector {
  const intake = new ByteIntake();
  let failure: { readonly error: unknown } | undefined;
  const judged = judge(intake)
    .catch((error: unknown) => {
      failure = { error };
    })
    .finally(() => intake.close());
  const rethrow = () => {
    if (failure !== undefined) throw failure.error;
  };
  return {
    async push(chunk) {
      rethrow();
      await intake.give(chunk);
      rethrow();
    },
    async finish() {
      intake.end();
      await judged;
      rethrow();
    },
    close: () => intake.close(),
  };
}

/** The reader asked for more after the intake was closed: the file is given up, nobody sees this error. */
class IntakeClosed extends Error {}

/** A place in a file, by the bytes that stand there. */
export interface Mark {
  readonly needle: Buffer;
  readonly markBytes?: number;
  readonly isIt?: (bytes: Buffer, at: number, passedBytes: number) => boolean;
}

const EMPTY = Buffer.alloc(0);

/**
 * Bytes handed from one writer to one reader, in order. Holds the chunk given last and, when the reader needs some
 * contiguous bytes of two chunks, the rest of the one before: never more than that.
 */
export class ByteIntake {
  #window: Buffer = EMPTY;
  #position = 0;
  #ended = false;
  #closed = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** Writer: hands over a chunk; resolves when the reader is done with its memory. */
  give(chunk: Uint8Array): Promise<void> {
    if (this.#closed || chunk.byteLength === 0) return Promise.resolve();
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#window = this.#window.byteLength === 0 ? bytes : Buffer.concat([this.#window, bytes]);
    return new Promise((resolve) => {
      this.#wakeWriter = resolve;
      this.#wake();
    });
  }

  /** Writer: no more bytes will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Either side: gives up. A waiting writer is released, a waiting reader fails. */
  close(): void {
    this.#closed = true;
    this.#window = EMPTY;
    this.#releaseWriter();
    this.#wake();
  }

  /** Bytes read so far: the offset in the file of the next one. */
  get position(): number {
    return this.#position;
  }

  /** The next 1 to `bytesMax` bytes, valid until the next read; undefined at the end. */
  async some(bytesMax: number): Promise<Buffer | undefined> {
    while (this.#window.byteLength === 0) if (!(await this.#more())) return undefined;
    return this.#advance(Math.min(bytesMax, this.#window.byteLength));
  }

  /** Exactly `count` bytes, valid until the next read; undefined when the file ends before. */
  async take(count: number): Promise<Buffer | undefined> {
    if (this.#window.byteLength >= count) return this.#advance(count);
    const taken = Buffer.alloc(count);
    let filledBytes = 0;
    while (filledBytes < count) {
      const piece = await this.some(count - filledBytes);
      if (piece === undefined) return undefined;
      piece.copy(taken, filledBytes);
      filledBytes += piece.byteLength;
    }
    return taken;
  }

  /** The next `count` bytes without reading them, fewer at the end. For small counts: what is short is copied. */
  async peek(count: number): Promise<Buffer> {
    while (this.#window.byteLength < count) if (!(await this.#more())) break;
    return this.#window.subarray(0, count);
  }

  /** Unreads the last `count` bytes of what the last {@link some} returned. */
  putBack(bytes: Buffer, count: number): void {
    if (count === 0) return;
    const tail = bytes.subarray(bytes.byteLength - count);
    // Usually the bytes still lie right before the window, in the same memory.
    const adjacent =
      this.#window.buffer === tail.buffer && this.#window.byteOffset === tail.byteOffset + tail.byteLength;
    this.#window = adjacent
      ? Buffer.from(tail.buffer, tail.byteOffset, count + this.#window.byteLength)
      : Buffer.concat([tail, this.#window]);
    this.#position -= count;
  }

  /**
   * Passes everything before the next `needle` to the sink and stops in front of it.
   *
   * @param mark what is looked for; with `isIt`, only where that says so of `markBytes` bytes from `at` on (fewer at the end
   *   of the file) behind the bytes passed before. It is asked without waiting, so that a needle that is there ten thousand
   *   times costs little.
   * @returns false when the file ends without it; all of it went to the sink then.
   */
  async seek(mark: Mark, sink: ByteSink): Promise<boolean> {
    const { needle, markBytes = needle.byteLength, isIt = () => true } = mark;
    const start = this.#position;
    while ((await this.peek(markBytes)).byteLength >= needle.byteLength) {
      const isEnd = this.#window.byteLength < markBytes;
      let found = this.#window.indexOf(needle);
      for (; found >= 0; found = this.#window.indexOf(needle, found + 1)) {
        if (this.#window.byteLength - found < markBytes && !isEnd) break;
        if (isIt(this.#window, found, this.#position + found - start)) {
          if (found > 0) await sink(this.#advance(found));
          return true;
        }
      }
      // What may be the beginning of a mark that the chunk's end cuts stays in the window.
      const safeBytes = found >= 0 ? found : this.#window.byteLength - needle.byteLength + 1;
      if (safeBytes > 0) await sink(this.#advance(safeBytes));
    }
    if (this.#window.byteLength > 0) await sink(this.#advance(this.#window.byteLength));
    return false;
  }

  #advance(count: number): Buffer {
    const bytes = this.#window.subarray(0, count);
    this.#window = this.#window.subarray(count);
    this.#position += count;
    return bytes;
  }

  /** Waits for the next chunk; false at the end. */
  async #more(): Promise<boolean> {
    if (this.#closed) throw new IntakeClosed();
    if (this.#ended) return false;
    // The writer may reuse its memory as soon as it is released.
    this.#window = this.#window.byteLength === 0 ? EMPTY : Buffer.from(this.#window);
    const heldBytes = this.#window.byteLength;
    const waiting = new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
    this.#releaseWriter();
    await waiting;
    if (this.#closed) throw new IntakeClosed();
    return this.#window.byteLength > heldBytes;
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  #releaseWriter(): void {
    this.#wakeWriter?.();
    this.#wakeWriter = undefined;
  }
}
