import { spawn } from 'node:child_process';
import { chown, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { trySyncDirectoryNow } from '../../core/sync-directory.ts';
import type { Binaries } from './binaries.ts';
import type { Location } from './location.ts';
import { explainFailure } from './problems.ts';

/** The role initdb makes: superuser, used for setting up and for nothing else. */
export const SETUP_ROLE = 'stowage_admin';

/** An initdb takes seconds; what is older than this was left by one that was killed. */
const STALE_AFTER_MS = 10 * 60_000;

/**
 * Makes a cluster under a name of its own and renames it, so that a kill in the middle leaves nothing half-made. When
 * another process was faster, its cluster stays.
 */
export async function makeCluster(
  location: Location,
  binaries: Binaries,
  options: { readonly durable: boolean; readonly nowMs: number },
): Promise<void> {
  await removeStaleClusters(location, options.nowMs);
  const temporary = await mkdtemp(`${location.clusterDirectory}.new-`);
  try {
    if (location.runAs !== null) await chown(temporary, location.runAs.uid, location.runAs.gid);
    await runInitdb(location, binaries, temporary, options.durable);
    await rename(temporary, location.clusterDirectory);
    if (options.durable) trySyncDirectoryNow(location.directory);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function removeStaleClusters(location: Location, nowMs: number): Promise<void> {
  const prefix = `${basename(location.clusterDirectory)}.new-`;
  for (const name of await readdir(location.directory)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(location.directory, name);
    const info = await stat(path).catch(() => undefined);
    if (info !== undefined && nowMs - info.mtimeMs > STALE_AFTER_MS)
      await rm(path, { recursive: true, force: true });
  }
}

function runInitdb(
  location: Location,
  binaries: Binaries,
  directory: string,
  durable: boolean,
): Promise<void> {
  // Locale C: the order of text never changes with the system's C library, which would break indexes.
  const args = [
    '-D',
    directory,
    '-U',
    SETUP_ROLE,
    '-E',
    'UTF8',
    '--locale=C',
    '--auth=trust',
    '--data-checksums',
  ];
  if (!durable) args.push('--no-sync');
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(binaries.initdb, args, {
      cwd: '/',
      env: serverEnvironment(binaries),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(location.runAs === null ? {} : { uid: location.runAs.uid, gid: location.runAs.gid }),
    });
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => reject(explainFailure('initdb', String(error), error)));
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(explainFailure('initdb', output));
    });
  });
}

/** What the server's programs see of the environment: nothing of ours, and messages in English. */
export function serverEnvironment(binaries: Binaries): NodeJS.ProcessEnv {
  return { PATH: `${dirname(binaries.postgres)}:/usr/bin:/bin`, LC_ALL: 'C', TZ: 'UTC' };
}
