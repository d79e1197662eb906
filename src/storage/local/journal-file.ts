import { MIB } from '../../core/bytes.ts';
import { StowageError } from '../../core/errors.ts';
import { gather } from '../../core/gather.ts';
import { closeFile } from './file-calls.ts';
import type { Refusal } from './journal-group.ts';
import type { RecordDraft } from './journal-record.ts';
import { type DraftGroup, GROUP_BYTES_MAX } from './journal-thread.ts';

/** Most bytes that wait for their group; then puts wait before they begin. */
export const QUEUED_BYTES_MAX = 32 * MIB;

/** Makes a group of records durable and places their objects; rejects when none of it can be relied on. */
export type CommitGroup = (group: DraftGroup) => Promise<readonly Refusal[]>;

interface Waiting {
  readonly record: RecordDraft;
  readonly inHand: number;
  readonly resolve: (refusal: Refusal | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One journal file of this process. Records that come while a group is being written and synced, or in turns of the event
 * loop that each bring more, make up the next group: no more of them than half of what the callers have in hand, where
 * that is known. After a failure it takes nothing any more: what a sync that failed has lost, the next one does not tell.
 */
export class JournalFile {
  /** The journal's name without its ending. */
  readonly base: string;
  readonly path: string;
  /** The puts that only this journal makes durable: object version to the object's file name. */
  readonly live = new Map<string, string>();
  readonly #fd: number;
  readonly #layout: DraftGroup['layout'];
  readonly #commit: CommitGroup;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #flushing: Promise<void> | null = null;
  #pins = 0;
  #onIdle: (() => void)[] = [];
  #closed = false;
  sizeBytes = 0;
  failed = false;

  constructor(parts: {
    readonly base: string;
    readonly path: string;
    readonly fd: number;
    readonly layout: DraftGroup['layout'];
    readonly commit: CommitGroup;
  }) {
    this.base = parts.base;
    this.path = parts.path;
    this.#fd = parts.fd;
    this.#layout = parts.layout;
    this.#commit = parts.commit;
  }

  /**
   * Appends a record; fulfilled when it is on disk and, for a `put`, its object has its place.
   *
   * @param inHand how many puts the caller has in hand, see `PutOptions`; 0 for a note, which has no say in that.
   * @returns why the object has got none, or null.
   */
  append(record: RecordDraft, inHand = Number.POSITIVE_INFINITY): Promise<Refusal | null> {
    if (this.failed || this.#closed) return Promise.reject(abandoned());
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, inHand, resolve, reject });
      this.#queuedBytes += record.byteLength;
      this.sizeBytes += record.byteLength;
      this.#flushing ??= this.#flush();
    });
  }

  /** Waits until records may queue again. */
  async room(): Promise<void> {
    while (this.#queuedBytes > QUEUED_BYTES_MAX && this.#flushing !== null) await this.#flushing;
  }

  /** Keeps the file from being retired until `unpin`. */
  pin(): void {
    this.#pins += 1;
  }

  unpin(): void {
    this.#pins -= 1;
    if (this.#pins > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Waits until nobody uses the file; true at once when nobody does. */
  async idle(): Promise<void> {
    while (this.#pins > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await closeFile(this.#fd);
  }

  /** Never rejects: each record is told its own outcome. */
  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      await gather(
        () => this.#queue.length,
        () => this.#isFull(),
      );
      const group = this.#takeGroup();
      try {
        const records = group.map(({ record }) => record);
        const refusals = await this.#commit({ fd: this.#fd, layout: this.#layout, records });
        for (const [index, { resolve }] of group.entries())
          resolve(refusals.find((refusal) => refusal.index === index) ?? null);
      } catch (error) {
        this.failed = true;
        // What queued behind would follow a torn record and never be read.
        for (const { reject } of [...group, ...this.#queue]) reject(error);
        this.#queue = [];
        this.#queuedBytes = 0;
      }
    }
    this.#flushing = null;
  }

  /** The first of many that come together does not know of the others yet. */
  #isFull(): boolean {
    const count = this.#queue.length;
    return this.#queuedBytes >= GROUP_BYTES_MAX || (count > 1 && count >= this.#recordsMax());
  }

  /** Half of what the callers have in hand; no limit when one of those who wait has not told. */
  #recordsMax(): number {
    const inHand = this.#queue.reduce((most, waiting) => Math.max(most, waiting.inHand), 0);
    return inHand === 0 ? Number.POSITIVE_INFINITY : Math.ceil(inHand / 2);
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    const countMax = this.#recordsMax();
    for (const { record } of this.#queue) {
      if (count >= countMax || (count > 0 && bytes + record.byteLength > GROUP_BYTES_MAX)) break;
      bytes += record.byteLength;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }
}

function abandoned(): StowageError {
  return new StowageError('storage_unavailable', 'The journal of the store could not be written.');
}
