/** A reason why the embedded database can't run here; the message is for the operator and says what to do instead. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError';
}

const INSTEAD = 'Set DATABASE_URL to use a PostgreSQL server (15 to 18) instead.';

/** The error for a reason, ending in what to set instead. */
export function cannotRun(reason: string, cause?: unknown): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `The embedded database can't run: ${reason} ${INSTEAD}`,
    cause === undefined ? undefined : { cause },
  );
}

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [
    /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/i,
    'the disk that holds DATA_DIR is full. Free some space.',
  ],
  [
    /could not look up effective user ID|could not look up local user ID/i,
    'the user id that Stowage runs as has no entry in /etc/passwd, which PostgreSQL demands. Run as a named user.',
  ],
  [
    /EPERM|Operation not permitted/i,
    'Stowage is root, but may not become an unprivileged user (no CAP_SETUID). Run Stowage as an ordinary user.',
  ],
  [
    /error while loading shared libraries|GLIBC|symbol not found|Exec format error/i,
    'the PostgreSQL binaries do not fit this system. Install PostgreSQL from your system’s packages.',
  ],
  [
    /could not create shared memory|could not open shared memory|could not map anonymous shared memory/i,
    'the system gives PostgreSQL no shared memory (is /dev/shm there?).',
  ],
  [
    /database files are incompatible with server/i,
    'its files were made by another major version. Start with that version once and use `stowage db export`.',
  ],
  [/Read-only file system|EROFS/i, 'DATA_DIR is on a read-only file system.'],
];

/** Turns what initdb or the server said into the error an operator can act on; unknown words are passed on. */
export function explainFailure(step: string, output: string, cause?: unknown): EmbeddedDatabaseError {
  const known = KNOWN.find(([pattern]) => pattern.test(output));
  const words = output.trim().split('\n').slice(-6).join(' | ');
  return cannotRun(known === undefined ? `${step} failed: ${words || 'it said nothing'}.` : known[1], cause);
}
