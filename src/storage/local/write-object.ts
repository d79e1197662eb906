import { randomUUID } from 'node:crypto';
import type { ByteStream } from '../../core/bytes.ts';
import { KIB, MIB } from '../../core/bytes.ts';
import type { ObjectKey } from '../../core/key.ts';
import { AbortRace, abandon } from '../abort-race.ts';
import type { ObjectInfo, WriteOptions } from '../backend.ts';
import { type GatheredBytes, gatherBeginning, writeBatches } from './batched-write.ts';
import type { DirectWrites } from './direct-write.ts';
import type { DirectorySync } from './directory-sync.ts';
import { toStowageError } from './errors.ts';
import {
  closeFile,
  createFile,
  linkFile,
  renameFile,
  syncData,
  unlinkFile,
  unlinkName,
  writeFully,
} from './file-calls.ts';
import type { FreeSpace } from './free-space.ts';
import { isObjectPlace, type Journal } from './journal.ts';
import { draftPut } from './journal-record.ts';
import type { FilePlace, Layout, ObjectPlace } from './layout.ts';
import { encodeFooter } from './object-footer.ts';
import type { PlaceLocks } from './place-locks.ts';
import { newTemporaryName } from './temporary-files.ts';

/** Largest object file that goes through the journal, in bytes. */
export const JOURNALED_BYTES_MAX = 64 * KIB;

/** Largest object whose own sync is short: a few milliseconds. */
const SHORT_SYNC_BYTES_MAX = MIB;

/** What writing needs of an open store. */
export interface WritableStore {
  readonly layout: Layout;
  readonly freeSpace: FreeSpace;
  readonly directories: DirectorySync;
  readonly direct: DirectWrites;
  readonly locks: PlaceLocks;
  readonly journal: Journal;
  readonly now: () => number;
}

export interface WriteObjectOptions extends WriteOptions {
  readonly mode: 'create' | 'replace';
  readonly sizeBytes?: number;
  readonly onWhole?: () => void;
  readonly inHand?: () => number;
}

/**
 * Writes an object file and gives it its place: temporary file, fsync, rename or link, fsync of the directory. A small new
 * object goes to the journal, which writes and places it. Until it has its place nothing is visible; after the promise
 * is fulfilled a power cut loses nothing.
 *
 * @throws what `body` throws, as it is; else a StowageError.
 */
export async function writeObject(
  store: WritableStore,
  place: FilePlace | ObjectPlace,
  key: ObjectKey,
  body: ByteStream,
  options: WriteObjectOptions,
): Promise<ObjectInfo> {
  using abort = new AbortRace(options.signal);
  const source = new Source(body);
  let temporaryPath: string | null = null;
  try {
    abort.check();
    await store.freeSpace.require(neededBytes(options.sizeBytes ?? 0));
    const beginning = await gatherBeginning(source, abort);
    const toEnd = (sizeBytes: number): FileEnd => {
      const info = source.guard(() => describe(key, sizeBytes, options, store.now()));
      return { info, footer: encodeFooter(info) };
    };
    const whole = beginning.ended ? wholeFile(beginning, toEnd) : null;
    abort.check();
    if (whole !== null && (await putInJournal(store, place, whole, options))) return whole.info;
    const path = `${store.layout.temporary}/${newTemporaryName()}`;
    const fd = await createFile(path);
    temporaryPath = path;
    try {
      const target = { fd, path, direct: store.direct, onWriteBack: () => store.freeSpace.require(0) };
      if (whole !== null) await writeFully(fd, whole.bytes);
      const { info } = whole ?? (await writeBatches(target, beginning, source, abort, toEnd));
      abort.check();
      if (info.sizeBytes <= SHORT_SYNC_BYTES_MAX) options.onWhole?.();
      await syncData(fd);
      abort.check();
      await placeFile(store, path, place, options.mode);
      return info;
    } finally {
      await closeFile(fd);
    }
  } catch (error) {
    source.cancel();
    if (temporaryPath !== null) await unlinkFile(temporaryPath).catch(() => {});
    throw source.failure === null ? toStowageError(error, 'storage_unavailable') : source.failure.error;
  }
}

/** Room that a put takes: a small object is written twice. */
function neededBytes(sizeBytes: number): number {
  return sizeBytes <= JOURNALED_BYTES_MAX ? 2 * sizeBytes : sizeBytes;
}

/** An object's facts, and how they stand behind its bytes. */
interface FileEnd {
  readonly info: ObjectInfo;
  readonly footer: Uint8Array;
}

/** An object's file in memory. */
interface WholeFile {
  readonly info: ObjectInfo;
  readonly bytes: readonly Uint8Array[];
  readonly sizeBytes: number;
}

function wholeFile({ chunks, sizeBytes }: GatheredBytes, toEnd: (sizeBytes: number) => FileEnd): WholeFile {
  const { info, footer } = toEnd(sizeBytes);
  return { info, bytes: [...chunks, footer], sizeBytes: sizeBytes + footer.byteLength };
}

/** @returns false when the object must go the long way. */
async function putInJournal(
  { journal }: WritableStore,
  place: FilePlace | ObjectPlace,
  { info, bytes, sizeBytes }: WholeFile,
  { mode, onWhole, inHand }: Pick<WriteObjectOptions, 'mode' | 'onWhole' | 'inHand'>,
): Promise<boolean> {
  if (!journal.isEnabled || mode !== 'create' || !isObjectPlace(place)) return false;
  if (sizeBytes > JOURNALED_BYTES_MAX) return false;
  return journal.put({
    place,
    version: info.version,
    record: draftPut(place.name, bytes),
    onQueued: onWhole,
    inHand,
  });
}

function describe(key: ObjectKey, sizeBytes: number, options: WriteOptions, nowMs: number): ObjectInfo {
  const { contentType, cacheControl, metadata } = options;
  return {
    key,
    sizeBytes,
    contentType,
    cacheControl,
    metadata: { ...(typeof metadata === 'function' ? metadata() : metadata) },
    modifiedAtMs: nowMs,
    version: randomUUID(),
  };
}

async function placeFile(
  store: WritableStore,
  temporaryPath: string,
  place: FilePlace | ObjectPlace,
  mode: 'create' | 'replace',
): Promise<void> {
  if (mode === 'replace') {
    await store.locks.run(place.path, async () => {
      if (isObjectPlace(place)) await store.journal.settle(place);
      await renameFile(temporaryPath, place.path);
    });
    await store.directories.sync(place.directory);
    return;
  }
  // A link fails when the name is taken, whoever took it: of many creators exactly one wins.
  await linkFile(temporaryPath, place.path);
  // The object is there: a second name that can't be removed now is removed as a stale temporary file.
  await Promise.all([unlinkName(temporaryPath).catch(() => {}), store.directories.sync(place.directory)]);
}

/** The body, remembering its own failure: that one is rethrown as it is, all others are translated. */
class Source implements AsyncIterator<Uint8Array> {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #ended = false;
  failure: { readonly error: unknown } | null = null;

  constructor(body: ByteStream) {
    this.#iterator = body[Symbol.asyncIterator]();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await this.#iterator.next();
      if (result.done === true) this.#ended = true;
      return result;
    } catch (error) {
      this.#ended = true;
      this.failure = { error };
      throw error;
    }
  }

  /** Runs the caller's code, whose failure counts as the body's. */
  guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** Tells the body that nobody reads on. Not waited for: it may be stuck in a read that never ends. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    abandon(this.#iterator);
  }
}
