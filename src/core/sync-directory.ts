import { closeSync, fsyncSync, openSync } from 'node:fs';

/**
 * Waits until the names in a directory have reached the disk: some file systems lose a new file's name in a power cut, however
 * well its bytes were synced. Synchronous: for starting.
 */
export function syncDirectoryNow(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** The same where the system lets us; a directory that may be entered but not read is left to it. */
export function trySyncDirectoryNow(path: string): void {
  try {
    syncDirectoryNow(path);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** The caller may not read it, or the file system knows no such call. */
function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return ['EACCES', 'EPERM', 'EINVAL', 'EISDIR', 'ENOTSUP', 'EROFS'].includes(String(code));
}
