import { closeSync, constants, fsyncSync, openSync } from 'node:fs';

/**
 * Waits until the names in a directory have reached the disk: some file systems lose a new file's name in a power cut, however
 * well its bytes were synced. One that may be entered but not read can't be synced, and is left to the system.
 * Synchronous: for starting.
 */
export function syncDirectoryNames(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** The caller may not read it, or the file system knows no such call. */
function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return ['EACCES', 'EPERM', 'EINVAL', 'EISDIR', 'ENOTSUP', 'EROFS'].includes(String(code));
}
