import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BytePieces } from '../core/byte-pieces.ts';
import { type ByteStream, KIB, MIB } from '../core/bytes.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { makeDirectories } from '../core/make-directories.ts';
import { FreeSpace } from '../storage/local/free-space.ts';
import { FREE_BYTES_MIN_DEFAULT } from '../storage/local/options.ts';
import { newProcessDirectoryName, ownerOfDirectory } from '../storage/local/process-directories.ts';
import { toBuffer } from './body-source.ts';

/** Where files wait whose asset type is not known yet, because their part came before it. */
export interface Spool {
  /**
   * Takes in a whole file. When it rejects nothing is kept.
   *
   * @throws StowageError `file_too_large` past `fileBytesMax`; `storage_unavailable` when the spool is full, or its disk
   *   fails or has too little free space; whatever the body throws.
   */
  keep(body: ByteStream, fileBytesMax: number): Promise<SpooledFile>;
  /** Bytes waiting now. */
  usedBytes(): number;
  /** Removes everything that waits, and the directory of this spool. */
  close(): Promise<void>;
}

export interface SpooledFile {
  readonly sizeBytes: number;
  /** The bytes, as often as they are asked for, until the file is removed. */
  read(): ByteStream;
  /** Gives the room back. Never rejects; repeating it does nothing. */
  remove(): Promise<void>;
}

export interface SpoolOptions {
  /** A directory that the processes of this disk share for their spools, absolute. */
  readonly dir: string;
  /** Most bytes waiting at once. */
  readonly bytesMax: number;
  /** Bytes of the disk that stay free whatever waits; as much as the local store leaves unless told otherwise. */
  readonly freeBytesMin?: number;
  readonly clock?: Clock;
}

/** Up to this size a file waits in memory: most files are small, and a disk would cost them more than all the rest. */
const MEMORY_FILE_BYTES_MAX = 64 * KIB;
/** Most bytes that wait in memory, of all files. */
const MEMORY_BYTES_MAX = 16 * MIB;
const WRITE_BYTES = 256 * KIB;
/** The same when too much waits in memory. */
const CROWDED_WRITE_BYTES = 16 * KIB;
const READ_BYTES = 256 * KIB;
const RETRY_SECONDS = 5;

/**
 * Opens the spool in a directory of its own below `dir`, and removes those of processes of this host that are gone.
 * Those of other hosts are the sweeper's, when they have grown old.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const dir = join(options.dir, newProcessDirectoryName());
  makeDirectories(dir, 0o700);
  for (const name of await readdir(options.dir)) {
    // Nothing else is touched, should the directory be another's by mistake.
    if (ownerOfDirectory(name) === 'gone') await removeDirectory(join(options.dir, name));
  }
  return new DirectorySpool({ ...options, dir });
}

/** Never rejects: what stays is removed at the next start. */
async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}

class DirectorySpool implements Spool {
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #freeSpace: FreeSpace;
  readonly #waiting = new Set<Entry>();
  #usedBytes = 0;
  #memoryBytes = 0;
  #closed = false;

  constructor(options: SpoolOptions) {
    this.#dir = options.dir;
    this.#bytesMax = options.bytesMax;
    const { freeBytesMin = FREE_BYTES_MIN_DEFAULT, clock = systemClock } = options;
    this.#freeSpace = new FreeSpace({ path: options.dir, freeBytesMin, clock });
  }

  usedBytes(): number {
    return this.#usedBytes;
  }

  async keep(body: ByteStream, fileBytesMax: number): Promise<SpooledFile> {
    const entry: Entry = { path: null, pieces: new BytePieces(), sizeBytes: 0 };
    this.#waiting.add(entry);
    try {
      await this.#fill(entry, body, fileBytesMax);
    } catch (error) {
      await this.#remove(entry);
      throw error;
    }
    return {
      sizeBytes: entry.sizeBytes,
      read: () => (entry.path === null ? fromMemory(entry.pieces) : fromFile(entry.path)),
      remove: () => this.#remove(entry),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#waiting, (entry) => this.#remove(entry)));
    await removeDirectory(this.#dir);
  }

  async #fill(entry: Entry, body: ByteStream, fileBytesMax: number): Promise<void> {
    let handle: FileHandle | undefined;
    try {
      for await (const chunk of body) {
        this.#admit(entry, chunk.byteLength, fileBytesMax);
        entry.pieces.push(toBuffer(chunk));
        this.#memoryBytes += chunk.byteLength;
        if (handle === undefined && this.#fitsMemory(entry)) continue;
        handle ??= await this.#open(entry);
        if (entry.pieces.sizeBytes >= this.#writeBytes()) await this.#flush(entry, handle);
      }
      if (handle !== undefined) await this.#flush(entry, handle);
    } finally {
      await handle?.close();
    }
  }

  #admit(entry: Entry, bytes: number, fileBytesMax: number): void {
    if (entry.sizeBytes + bytes > fileBytesMax) {
      throw new StowageError('file_too_large', `The file is larger than ${fileBytesMax} bytes.`, {
        fields: { limit_bytes: fileBytesMax },
      });
    }
    if (this.#closed || this.#usedBytes + bytes > this.#bytesMax) {
      throw new StowageError(
        'storage_unavailable',
        'Too many uploads are waiting for their asset type: send asset_type before the files, or try again later.',
        { fields: { retry_after_seconds: RETRY_SECONDS } },
      );
    }
    entry.sizeBytes += bytes;
    this.#usedBytes += bytes;
  }

  #fitsMemory(entry: Entry): boolean {
    return entry.sizeBytes <= MEMORY_FILE_BYTES_MAX && this.#memoryBytes <= MEMORY_BYTES_MAX;
  }

  #writeBytes(): number {
    return this.#memoryBytes <= MEMORY_BYTES_MAX ? WRITE_BYTES : CROWDED_WRITE_BYTES;
  }

  async #open(entry: Entry): Promise<FileHandle> {
    entry.path = join(this.#dir, `${randomUUID()}.spool`);
    return open(entry.path, 'wx', 0o600).catch((error: unknown) => {
      throw diskError(error);
    });
  }

  async #flush(entry: Entry, handle: FileHandle): Promise<void> {
    // The database may be on the same disk: uploads that wait must not be what fills it.
    await this.#freeSpace.require(entry.pieces.sizeBytes).catch((error: unknown) => {
      throw isStowageError(error) ? error.with({ retry_after_seconds: RETRY_SECONDS }) : diskError(error);
    });
    const memoryBytes = entry.pieces.sizeBytes;
    try {
      await writeAll(handle, entry.pieces.takeAll());
    } catch (error) {
      throw diskError(error);
    } finally {
      this.#memoryBytes -= memoryBytes;
    }
  }

  async #remove(entry: Entry): Promise<void> {
    if (!this.#waiting.delete(entry)) return;
    this.#usedBytes -= entry.sizeBytes;
    this.#memoryBytes -= entry.pieces.sizeBytes;
    entry.pieces.takeAll();
    // What can't be removed now is removed at the next start.
    if (entry.path !== null) await rm(entry.path, { force: true }).catch(() => {});
  }
}

interface Entry {
  /** Null while the file is in memory. */
  path: string | null;
  /** What is in memory: all of the file, or what waits to be written. */
  readonly pieces: BytePieces;
  sizeBytes: number;
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  // A vector of one call is bounded by the system (IOV_MAX, 1,024 on Linux).
  const vector = pieces.length > 512 ? [Buffer.concat(pieces)] : [...pieces];
  let leftBytes = vector.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  while (leftBytes > 0) {
    const { bytesWritten } = await handle.writev(vector);
    leftBytes -= bytesWritten;
    if (leftBytes > 0) vector.splice(0, vector.length, Buffer.concat(vector).subarray(bytesWritten));
  }
}

async function* fromMemory(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function* fromFile(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw diskError(error);
  });
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

function diskError(cause: unknown): StowageError {
  return new StowageError('storage_unavailable', 'The disk for waiting uploads failed.', {
    cause,
    fields: { retry_after_seconds: RETRY_SECONDS },
  });
}
