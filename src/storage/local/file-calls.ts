import fs from 'node:fs';
import { CallPace } from './call-pace.ts';

// The callback functions of node:fs as promises of plain descriptors: a third of the cost of a FileHandle for small
// files. O_NOFOLLOW refuses a symlink, O_NONBLOCK keeps a planted FIFO from blocking a thread for ever.
const { O_APPEND, O_CREAT, O_DIRECT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

/** Largest write that is brief: it only copies into the page cache. */
const BRIEF_WRITE_BYTES_MAX = 64 * 1024;

/** Creating a file is apart: ext4 may search long for a free inode where many were freed lately. */
const creating = new CallPace();
const others = new CallPace();
let holdsOthers = true;

/** Says that this thread does nothing but such calls, so that a long one holds nobody up. */
export function doNothingElse(): void {
  holdsOthers = false;
}

/**
 * Makes a call that touches only caches of the kernel. It takes microseconds, where the way through the thread pool
 * costs tens of them in switches between threads: with two cores most of a small upload. A disk that stalls or is
 * dear to ask shows itself at once, and gets the thread pool for a while, so that nobody else waits for it. A thread
 * that holds nobody up leaves only the search for inodes to the pool: several of them find more, where a busy disk is
 * no faster for several.
 */
function brief<T>(now: () => T, later: () => Promise<T>, pace: CallPace = others): Promise<T> {
  const startedMs = performance.now();
  if (pace.isDetour(startedMs) && (holdsOthers || pace === creating)) return later();
  try {
    return Promise.resolve(now());
  } catch (error) {
    return Promise.reject(error);
  } finally {
    pace.note(startedMs, performance.now(), holdsOthers);
  }
}

export function openForReading(path: string): Promise<number> {
  return call((done) => fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, done));
}

/** Creates a file (mode 0600) that must not exist. */
export function createFile(path: string): Promise<number> {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  return brief(
    () => fs.openSync(path, flags, 0o600),
    () => call((done) => fs.open(path, flags, 0o600, done)),
    creating,
  );
}

/** Opens a file for {@link writeDirectly}, on Linux. */
export function openForDirectWriting(path: string): Promise<number> {
  const flags = O_WRONLY | O_DIRECT | O_NOFOLLOW;
  return brief(
    () => fs.openSync(path, flags),
    () => call((done) => fs.open(path, flags, done)),
  );
}

/** Opens a file for appending, by several processes perhaps; makes it (mode 0600) when it is missing. */
export function openForAppending(path: string): Promise<number> {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
  return call((done) => fs.open(path, flags, 0o600, done));
}

/** Whether something has this name. */
export function isTaken(path: string): Promise<boolean> {
  const missing = (error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  };
  return brief(
    () => fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined,
    () => call((done) => fs.lstat(path, done)).then(() => true, missing),
  );
}

/** Cuts a file to nothing and waits until that has reached the disk. */
export async function emptyFile(path: string): Promise<void> {
  const fd = await call<number>((done) => fs.open(path, O_WRONLY | O_NOFOLLOW, done));
  try {
    await call<void>((done) => fs.ftruncate(fd, 0, done));
    await syncData(fd);
  } finally {
    await closeFile(fd);
  }
}

/** Reads until the buffer is full or the file ends; answers how many bytes were read. */
export async function readFully(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  let readBytes = 0;
  while (readBytes < buffer.byteLength) {
    const offset = readBytes;
    const count = await call<number>((done) =>
      fs.read(fd, buffer, offset, buffer.byteLength - offset, position + offset, done),
    );
    if (count === 0) break;
    readBytes += count;
  }
  return readBytes;
}

/** Appends all buffers, in as few calls as the system allows. */
export async function writeFully(fd: number, buffers: readonly Uint8Array[]): Promise<void> {
  let rest = buffers;
  while (rest.length > 0) {
    const [first] = rest;
    const later = () =>
      call<number>((done) => {
        if (rest.length === 1 && first !== undefined) fs.write(fd, first, done);
        else fs.writev(fd, rest, done);
      });
    const isBrief =
      !holdsOthers || rest.reduce((sum, buffer) => sum + buffer.byteLength, 0) <= BRIEF_WRITE_BYTES_MAX;
    const written = await (isBrief ? brief(() => fs.writevSync(fd, rest), later) : later());
    rest = withoutFirst(rest, written);
  }
}

/** Writes bytes to their place in a file, into the page cache. */
export async function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const rest = bytes.subarray(at);
    const offset = position + at;
    const later = () => writeOnce(fd, rest, offset);
    const isBrief = rest.byteLength <= BRIEF_WRITE_BYTES_MAX;
    at += await (isBrief ? brief(() => fs.writeSync(fd, rest, 0, rest.byteLength, offset), later) : later());
  }
}

/** The same, to the disk: never brief. All three must be multiples of the disk's blocks, else EINVAL. */
export async function writeDirectly(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += await writeOnce(fd, bytes.subarray(at), position + at);
}

function writeOnce(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return call((done) => fs.write(fd, bytes, 0, bytes.byteLength, position, done));
}

function withoutFirst(buffers: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.byteLength) return [buffer.subarray(left), ...buffers.slice(index + 1)];
    left -= buffer.byteLength;
  }
  return [];
}

/** Waits until a file's bytes and size have reached the disk. */
export function syncData(fd: number): Promise<void> {
  return call((done) => fs.fdatasync(fd, done));
}

/** Waits until the names in a directory have reached the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | O_NOFOLLOW);
  try {
    await call<void>((done) => fs.fsync(fd, done));
  } finally {
    fs.closeSync(fd);
  }
}

export function closeFile(fd: number): Promise<void> {
  return brief(
    () => fs.closeSync(fd),
    () => call((done) => fs.close(fd, done)),
  );
}

export function linkFile(existingPath: string, newPath: string): Promise<void> {
  return brief(
    () => fs.linkSync(existingPath, newPath),
    () => call((done) => fs.link(existingPath, newPath, done)),
  );
}

/** Not brief: what it replaces may be large, and freeing that takes long. */
export function renameFile(oldPath: string, newPath: string): Promise<void> {
  return call((done) => fs.rename(oldPath, newPath, done));
}

/** Removes a file. Not brief: freeing a large one takes long. */
export function unlinkFile(path: string): Promise<void> {
  return call((done) => fs.unlink(path, done));
}

/** Removes one of several names of a file: frees nothing. */
export function unlinkName(path: string): Promise<void> {
  return brief(
    () => fs.unlinkSync(path),
    () => call((done) => fs.unlink(path, done)),
  );
}

function call<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error);
      else resolve(value as T);
    });
  });
}
