import { createHash, type Hash, hash as hashAtOnce } from 'node:crypto';
import { KIB } from '../core/bytes.ts';
import { SLOT_BYTES } from './hash-ring.ts';
import { openThreadHash, ThreadHash } from './hash-thread.ts';

/** Chunks below this size go to the thread together: each slot costs the same, however little it holds. */
const SMALL_CHUNK_BYTES = 32 * KIB;

/** Buffers of one slot that nobody uses at present, for as many files as commonly arrive at once. */
const spareBuffers: Buffer[] = [];
const SPARE_BUFFERS_MAX = 32;

/**
 * The SHA-256 of a file whose bytes pass chunk by chunk. A file of at most one slot is hashed here at its end, a larger
 * one while it passes: in a thread, or here where none is to be had.
 */
export class ContentHash {
  /** Copies of bytes that no hash has yet: whoever gave them may use their memory again. */
  #gathered: Buffer | null = null;
  #gatheredBytes = 0;
  /** The hash of a file that is larger than a slot. */
  #large: Hash | ThreadHash | null = null;
  #isClosed = false;

  /**
   * Takes the next chunk. A promise means: wait before the next one, and leave the memory of this one alone until then.
   * After `close` nothing is taken any more.
   */
  update(chunk: Uint8Array): void | Promise<void> {
    if (this.#isClosed) return;
    if (this.#mayGather(chunk)) return this.#gather(chunk);
    this.#large ??= openThreadHash() ?? createHash('sha256');
    if (this.#gatheredBytes === 0) return updated(this.#large, chunk);
    const waiting = this.#handOver(this.#large);
    return waiting ? waiting.then(() => this.update(chunk)) : this.update(chunk);
  }

  /**
   * The digest of all chunks, to be asked for once.
   *
   * @throws when the hash was closed before.
   */
  digest(): Buffer | Promise<Buffer> {
    if (this.#isClosed) throw new Error('A hash that was closed has no digest.');
    const large = this.#large;
    if (large === null) return hashAtOnce('sha256', this.#gatheredSoFar(), 'buffer');
    const waiting = this.#gatheredBytes > 0 ? this.#handOver(large) : undefined;
    return waiting ? waiting.then(() => large.digest()) : large.digest();
  }

  /** To be called when nothing more is done with the hash, whether its digest was asked for or not. Safe to call again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#large instanceof ThreadHash) this.#large.close();
    keepSpare(this.#gathered);
    this.#gathered = null;
  }

  #mayGather(chunk: Uint8Array): boolean {
    if (this.#gatheredBytes + chunk.byteLength > SLOT_BYTES) return false;
    if (this.#large === null) return true;
    return this.#large instanceof ThreadHash && chunk.byteLength < SMALL_CHUNK_BYTES;
  }

  #gather(chunk: Uint8Array): void {
    this.#gathered ??= spareBuffers.pop() ?? Buffer.allocUnsafeSlow(SLOT_BYTES);
    this.#gathered.set(chunk, this.#gatheredBytes);
    this.#gatheredBytes += chunk.byteLength;
  }

  #gatheredSoFar(): Uint8Array {
    return this.#gathered?.subarray(0, this.#gatheredBytes) ?? new Uint8Array(0);
  }

  /** Gives what was gathered to a hash; the buffer goes on to the next file when that has it. */
  #handOver(large: Hash | ThreadHash): void | Promise<void> {
    const buffer = this.#gathered;
    const waiting = updated(large, this.#gatheredSoFar());
    this.#gathered = null;
    this.#gatheredBytes = 0;
    if (waiting) return waiting.finally(() => keepSpare(buffer));
    keepSpare(buffer);
  }
}

/** A hash of this thread answers itself, which is nothing to wait for. */
function updated(hash: Hash | ThreadHash, bytes: Uint8Array): void | Promise<void> {
  const waiting = hash.update(bytes);
  if (waiting instanceof Promise) return waiting;
}

function keepSpare(buffer: Buffer | null): void {
  if (buffer !== null && spareBuffers.length < SPARE_BUFFERS_MAX) spareBuffers.push(buffer);
}
