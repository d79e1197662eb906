import fs from 'node:fs';
import { isStowageError } from '../../core/errors.ts';
import { systemCode } from './errors.ts';
import {
  closeFile,
  createFile,
  linkFile,
  openForReading,
  readFully,
  renameFile,
  syncData,
  unlinkFile,
  writeFully,
} from './file-calls.ts';
import { type Layout, placeOfName } from './layout.ts';
import { readObjectInfo } from './object-file.ts';
import { decodeFooter } from './object-footer.ts';
import { newTemporaryName } from './temporary-files.ts';

/** An object's file as a journal holds it. */
export interface JournaledObject {
  readonly name: string;
  readonly version: string;
  readonly file: Buffer;
}

/**
 * Sees to it that a journaled object's file is whole and on disk. A file of another version stays as it is: it
 * came later, by the way that needs no journal. Doing it twice does no harm. The directory is the caller's to sync.
 *
 * @param options.isSettled asked when the place is empty: whether the object has been removed meanwhile.
 * @param options.rewrite replaces a file that looks right too: what a failed sync left in memory is not to be believed.
 * @returns whether the file was written.
 */
export async function restoreObject(
  layout: Layout,
  object: JournaledObject,
  options: { readonly isSettled: () => Promise<boolean>; readonly rewrite: boolean },
): Promise<boolean> {
  const { path } = placeOfName(layout, object.name);
  const found = await lookAt(path, object);
  if (found === 'other' || (found === 'same' && !options.rewrite)) return false;
  const temporaryPath = `${layout.temporary}/${newTemporaryName()}`;
  await writeWhole(temporaryPath, object.file);
  try {
    // Taking a name that is there would undo a replacement; only a damaged file is written over.
    if (found !== 'missing') await renameFile(temporaryPath, path);
    else if (!(await options.isSettled())) await linkUnlessTaken(temporaryPath, path);
  } finally {
    await unlinkFile(temporaryPath).catch(() => {});
  }
  return true;
}

async function lookAt(
  path: string,
  object: JournaledObject,
): Promise<'missing' | 'same' | 'other' | 'damaged'> {
  let fd: number;
  try {
    fd = await openForReading(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'missing';
    // A planted symlink is no object and not for us to touch.
    if (systemCode(error) === 'ELOOP') return 'other';
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return 'other';
    if (stat.size === object.file.byteLength) {
      const bytes = Buffer.allocUnsafe(stat.size);
      await readFully(fd, bytes, 0);
      // By all its bytes: a file can have its end and lack its middle after a power cut.
      // A sync that fails has told it once and will not again: such a file is written anew.
      if (bytes.equals(object.file)) {
        return await syncData(fd).then(
          () => 'same' as const,
          () => 'damaged' as const,
        );
      }
      return versionOf(() => decodeFooter(bytes, bytes.byteLength).version, object);
    }
  } finally {
    await closeFile(fd);
  }
  return versionOf(async () => (await readObjectInfo(path)).version, object);
}

async function versionOf(
  read: () => string | Promise<string>,
  object: JournaledObject,
): Promise<'missing' | 'other' | 'damaged'> {
  try {
    return (await read()) === object.version ? 'damaged' : 'other';
  } catch (error) {
    if (isStowageError(error, 'object_corrupt')) return 'damaged';
    if (isStowageError(error, 'object_not_found')) return 'missing';
    if (isStowageError(error, 'capability_missing')) return 'other';
    throw error;
  }
}

async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const fd = await createFile(path);
  try {
    await writeFully(fd, [bytes]);
    await syncData(fd);
  } catch (error) {
    await unlinkFile(path).catch(() => {});
    throw error;
  } finally {
    await closeFile(fd);
  }
}

async function linkUnlessTaken(existingPath: string, newPath: string): Promise<void> {
  await linkFile(existingPath, newPath).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
}
