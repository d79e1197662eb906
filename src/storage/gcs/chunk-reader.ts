import type { ByteStream } from '../../core/bytes.ts';
import { throwIfAborted } from '../../core/errors.ts';
import { AbortRace, abandon } from '../abort-race.ts';

/** Some bytes of a body. */
export interface BodyChunk {
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Whether the body ended with these bytes; the last chunk may be empty. */
  readonly isLast: boolean;
}

/** Reads a body in chunks of an exact size. Holds at most one chunk and one piece of the body. */
export class ChunkReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #race: AbortRace;
  #rest: Uint8Array | null = null;
  #isEnded = false;

  constructor(body: ByteStream, signal: AbortSignal | undefined) {
    this.#source = body[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#race = new AbortRace(signal);
  }

  /**
   * The next bytes: exactly `chunkBytes`, or fewer when the body ends.
   *
   * @throws what the body throws, or the signal's error as soon as it fires.
   */
  async read(chunkBytes: number): Promise<BodyChunk> {
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    while (sizeBytes < chunkBytes) {
      const piece = this.#rest ?? (await this.#next());
      this.#rest = null;
      if (piece === null) return { pieces, sizeBytes, isLast: true };
      const roomBytes = chunkBytes - sizeBytes;
      pieces.push(piece.byteLength > roomBytes ? piece.subarray(0, roomBytes) : piece);
      if (piece.byteLength > roomBytes) this.#rest = piece.subarray(roomBytes);
      sizeBytes += Math.min(piece.byteLength, roomBytes);
    }
    return { pieces, sizeBytes, isLast: false };
  }

  /** Gives the body up. Not waited for: a body that hangs would hang the caller. */
  end(): void {
    this.#race[Symbol.dispose]();
    if (this.#isEnded) return;
    this.#isEnded = true;
    abandon(this.#source);
  }

  async #next(): Promise<Uint8Array | null> {
    throwIfAborted(this.#signal);
    try {
      const next = await this.#race.wait(this.#source.next());
      if (next.done !== true) return next.value;
      this.#isEnded = true;
      return null;
    } catch (error) {
      // A body that threw is over; one that lost against the signal is not.
      this.#isEnded = this.#signal?.aborted !== true;
      throw error;
    }
  }
}
