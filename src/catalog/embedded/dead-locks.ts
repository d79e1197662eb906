import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Location, SOCKET_NAME } from './location.ts';

/** A server writes its process id into its lock file at once; one that holds none after this long was cut off. */
const EMPTY_MS_MAX = 1_000;

/**
 * Removes the lock files, of the cluster and of its socket, whose server is certainly gone: after a crash its process id
 * may belong to an unrelated process (common in containers), or to a zombie nobody collects; PostgreSQL would wait for
 * ever. It still finds surviving children by their shared memory, which is named after the directory.
 */
export function removeDeadLocks(location: Location, nowMs: number): void {
  for (const file of [
    join(location.clusterDirectory, 'postmaster.pid'),
    join(location.socketDirectory, `${SOCKET_NAME}.lock`),
  ]) {
    const text = readText(file);
    // Read again just before: another process may have removed it meanwhile and started a server.
    if (text !== null && isDead(file, text, nowMs) && readText(file) === text) rmSync(file, { force: true });
  }
}

function isDead(file: string, text: string, nowMs: number): boolean {
  // Negative: PostgreSQL in its mode for a single user.
  const pid = Math.abs(Number.parseInt(text, 10));
  if (!(pid > 0)) {
    const info = statSync(file, { throwIfNoEntry: false });
    return info !== undefined && Math.abs(nowMs - info.mtimeMs) > EMPTY_MS_MAX;
  }
  if (process.platform !== 'linux') return false;
  const command = readText(`/proc/${pid}/cmdline`);
  return command !== null && !command.includes('postgres');
}

/** @returns null when it is not there or may not be read. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
