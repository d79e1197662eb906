import { KIB } from '../core/bytes.ts';

/** Most bytes of one slot. */
export const SLOT_BYTES = 64 * KIB;

/** A power of two, so that a counter that wraps around still names the next slot. */
const SLOTS = 32;

/** Files that can be hashed side by side. */
export const LANES = 256;

// The words of the head: two counters of slots, whether the writer waits, and from the fourth on three for each slot.
const WRITTEN = 0;
const READ = 1;
const IS_WANTED = 2;
const SLOT_WORDS_AT = 4;
const HEAD_BYTES = 4 * (SLOT_WORDS_AT + 3 * SLOTS);

/** Slots that are worth waking the reader for: a call of the system, and often a turn on this processor. */
const WORTH_WAKING = 8;

/** What a slot is to its file, besides holding bytes of it. */
export const FIRST = 1;
export const LAST = 2;

/** The place of a slot's words in the head: bytes held, what it is to its file, and the file. */
function wordsOf(slot: number): number {
  return SLOT_WORDS_AT + 3 * (slot & (SLOTS - 1));
}

/** Memory for one writer and one reader. */
export function ringMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_BYTES + SLOTS * SLOT_BYTES);
}

/**
 * Bytes of files on their way to another thread: slots that one thread fills in turn and another empties in turn. What
 * stands in a slot is the reader's from the moment that WRITTEN counts it, and the writer's again when READ does.
 */
class HashRing {
  protected readonly head: Int32Array;
  protected readonly slots: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.head = new Int32Array(memory, 0, HEAD_BYTES / 4);
    this.slots = Buffer.from(memory, HEAD_BYTES);
  }

  /** Slots written and not yet read. */
  protected get waiting(): number {
    return (Atomics.load(this.head, WRITTEN) - Atomics.load(this.head, READ)) | 0;
  }
}

export class RingWriter extends HashRing {
  get hasRoom(): boolean {
    return this.waiting < SLOTS;
  }

  /** Asks to be told when there is room; false when there is some already. */
  wantRoom(): boolean {
    Atomics.store(this.head, IS_WANTED, 1);
    // The ring was full behind the wish, so the reader comes by the middle of it, where it looks at the wish.
    if (!this.hasRoom) return true;
    Atomics.store(this.head, IS_WANTED, 0);
    return false;
  }

  /** Fills the next slot, which must be free, with at most {@link SLOT_BYTES} bytes. */
  write(lane: number, flags: number, bytes: Uint8Array): void {
    const slot = this.head[WRITTEN] ?? 0;
    const words = wordsOf(slot);
    const at = (slot & (SLOTS - 1)) * SLOT_BYTES;
    // A plain copy; `set` and `copy` move shared memory word by word, which takes four times as long.
    if (bytes.byteLength > 0) this.slots.fill(bytes, at, at + bytes.byteLength);
    this.head[words] = bytes.byteLength;
    this.head[words + 1] = flags;
    this.head[words + 2] = lane;
    Atomics.add(this.head, WRITTEN, 1);
    if (flags & LAST || this.waiting >= WORTH_WAKING) Atomics.notify(this.head, WRITTEN);
  }
}

export interface Slot {
  readonly lane: number;
  readonly flags: number;
  /** The writer's again as soon as the slot is released. */
  readonly bytes: Buffer;
}

export class RingReader extends HashRing {
  /** The next slot. Blocks the thread until there is one. */
  read(): Slot {
    const slot = this.head[READ] ?? 0;
    while (this.waiting === 0) Atomics.wait(this.head, WRITTEN, slot);
    const words = wordsOf(slot);
    const at = (slot & (SLOTS - 1)) * SLOT_BYTES;
    const byteLength = this.head[words] ?? 0;
    return {
      flags: this.head[words + 1] ?? 0,
      lane: this.head[words + 2] ?? 0,
      bytes: this.slots.subarray(at, at + byteLength),
    };
  }

  /** Gives the slot that was read back; answers whether the writer is to be told. */
  release(): boolean {
    Atomics.add(this.head, READ, 1);
    // Once half of the ring is free: one message, and not one for each slot.
    return this.waiting <= SLOTS / 2 && Atomics.exchange(this.head, IS_WANTED, 0) === 1;
  }
}
