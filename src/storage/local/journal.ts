import { MIB } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { AbortRace } from '../abort-race.ts';
import { type CheckpointPace, rewriteObjects, syncObjects } from './checkpoint.ts';
import type { DirectorySync } from './directory-sync.ts';
import { toStowageError } from './errors.ts';
import { createFile, syncDirectory, unlinkFile } from './file-calls.ts';
import type { FileSystemSync } from './file-system-sync.ts';
import { appendNote, listJournals, notesPathOf, removeJournal } from './journal-directory.ts';
import { type CommitGroup, JournalFile } from './journal-file.ts';
import { fromFailure } from './journal-group.ts';
import { newOwnerName } from './journal-names.ts';
import { draftSettled, encodeRecord, type RecordDraft } from './journal-record.ts';
import { journalsInUse } from './journal-replay.ts';
import { journalThread } from './journal-thread.ts';
import type { FilePlace, Layout, ObjectPlace } from './layout.ts';
import { readObjectInfo } from './object-file.ts';
import type { PlaceLocks } from './place-locks.ts';
import { syncFile } from './sync-files.ts';

/** Size at which a journal is full, unless the options say otherwise, in bytes. */
export const JOURNAL_BYTES_MAX_DEFAULT = 64 * MIB;
/** Most puts of one journal: each costs some hundred bytes of memory until it is retired. */
const LIVE_PUTS_MAX = 100_000;
/** Age at which a journal takes no more puts, in milliseconds. */
const FULL_MS = 10_000;
/** How long a full journal waits, in milliseconds: as long as the system (Linux) takes to write old pages by itself. */
const WAIT_MS = 35_000;
/** Bytes of waiting journals above which the oldest waits no longer, and above which puts go without a journal. */
const WAITING_BYTES = 512 * MIB;
const WAITING_BYTES_MAX = 1024 * MIB;
/** Pause after a checkpoint that failed, in milliseconds. */
const RETRY_MS = 5_000;
const TICK_MS = 1_000;
/** What the end may take, in milliseconds; what is left then is replayed at the next open. */
const CLOSE_MS = 2_000;
/** From how many puts on a journal is retired by a sync of the whole file system, with what others have written to it. */
export const SYNC_WHOLE_MIN = 500;
const AT_ONCE_BEHIND = 2;
const AT_ONCE_NOW = 16;

/** What a journal needs of its store. */
export interface JournalOptions {
  readonly layout: Layout;
  readonly directories: DirectorySync;
  readonly locks: PlaceLocks;
  readonly log: Log;
  /** Size at which a journal is full; 0: puts go without a journal. */
  readonly bytesMax: number;
  readonly commit?: CommitGroup | undefined;
  readonly fileSystem: FileSystemSync;
}

/** A journal file and where it stands in its life. */
interface Held {
  readonly file: JournalFile;
  readonly openedAtMs: number;
  fullAtMs: number;
  retryAtMs: number;
  /** Whether a sync of its objects has failed: they are written anew. */
  mistrusted: boolean;
}

/**
 * Makes small objects durable together: one write and one sync for all that come at the same time. Their own files are
 * left to the system, and synced behind when a journal is retired.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #commit: CommitGroup;
  /** Oldest first; the last may be the current one. */
  #held: Held[] = [];
  #current: Held | null = null;
  #opening: Promise<void> | null = null;
  #retiring: Promise<void> = Promise.resolve();
  #isRetiring = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** Fires when closing has taken too long. */
  readonly #ending = new AbortController();

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#commit = options.commit ?? ((group) => journalThread().commit(group));
  }

  get isEnabled(): boolean {
    return this.#options.bytesMax > 0;
  }

  /**
   * Makes a new object durable and then gives it its place. So whatever has a place is on disk, and when the record
   * can't be written nothing has happened.
   *
   * @returns false when the journal takes no puts now: the file must be synced itself.
   * @throws StowageError `object_exists`; errors of the file system as they are.
   */
  put(object: {
    readonly place: ObjectPlace;
    readonly version: string;
    readonly record: RecordDraft;
    /** Called when the record is about to wait for its group. */
    readonly onQueued?: (() => void) | undefined;
    /** See `PutOptions`. */
    readonly inHand?: (() => number) | undefined;
  }): Promise<boolean> {
    const { place, version, record, onQueued, inHand } = object;
    return this.#options.locks.run(place.path, async () => {
      const held = await this.#reserve();
      if (held === null) return false;
      held.file.live.set(version, place.name);
      try {
        onQueued?.();
        const refusal = await held.file.append(record, inHand?.());
        if (refusal === null) return true;
        if (refusal.recorded) await held.file.append(draftSettled(place.name, version), 0);
        throw toStowageError(fromFailure(refusal), 'storage_unavailable');
      } catch (error) {
        held.file.live.delete(version);
        if (held.file.failed) this.#abandon(held);
        throw error;
      } finally {
        held.file.unpin();
      }
    });
  }

  /**
   * Sees to it that no journal brings back what is in this place now, before it is removed or replaced: makes it
   * durable itself and notes that. The caller holds the place's lock.
   */
  async settle(place: ObjectPlace): Promise<void> {
    const others = await this.#othersJournals();
    if (this.#held.length === 0 && others.length === 0) return;
    const version = await versionAt(place.path);
    if (version === null) return;
    const held = this.#held.find(({ file }) => file.live.has(version));
    if (held === undefined && others.length === 0) return;
    held?.file.pin();
    try {
      await syncFile(place.path).catch((error: unknown) => {
        if (held !== undefined) held.mistrusted = true;
        throw error;
      });
      await this.#options.directories.sync(place.directory);
      const note = draftSettled(place.name, version);
      if (held !== undefined) {
        await held.file.append(note, 0);
        held.file.live.delete(version);
        return;
      }
      const { journal } = this.#options.layout;
      for (const base of others) await appendNote(notesPathOf(journal, base), journal, encodeRecord(note));
    } finally {
      if (held?.file.failed) this.#abandon(held);
      held?.file.unpin();
    }
  }

  /** Writes all objects to their own places and removes the journals. For backups, and for tests. */
  async checkpoint(): Promise<void> {
    await this.#opening;
    this.#fill(performance.now());
    await this.#retireAll(AT_ONCE_NOW);
  }

  /** Does what is due: called every second while there are journals. */
  async tick(nowMs: number): Promise<void> {
    const current = this.#current;
    if (current !== null && nowMs - current.openedAtMs >= FULL_MS) this.#fill(nowMs);
    if (this.#isRetiring) return;
    const due = this.#held.find((held) => this.#isDue(held, nowMs));
    if (due === undefined) return;
    await this.#retire(due, AT_ONCE_BEHIND).catch((error: unknown) => {
      due.retryAtMs = nowMs + RETRY_MS;
      if (this.#closed) return;
      this.#options.log.error({ err: error }, 'Small objects could not be written to their own places yet.');
    });
  }

  /** Ends quickly: what takes too long is left for the next open to replay. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    this.#fill(performance.now());
    this.#stopTimer();
    const late = new StowageError('storage_unavailable', 'Closing took too long.');
    const timer = setTimeout(() => this.#ending.abort(late), CLOSE_MS);
    await this.#retireAll(AT_ONCE_NOW).catch((error: unknown) => {
      this.#options.log.info({ err: error }, 'Journals were left for the next start to replay.');
    });
    using race = new AbortRace(this.#ending.signal);
    await race.wait(journalThread().rest()).catch(() => {});
    clearTimeout(timer);
    this.#options.fileSystem.end();
    for (const { file } of this.#held) {
      await file.idle();
      await file.close();
      journalsInUse.delete(file.path);
    }
    this.#held = [];
  }

  /** A journal for one put, kept until it is unpinned; null when there is none to be had. */
  async #reserve(): Promise<Held | null> {
    for (;;) {
      if (this.#closed || !this.isEnabled || this.#isOverloaded()) return null;
      const current = this.#current;
      if (current === null) {
        this.#opening ??= this.#openNext().finally(() => {
          this.#opening = null;
        });
        await this.#opening;
        continue;
      }
      const { file } = current;
      if (file.sizeBytes >= this.#options.bytesMax || file.live.size >= LIVE_PUTS_MAX) {
        this.#fill(performance.now());
        continue;
      }
      await file.room();
      if (this.#current !== current) continue;
      file.pin();
      return current;
    }
  }

  /**
   * A failed journal may hold puts that were refused. Until it is gone none goes to another: a replay could not tell
   * which of two puts of one key counts.
   */
  #isOverloaded(): boolean {
    const waitingBytes = this.#held.reduce((sum, { file }) => sum + file.sizeBytes, 0);
    return waitingBytes >= WAITING_BYTES_MAX || this.#held.some(({ file }) => file.failed);
  }

  async #openNext(): Promise<void> {
    const { layout } = this.#options;
    const base = newOwnerName();
    const path = `${layout.journal}/${base}.log`;
    journalsInUse.add(path);
    try {
      const fd = await createFile(path);
      const file = new JournalFile({ base, path, fd, layout, commit: this.#commit });
      await syncDirectory(layout.journal).catch(async (error: unknown) => {
        await file.close();
        await unlinkFile(path).catch(() => {});
        throw error;
      });
      const openedAtMs = performance.now();
      this.#current = {
        file,
        openedAtMs,
        fullAtMs: Number.POSITIVE_INFINITY,
        retryAtMs: 0,
        mistrusted: false,
      };
      this.#held.push(this.#current);
      this.#startTimer();
    } catch (error) {
      journalsInUse.delete(path);
      throw error;
    }
  }

  /** Ends appending to the current journal; the next put opens another. */
  #fill(nowMs: number): void {
    if (this.#current === null) return;
    this.#current.fullAtMs = nowMs;
    this.#current = null;
  }

  #abandon(held: Held): void {
    if (this.#current === held) this.#fill(performance.now());
    if (!this.#closed) void this.tick(performance.now());
  }

  #isDue(held: Held, nowMs: number): boolean {
    if (held === this.#current || nowMs < held.retryAtMs) return false;
    if (held.file.failed || nowMs - held.fullAtMs >= WAIT_MS) return true;
    return this.#held.reduce((sum, { file }) => sum + file.sizeBytes, 0) > WAITING_BYTES;
  }

  async #retireAll(atOnce: number): Promise<void> {
    for (const held of [...this.#held]) if (held !== this.#current) await this.#retire(held, atOnce);
  }

  /** One at a time. */
  #retire(held: Held, atOnce: number): Promise<void> {
    const run = async (): Promise<void> => {
      if (!this.#held.includes(held)) return;
      this.#isRetiring = true;
      try {
        await this.#writeAndRemove(held, { atOnce, signal: this.#ending.signal });
      } finally {
        this.#isRetiring = false;
      }
    };
    const retiring = this.#retiring.then(run);
    this.#retiring = retiring.catch(() => {});
    return retiring;
  }

  async #writeAndRemove(held: Held, pace: CheckpointPace): Promise<void> {
    const { layout, locks } = this.#options;
    const { file } = held;
    await file.idle();
    pace.signal.throwIfAborted();
    const isRewritten = held.mistrusted;
    if (isRewritten) await rewriteObjects(layout, file, locks, pace);
    else if (!(await this.#syncWhole(held, pace))) {
      await syncObjects(layout, file, pace).catch((error: unknown) => {
        if (!isStowageError(error)) held.mistrusted = true;
        throw error;
      });
    }
    if (held.mistrusted && !isRewritten) throw new Error('An object could not be synced meanwhile.');
    await removeJournal(file.path, layout.journal);
    // Only now: as long as the journal may come back, what is deleted is noted in it.
    await file.idle();
    this.#held = this.#held.filter((other) => other !== held);
    journalsInUse.delete(file.path);
    await file.close();
    await unlinkFile(notesPathOf(layout.journal, file.base)).catch(() => {});
    if (this.#held.length > 0) return;
    this.#stopTimer();
    this.#options.fileSystem.end();
  }

  /**
   * Syncs the whole file system where that is cheaper than each object. Not beside the journals of other processes: of
   * two who ask, one is told of a failure.
   *
   * @returns false when it was not done.
   */
  async #syncWhole({ file }: Held, { signal }: CheckpointPace): Promise<boolean> {
    if (file.live.size < SYNC_WHOLE_MIN || (await this.#othersJournals()).length > 0) return false;
    const { fileSystem, layout } = this.#options;
    const answer = await fileSystem.run(signal);
    if (answer === 'none') return false;
    try {
      if (answer === 'failed') throw new Error('The file system could not be synced.');
      // One sync behind it, of whatever: it has the disk flush its cache.
      await syncDirectory(layout.objects);
      return true;
    } catch (error) {
      // Whose writes have failed is not known.
      for (const held of this.#held) held.mistrusted = true;
      throw error;
    }
  }

  async #othersJournals(): Promise<string[]> {
    const own = new Set(this.#held.map(({ file }) => file.base));
    const found = await listJournals(this.#options.layout.journal);
    return found.filter(({ base, kind }) => kind !== 'settled' && !own.has(base)).map(({ base }) => base);
  }

  #startTimer(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setInterval(() => void this.tick(performance.now()), TICK_MS).unref();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** Whether a place is an object's: parts of uploads are none, and in no journal. */
export function isObjectPlace(place: FilePlace | ObjectPlace): place is ObjectPlace {
  return 'name' in place;
}

/** Version of the object in a place; null when there is none that a journal could hold. */
async function versionAt(path: string): Promise<string | null> {
  try {
    return (await readObjectInfo(path)).version;
  } catch (error) {
    if (isStowageError(error, 'storage_unavailable')) throw error;
    return null;
  }
}
