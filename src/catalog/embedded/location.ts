import { createHash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lchown, link, lstat, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../../core/log.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import { trySyncDirectoryNow } from '../../core/sync-directory.ts';
import { BELONGS_TO, removeAbandonedClusters } from './abandoned.ts';
import { cannotRun } from './problems.ts';
import { closedDirectory, ownerAccount, type RunAs, unprivilegedAccount } from './run-as.ts';

/** Where the embedded database lives and who runs it. */
export interface Location {
  /** Holds the cluster and what belongs to it. */
  readonly directory: string;
  /** PostgreSQL's data directory. */
  readonly clusterDirectory: string;
  /** Directory of the unix socket, mode 0700: whoever can pass it can use the database. */
  readonly socketDirectory: string;
  /** Null: the server runs as we do. */
  readonly runAs: RunAs | null;
}

/** `sockaddr_un.sun_path` ends at 104 bytes on macOS and 108 on Linux, the closing NUL included. */
const SOCKET_PATH_BYTES_MAX = 103;
/** What PostgreSQL calls its socket on port 5432. */
export const SOCKET_NAME = '.s.PGSQL.5432';
/** Where clusters go when DATA_DIR lies behind a closed directory such as /root. */
const OPEN_DIRECTORY = '/var/lib/stowage';
/** Says, below DATA_DIR, where its cluster is when it is not there. */
const RECORD = 'location.json';

/**
 * Finds, and makes, the directories of the embedded database: `DATA_DIR/database`, unless Stowage is root and the
 * unprivileged account can't get there. Then `DATA_DIR/database/location.json` names a directory below
 * /var/lib/stowage. (Opening somebody's home to the world is not ours to do.)
 */
export async function prepareLocation(dataDir: string, log: Log): Promise<Location> {
  if (process.platform === 'win32')
    throw cannotRun('it needs unix sockets and signals, which Windows lacks.');
  const base = join(resolve(dataDir), 'database');
  makeBase(base);
  const directory = await chooseDirectory(base, log);
  const clusterDirectory = join(directory, 'cluster');
  const runAs = await chooseAccount(clusterDirectory);
  if (runAs !== null && directory === base) await openOwnDirectories(base, runAs);
  const closed = await closedDirectory(directory, runAs);
  if (closed !== null) {
    throw cannotRun(`the account "${runAs?.name}" that runs it can't pass through the directory ${closed}.`);
  }
  const socketDirectory = await prepareSocketDirectory(directory, runAs);
  return { directory, clusterDirectory, socketDirectory, runAs };
}

function makeBase(base: string): void {
  try {
    makeDirectories(base, 0o755);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw cannotRun(`DATA_DIR names a directory that can't be made (${reason}).`, error);
  }
}

async function chooseAccount(clusterDirectory: string): Promise<RunAs | null> {
  const owner = await ownerAccount(clusterDirectory);
  const self = process.getuid?.();
  if (self !== 0) {
    if (owner === undefined || owner.uid === self) return null;
    throw cannotRun(
      `${clusterDirectory} belongs to the user "${owner.name}". Run Stowage as that user or as root.`,
    );
  }
  return owner !== undefined && owner.uid !== 0 ? owner : await unprivilegedAccount();
}

async function chooseDirectory(base: string, log: Log): Promise<string> {
  const recorded = await readRecordedDirectory(base);
  if (recorded !== undefined) return recorded;
  const account = await unprivilegedAccount();
  if (account === null || (await exists(join(base, 'cluster')))) return base;
  if ((await closedDirectory(dirname(dirname(base)), account)) === null) return base;
  await removeAbandonedClusters(OPEN_DIRECTORY);
  const directory = join(OPEN_DIRECTORY, randomBytes(8).toString('hex'));
  makeDirectories(directory, 0o755);
  await writeFile(join(directory, BELONGS_TO), JSON.stringify({ data_dir: dirname(base) }));
  const chosen = await recordDirectory(base, directory);
  if (chosen !== directory) {
    await rm(directory, { recursive: true, force: true });
    return chosen;
  }
  log.warn(
    { directory, account: account.name },
    'DATA_DIR is closed to the account that runs the embedded database, which is kept elsewhere',
  );
  return directory;
}

/** Of several processes that start at once the first one's directory stays, and all use it. */
async function recordDirectory(base: string, directory: string): Promise<string> {
  const temporary = join(base, `location.json.${randomBytes(8).toString('hex')}`);
  await writeFile(temporary, JSON.stringify({ directory }), { flush: true });
  try {
    await link(temporary, join(base, RECORD));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return (await readRecordedDirectory(base)) ?? directory;
    // A file system without hard links: the last one's stays.
    await rename(temporary, join(base, RECORD));
  } finally {
    await rm(temporary, { force: true });
  }
  trySyncDirectoryNow(base);
  return directory;
}

async function readRecordedDirectory(base: string): Promise<string | undefined> {
  const file = join(base, RECORD);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record: unknown = JSON.parse(text);
  const directory =
    typeof record === 'object' && record !== null && 'directory' in record ? record.directory : null;
  if (typeof directory !== 'string' || !(await exists(directory))) {
    throw cannotRun(`${file} says where the database is kept, and it is not there. Bring it back.`);
  }
  return directory;
}

/** DATA_DIR and DATABASE below it are ours: the account may pass through them, but not list DATA_DIR. */
async function openOwnDirectories(base: string, runAs: RunAs): Promise<void> {
  for (const directory of [dirname(base), base]) {
    const info = await stat(directory);
    if (info.uid === 0 && (await closedDirectory(directory, runAs)) === directory) {
      await chmod(directory, (info.mode & 0o7777) | 0o011);
    }
  }
}

async function prepareSocketDirectory(directory: string, runAs: RunAs | null): Promise<string> {
  const near = join(directory, 'socket');
  const short = Buffer.byteLength(join(near, SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const path = short ? near : join(tmpdir(), `stowage-${hash}`);
  const uid = runAs?.uid ?? process.getuid?.() ?? 0;
  await mkdir(path, { mode: 0o700 }).catch(() => undefined);
  // Not yet handed over: it was made just now, here or by another process that starts too, or by one that was killed.
  if (runAs !== null && isOnlyFor(process.getuid?.() ?? 0, await lstat(path)))
    await lchown(path, runAs.uid, runAs.gid);
  // In a shared temporary directory anyone could have made it first: never use what is not ours alone.
  const info = await lstat(path);
  if (!isOnlyFor(uid, info)) {
    throw cannotRun(
      `the directory for its socket, ${path}, belongs to somebody else or is open to others. Remove it.`,
    );
  }
  if (Buffer.byteLength(join(path, SOCKET_NAME)) > SOCKET_PATH_BYTES_MAX) {
    throw cannotRun(`the path of its socket, ${path}, is too long. Use a shorter DATA_DIR or TMPDIR.`);
  }
  return path;
}

function isOnlyFor(uid: number, info: Stats): boolean {
  return info.isDirectory() && info.uid === uid && (info.mode & 0o077) === 0;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
