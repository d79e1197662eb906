import { createHash, type Hash, hash as hashAtOnce } from 'node:crypto';
import { KIB } from '../core/bytes.ts';
import { openThreadHash, type ThreadHash } from './hash-thread.ts';

/** Size from which a file is worth a message to the thread that hashes. */
const LARGE_BYTES = 128 * KIB;

/** Buffers for files that are small so far, kept for the next ones: as many as commonly arrive at once. */
const spareBuffers: Buffer[] = [];
const SPARE_BUFFERS_MAX = 32;

/**
 * The SHA-256 of a file whose bytes pass chunk by chunk. A small one is hashed here at its end, a large one while it
 * passes: in a thread, or here where none is to be had.
 */
export class ContentHash {
  /** A copy of the bytes of a file that is small so far: whoever gave them may use their memory again. */
  #small: Buffer | null = null;
  #smallBytes = 0;
  #large: Hash | ThreadHash | null = null;

  /** Takes the next chunk. A promise means: wait before the next one. */
  update(chunk: Uint8Array): void | Promise<void> {
    if (this.#large !== null) return updated(this.#large, chunk);
    if (this.#smallBytes + chunk.byteLength > LARGE_BYTES) return this.#grow(chunk);
    this.#small ??= spareBuffers.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
    this.#small.set(chunk, this.#smallBytes);
    this.#smallBytes += chunk.byteLength;
  }

  /** The digest of all chunks, to be asked for once. */
  digest(): Buffer | Promise<Buffer> {
    return this.#large?.digest() ?? hashAtOnce('sha256', this.#smallSoFar(), 'buffer');
  }

  /** To be called when nothing more is done with it, whether the digest was asked for or not. Safe to call again. */
  close(): void {
    if (this.#small !== null && spareBuffers.length < SPARE_BUFFERS_MAX) spareBuffers.push(this.#small);
    this.#small = null;
    if (this.#large !== null && 'close' in this.#large) this.#large.close();
  }

  #grow(chunk: Uint8Array): void | Promise<void> {
    const small = this.#smallSoFar();
    const large = openThreadHash() ?? createHash('sha256');
    this.#large = large;
    const waiting = small.byteLength > 0 ? updated(large, small) : undefined;
    return waiting ? waiting.then(() => updated(large, chunk)) : updated(large, chunk);
  }

  #smallSoFar(): Uint8Array {
    return this.#small?.subarray(0, this.#smallBytes) ?? new Uint8Array(0);
  }
}

/** A hash of this thread answers itself, which is nothing to wait for. */
function updated(hash: Hash | ThreadHash, bytes: Uint8Array): void | Promise<void> {
  const waiting = hash.update(bytes);
  if (waiting instanceof Promise) return waiting;
}
