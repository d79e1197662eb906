import { mapBounded } from '../map-bounded.ts';
import { systemCode } from './errors.ts';
import { closeFile, openForReading, syncData } from './file-calls.ts';

/** Waits until the bytes of files have reached the disk, `atOnce` at a time. What is not there is left out. */
export async function syncFiles(paths: readonly string[], atOnce: number): Promise<void> {
  await mapBounded(paths, atOnce, syncFile);
}

/** Waits until a file's bytes have reached the disk; false when nothing is there. */
export async function syncFile(path: string): Promise<boolean> {
  let fd: number;
  try {
    fd = await openForReading(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    await syncData(fd);
    return true;
  } finally {
    await closeFile(fd);
  }
}
