import { strict as assert } from 'node:assert';
import type { StowageError } from '../core/errors.ts';
import type { InspectionContext, InspectorFactory } from './gate.ts';
import { RecentBytes } from './recent-bytes.ts';

/** Reads a format in a straight line: it yields whenever it needs more bytes and ends where the file does. */
export type Parser<T = void> = Generator<void, T, void>;

/** Most bytes that {@link ByteFeed.take} gathers at once. */
export const TAKE_BYTES_MAX = 1024 * 1024;

/** Thrown inside a parser when the file ends before the bytes it asked for. */
export class EndOfBytes extends Error {}

/**
 * The bytes of a file on their way to a parser. A parser asks for so many bytes and gets them, however the chunks are
 * cut; what it skips is never copied. It holds one chunk and at most one `take`.
 */
export class ByteFeed {
  /** Bytes of the file handed to the parser so far. */
  position = 0;
  #chunk: Buffer = Buffer.alloc(0);
  #offset = 0;
  #isEnded = false;
  readonly #history: RecentBytes | undefined;

  /** @param historyBytesMax how many bytes behind `position` {@link lookBack} reaches. */
  constructor(historyBytesMax = 0) {
    this.#history = historyBytesMax > 0 ? new RecentBytes(historyBytesMax) : undefined;
  }

  /** Gives the feed its next chunk; the last one must have been used up. */
  fill(chunk: Uint8Array): void {
    assert(this.available === 0, 'the parser has left bytes behind');
    this.#chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#offset = 0;
  }

  /** Says that no more bytes will come. */
  end(): void {
    this.#isEnded = true;
  }

  /** Bytes at hand without waiting. */
  get available(): number {
    return this.#chunk.length - this.#offset;
  }

  /** Waits until a byte is at hand; false at the end of the file. */
  *more(): Parser<boolean> {
    while (this.available === 0) {
      if (this.#isEnded) return false;
      yield;
    }
    return true;
  }

  /** The next `byteCount` bytes; throws {@link EndOfBytes} when the file ends before. */
  *take(byteCount: number): Parser<Buffer> {
    assert(byteCount <= TAKE_BYTES_MAX, 'a parser may gather only so much');
    if (this.available >= byteCount) return this.use(byteCount);
    const bytes = Buffer.allocUnsafe(byteCount);
    let filledBytes = 0;
    while (filledBytes < byteCount) {
      const part = yield* this.some(byteCount - filledBytes);
      bytes.set(part, filledBytes);
      filledBytes += part.length;
    }
    return bytes;
  }

  /** The next byte, or undefined at the end of the file. */
  *byte(): Parser<number | undefined> {
    return (yield* this.more()) ? this.use(1)[0] : undefined;
  }

  /** Passes over `byteCount` bytes; throws {@link EndOfBytes} when the file ends before. */
  *skip(byteCount: number): Parser {
    for (let leftBytes = byteCount; leftBytes > 0; ) leftBytes -= (yield* this.some(leftBytes)).length;
  }

  /** The bytes at hand, 1 to `bytesMax` of them; throws {@link EndOfBytes} at the end of the file. */
  *some(bytesMax: number): Parser<Buffer> {
    if (!(yield* this.more())) throw new EndOfBytes();
    return this.use(Math.min(this.available, bytesMax));
  }

  /** The bytes at hand, perhaps none, not yet used up. */
  peek(): Buffer {
    return this.#chunk.subarray(this.#offset);
  }

  /** Hands out bytes that are at hand. */
  use(byteCount: number): Buffer {
    const bytes = this.#chunk.subarray(this.#offset, this.#offset + byteCount);
    this.#offset += byteCount;
    this.position += byteCount;
    this.#history?.push(bytes);
    return bytes;
  }

  /** Bytes already handed out, by their place in the file; undefined when that is too far back. */
  lookBack(start: number, byteCount: number): Buffer | undefined {
    return this.#history?.slice(start, byteCount);
  }
}

/** How a format is read, and what is said when it stops too early. */
export interface FormatReader {
  /** Reads the file from its first byte to its last. */
  readonly read: (feed: ByteFeed, context: InspectionContext) => Parser;
  /** The refusal of a file that ends in the middle of its structure. */
  readonly incomplete: () => StowageError;
  /** Bytes behind the position that the reader looks back at; 0 when it never does. */
  readonly historyBytesMax?: number;
}

/** Makes an inspector factory of a parser. */
export function inspectorOf(format: FormatReader): InspectorFactory {
  return (context) => {
    const feed = new ByteFeed(format.historyBytesMax);
    const parser = format.read(feed, context);
    const run = (): boolean => {
      try {
        return parser.next().done === true;
      } catch (error) {
        throw error instanceof EndOfBytes ? format.incomplete() : error;
      }
    };
    return {
      push(chunk) {
        feed.fill(chunk);
        assert(!run(), 'the parser stopped before the end of the file');
      },
      finish() {
        feed.end();
        assert(run(), 'the parser goes on after the end of the file');
      },
      close() {
        parser.return();
      },
    };
  };
}
