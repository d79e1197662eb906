import fs from 'node:fs';
import { KIB, streamOf } from '../../core/bytes.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { ByteRange, ObjectInfo } from '../backend.ts';
import { toStowageError } from './errors.ts';
import { openForReading, readFully } from './file-calls.ts';
import { type ByteSpan, ObjectFileBody } from './object-body.ts';
import { corrupt, decodeFooter, footerAndTailBytes } from './object-footer.ts';
import type { OpenObject } from './options.ts';

/** Files up to this size are read whole, in one call. */
const WHOLE_FILE_BYTES_MAX = 64 * KIB;

/** What is read of the end of larger files; nearly every footer fits. */
const END_BYTES = 4 * KIB;

/**
 * Opens an object's file and reads its facts; a small object's bytes come with the same read.
 *
 * @param key the key that must stand in the footer.
 * @throws StowageError `object_not_found`, `object_corrupt`.
 */
export async function openObjectFile(
  path: string,
  key: ObjectKey,
  signal: AbortSignal | undefined,
): Promise<OpenObject> {
  const opened = await openChecked(path, WHOLE_FILE_BYTES_MAX);
  if (opened.info.key !== key) {
    fs.closeSync(opened.fd);
    throw corrupt('belongs to another key');
  }
  if (opened.whole === null) return largeObject(opened.fd, opened.info, signal);
  fs.closeSync(opened.fd);
  return smallObject(opened.whole, opened.info);
}

/** Reads the facts of an object's file. Throws as {@link openObjectFile} does. */
export async function headObjectFile(path: string, key: ObjectKey): Promise<ObjectInfo> {
  const info = await readObjectInfo(path);
  if (info.key !== key) throw corrupt('belongs to another key');
  return info;
}

/** Reads the facts of an object's file, whatever its key. Throws as {@link openObjectFile} does. */
export async function readObjectInfo(path: string): Promise<ObjectInfo> {
  const { fd, info } = await openChecked(path, END_BYTES);
  fs.closeSync(fd);
  return info;
}

interface CheckedFile {
  readonly fd: number;
  readonly info: ObjectInfo;
  /** The whole file when it is small. */
  readonly whole: Buffer | null;
}

async function openChecked(path: string, wholeBytesMax: number): Promise<CheckedFile> {
  let fd: number | undefined;
  try {
    fd = await openForReading(path);
    // In memory already, since the file is open: cheaper than a trip to the thread pool.
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw corrupt('is no file');
    const end = await readEnd(fd, stat.size, stat.size <= wholeBytesMax ? stat.size : END_BYTES);
    const info = decodeFooter(end, stat.size);
    return { fd, info, whole: end.byteLength === stat.size ? end : null };
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd);
    throw toStowageError(error);
  }
}

async function readEnd(fd: number, fileBytes: number, wantedBytes: number): Promise<Buffer> {
  const end = Buffer.allocUnsafe(Math.min(wantedBytes, fileBytes));
  const readBytes = await readFully(fd, end, fileBytes - end.byteLength);
  if (readBytes < end.byteLength) throw corrupt('ends too early');
  const footerBytes = footerAndTailBytes(end);
  if (footerBytes <= end.byteLength || end.byteLength === fileBytes) return end;
  return readEnd(fd, fileBytes, footerBytes);
}

function smallObject(whole: Buffer, info: ObjectInfo): OpenObject {
  return {
    info,
    body: (range) => {
      const { first, sizeBytes } = span(range, info.sizeBytes);
      return streamOf(whole.subarray(first, first + sizeBytes));
    },
    close: () => {},
  };
}

function largeObject(fd: number, info: ObjectInfo, signal: AbortSignal | undefined): OpenObject {
  let owned = true;
  return {
    info,
    body: (range) => {
      owned = false;
      return new ObjectFileBody(fd, span(range, info.sizeBytes), signal);
    },
    close: () => {
      if (owned) fs.closeSync(fd);
      owned = false;
    },
  };
}

function span(range: ByteRange | null, sizeBytes: number): ByteSpan {
  if (range === null) return { first: 0, sizeBytes };
  return { first: range.first, sizeBytes: Math.min(range.last, sizeBytes - 1) - range.first + 1 };
}
