import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { trySyncDirectoryNow } from './sync-directory.ts';

/**
 * Makes a directory and those above it that are missing, one level at a time. Node's own recursive `mkdir` asks for ever
 * where the system says "no such entry" about a place whose parent is there, as in /proc. What it has made stays after a power
 * cut. Synchronous: for starting.
 *
 * @param mode of the directories that are made; those that are there stay as they are.
 * @throws the system's error: of the first level that can't be made, or ENOTDIR where something else is in the way.
 */
export function makeDirectories(path: string, mode: number): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) {
    if (at === dirname(at)) break;
    missing.unshift(at);
  }
  for (const directory of missing) {
    try {
      mkdirSync(directory, { mode });
      trySyncDirectoryNow(dirname(directory));
    } catch (error) {
      // Another process may have made it meanwhile; a link that leads nowhere is taken as well.
      if (!isTaken(error) || !isDirectory(directory)) throw error;
    }
  }
}

/** @throws an ENOTDIR error for what is there and no directory. */
function isDirectory(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return false;
  if (info.isDirectory()) return true;
  throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: 'ENOTDIR' });
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
