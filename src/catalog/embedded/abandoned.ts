import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';

/** Written beside a cluster that is kept away from its DATA_DIR, for whoever wonders what it is. */
export const BELONGS_TO = 'belongs-to.json';

/**
 * Removes clusters kept below `parent` whose DATA_DIR was in the system's temporary directory and is gone, as tests and
 * trials leave them. Any other DATA_DIR may be a disk that is not mounted now: its cluster stays.
 */
export async function removeAbandonedClusters(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const directory = join(parent, name);
    const dataDir = await readOwner(join(directory, BELONGS_TO));
    if (typeof dataDir !== 'string' || !dataDir.startsWith(tmpdir() + sep)) continue;
    if (await exists(dataDir)) continue;
    if (await exists(join(directory, 'cluster', 'postmaster.pid'))) continue;
    await rm(directory, { recursive: true, force: true });
  }
}

/** Another process that starts may be writing the file just now; then, as with a damaged one, nobody knows. */
async function readOwner(file: string): Promise<unknown> {
  try {
    return Object(JSON.parse(await readFile(file, 'utf8'))).data_dir;
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}
