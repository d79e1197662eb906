import { lstat, readdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ownerOfDirectory } from '../storage/local/process-directories.ts';
import type { SweepCount } from './sweep.ts';

/** Removes files in the spool that are older than any request: what a crash left there. */
export async function removeSpoolLeftovers(
  spoolDir: string | null,
  options: { readonly apply: boolean; readonly beforeMs: number },
): Promise<SweepCount> {
  let found = 0;
  let bytes = 0;
  let removed = 0;
  for (const path of await filesBelow(spoolDir)) {
    // A file may vanish between the listing and the question: its request has ended.
    const info = await lstat(path).catch(() => undefined);
    if (info === undefined || info.mtimeMs >= options.beforeMs) continue;
    found += 1;
    bytes += info.size;
    if (options.apply)
      await unlink(path).then(
        () => (removed += 1),
        () => undefined,
      );
  }
  return { found, bytes, removed };
}

/** The spool has a directory for each process; those of processes that run here are theirs to clean. */
async function filesBelow(spoolDir: string | null): Promise<readonly string[]> {
  if (spoolDir === null) return [];
  const entries = await readdir(spoolDir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && ownerOfDirectory(basename(entry.parentPath)) !== 'running')
    .map((entry) => join(entry.parentPath, entry.name));
}
