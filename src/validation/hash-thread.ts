import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { startHelperThread, threadFile } from '../core/helper-thread.ts';
import { FIRST, LANES, LAST, RingWriter, ringMemory, SLOT_BYTES } from './hash-ring.ts';

/** What the thread tells: that it can hash, that the ring has room again, the SHA-256 of the file that ended next. */
export type HashMessage = 'there' | 'room' | Uint8Array;

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

const WORKER_URL = threadFile(import.meta.url, 'hash-worker');

let shared: HashThread | null = null;
/** Where a second thread would only take turns with this one, can't be had (a bundle without its file, say), or died. */
let isOutOfReach = availableParallelism() === 1;

/**
 * A hash in the thread of this process; null while there is no thread or it has no lane left. The first who asks has the
 * thread started; until it is there all do without it.
 */
export function openThreadHash(): ThreadHash | null {
  if (isOutOfReach) return null;
  shared ??= startShared();
  return shared?.open() ?? null;
}

function startShared(): HashThread | null {
  const giveUp = (reason: unknown): null => {
    isOutOfReach = true;
    shared = null;
    const words = reason instanceof Error ? reason.message : String(reason);
    process.emitWarning(`Large files are hashed in the main thread from now on: ${words}`);
    return null;
  };
  try {
    const thread = new HashThread();
    void thread.ended.then(giveUp);
    return thread;
  } catch (error) {
    return giveUp(error);
  }
}

/**
 * A thread that makes SHA-256s, which otherwise take a quarter of the time that a large upload takes of this one.
 * Bytes reach it by a copy into memory that both share; messages are sent only for what somebody waits for.
 */
export class HashThread {
  /** Why the thread has ended, when it has: whatever the reason, this never rejects. */
  readonly ended: Promise<unknown>;
  readonly #ring: RingWriter;
  readonly #worker: Worker;
  readonly #freeLanes = Array.from({ length: LANES }, (_, lane) => lane);
  /** Those who wait for a digest, in the order in which the files ended. */
  readonly #digests: Waiting<Buffer>[] = [];
  readonly #rooms: Waiting<void>[] = [];
  #failure: { readonly error: unknown } | null = null;
  #isThere = false;

  /** @throws what starting a thread throws. */
  constructor(url: URL = WORKER_URL) {
    const memory = ringMemory();
    this.#ring = new RingWriter(memory);
    this.#worker = startHelperThread(url, 'stowage-hash', memory);
    this.#worker.unref();
    this.#worker.on('message', (message: HashMessage) => this.#take(message));
    this.ended = new Promise((resolve) => {
      let error: unknown = new Error('The thread that hashes files has ended.');
      this.#worker.on('error', (reason) => {
        error = reason;
      });
      this.#worker.on('exit', () => {
        this.#fail(error);
        resolve(error);
      });
    });
  }

  /** A hash of one more file; null while the thread is not there, and when too many files are on their way. */
  open(): ThreadHash | null {
    if (!this.#isThere || this.#failure !== null) return null;
    const lane = this.#freeLanes.pop();
    return lane === undefined ? null : new ThreadHash(this, lane);
  }

  /** Ends the thread; who waits for it gets an error. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  /**
   * Hands over at most a slot of a file's bytes; answers whether there was room.
   *
   * @throws why the thread has ended.
   */
  send(lane: number, flags: number, bytes: Uint8Array): boolean {
    if (this.#failure !== null) throw this.#failure.error;
    // Who came first is served first: the ring would never be half empty if others filled it up behind those who wait.
    if (this.#rooms.length > 0 || !this.#ring.hasRoom) return false;
    this.#ring.write(lane, flags, bytes);
    return true;
  }

  /**
   * Resolves when there may be room. Rejects when the thread ends. Without a signal: the thread waits for nothing but its
   * processor, so this takes as long as hashing what came before, a millisecond a megabyte.
   */
  async room(): Promise<void> {
    const isFirst = this.#rooms.length === 0;
    if (isFirst && this.#failure === null && !this.#ring.wantRoom()) return;
    await this.#wait<void>(this.#rooms);
  }

  /** The digest of the file whose last slot was sent just now. Rejects when the thread ends. */
  digest(): Promise<Buffer> {
    return this.#wait(this.#digests);
  }

  /** Gives back a lane that nothing more will be sent for. */
  leave(lane: number): void {
    this.#freeLanes.push(lane);
  }

  #wait<T>(waiting: Waiting<T>[]): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure.error);
      waiting.push({ resolve, reject });
      // A process that waits for the thread must not end; one that does not may.
      if (this.#digests.length + this.#rooms.length === 1) this.#worker.ref();
    });
  }

  #take(message: HashMessage): void {
    if (message === 'there') this.#isThere = true;
    else if (message === 'room') for (const { resolve } of this.#rooms.splice(0)) resolve();
    else this.#digests.shift()?.resolve(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
    if (this.#digests.length + this.#rooms.length === 0) this.#worker.unref();
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    for (const { reject } of [...this.#digests.splice(0), ...this.#rooms.splice(0)]) reject(error);
  }
}

const NOTHING = new Uint8Array(0);

/** The SHA-256 of one file, made in the thread. */
export class ThreadHash {
  readonly #thread: HashThread;
  readonly #lane: number;
  #flags = FIRST;
  #isClosed = false;

  constructor(thread: HashThread, lane: number) {
    this.#thread = thread;
    this.#lane = lane;
  }

  /**
   * Takes bytes; those that have to wait for room may not change until the promise resolves. After `close` it takes none.
   *
   * @throws why the thread has ended; what was taken is lost then.
   */
  update(bytes: Uint8Array): void | Promise<void> {
    const rest = this.#send(bytes);
    if (rest.byteLength > 0) return this.#sendLater(rest);
  }

  /** The digest of all bytes; nothing can be done with the hash afterwards. */
  async digest(): Promise<Buffer> {
    while (!this.#isClosed) {
      if (this.#thread.send(this.#lane, this.#flags | LAST, NOTHING)) {
        this.close();
        return this.#thread.digest();
      }
      await this.#thread.room();
    }
    throw new Error('The hash was given up.');
  }

  /** Gives up: harmless when it is over already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#thread.leave(this.#lane);
  }

  async #sendLater(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.byteLength > 0; ) {
      await this.#thread.room();
      rest = this.#send(rest);
    }
  }

  /** Hands over as much as there is room for; answers what is left. */
  #send(bytes: Uint8Array): Uint8Array {
    // The lane may be another file's by now.
    if (this.#isClosed) return NOTHING;
    let at = 0;
    while (at < bytes.byteLength) {
      const end = Math.min(at + SLOT_BYTES, bytes.byteLength);
      const piece = at === 0 && end === bytes.byteLength ? bytes : bytes.subarray(at, end);
      if (!this.#thread.send(this.#lane, this.#flags, piece)) break;
      this.#flags = 0;
      at = end;
    }
    return bytes.subarray(at);
  }
}
