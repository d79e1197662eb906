import { type ErrorCode, StowageError } from '../../core/errors.ts';

/** What the operating system's words mean to a caller. No path gets into a message: it stays in `cause`. */
const CAUSES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['object_not_found', 'The object was not found.'],
  EEXIST: ['object_exists', 'The key is taken.'],
  EACCES: ['storage_denied', 'The store may not be read or written.'],
  EPERM: ['storage_denied', 'The store may not be read or written.'],
  EROFS: ['storage_denied', 'The store can only be read.'],
  ELOOP: ['storage_denied', 'The store holds a symbolic link where an object should be.'],
  ENOTDIR: ['storage_denied', 'The store holds a file where a directory should be.'],
  EISDIR: ['object_corrupt', 'The store holds a directory where an object should be.'],
  ENOSPC: ['storage_unavailable', 'The store is full.'],
  EDQUOT: ['storage_unavailable', 'The store is full.'],
  EFBIG: ['file_too_large', 'The file is larger than the store can hold.'],
  EMFILE: ['storage_unavailable', 'The store is busy: too many files are open.'],
  ENFILE: ['storage_unavailable', 'The store is busy: too many files are open.'],
};

/**
 * Translates a failure of the file system; a StowageError passes as it is.
 *
 * @param missing what `ENOENT` means where it happened; a missing object unless told otherwise.
 */
export function toStowageError(error: unknown, missing: ErrorCode = 'object_not_found'): StowageError {
  if (error instanceof StowageError) return error;
  const [code, message] = CAUSES[systemCode(error)] ?? ['storage_unavailable', 'The store does not answer.'];
  if (code === 'object_not_found' && missing !== code) {
    return new StowageError(missing, 'A directory of the store is missing.', { cause: error });
  }
  return new StowageError(code, message, { cause: error });
}

/** The operating system's name of a failure, such as `ENOENT`; `''` for other errors. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
