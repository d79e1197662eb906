import { hash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { Log } from '../../core/log.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import { mapBounded } from '../map-bounded.ts';
import { systemCode } from './errors.ts';
import { syncDirectory } from './file-calls.ts';
import { newTemporaryName } from './temporary-files.ts';

/** Where things are below the root. */
export interface Layout {
  /** The root's real path. */
  readonly root: string;
  /** 256 directories `00` to `ff`, one file per object. */
  readonly objects: string;
  /** A directory per unfinished multi-part upload. */
  readonly parts: string;
  /** Files being written. On the same file system, so that a rename is atomic. */
  readonly temporary: string;
  /** Small objects that were acknowledged before their own files were on disk. */
  readonly journal: string;
}

/** Where an object's file is: a pure function of its key, so no key can name a place outside. */
export interface ObjectPlace extends FilePlace {
  /** Name of the file: the SHA-256 of the key, in hexadecimal digits. */
  readonly name: string;
}

/** A name in a directory. */
export interface FilePlace {
  readonly directory: string;
  readonly path: string;
}

/** Version of the tree; a store of another version is refused. */
const FORMAT_VERSION = 1;
/** What marks a directory as one of these stores. */
export const FORMAT_FILE = 'format.json';

/** Names of the directories that objects are spread over, in walking order. */
export const SHARDS: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(2, '0'),
);

export function objectPlace(layout: Layout, key: ObjectKey): ObjectPlace {
  return placeOfName(layout, hash('sha256', key));
}

/** The place of an object's file by its name. */
export function placeOfName(layout: Pick<Layout, 'objects'>, name: string): ObjectPlace {
  const directory = `${layout.objects}/${name.slice(0, 2)}`;
  return { directory, path: `${directory}/${name}`, name };
}

/**
 * Opens the tree below `root`, and makes what is missing. Every directory is looked at once, here: a symlink in the
 * place of one is refused.
 *
 * @throws StowageError `storage_denied` for a directory that holds something else, a symlink, or a store of another
 *   version; errors of the file system as they are.
 */
export async function openLayout(root: string, log: Log): Promise<Layout> {
  makeDirectories(root, 0o700);
  const realRoot = await realpath(root);
  const layout: Layout = {
    root: realRoot,
    objects: join(realRoot, 'objects'),
    parts: join(realRoot, 'parts'),
    temporary: join(realRoot, 'tmp'),
    journal: join(realRoot, 'journal'),
  };
  await requireOwn(layout);
  await keepPrivate(realRoot, log);
  for (const directory of directoriesOf(layout)) await makeDirectory(directory);
  await openFormat(layout);
  await openShards(layout);
  await syncDirectory(layout.objects);
  await syncDirectory(layout.root);
  return layout;
}

/**
 * Asks whether the tree is still there. A disk that is not mounted leaves an empty directory, where every object would
 * seem to be missing.
 *
 * @throws StowageError `storage_unavailable` when it is not.
 */
export async function requireTree(layout: Layout): Promise<void> {
  const found = await lstat(join(layout.root, FORMAT_FILE)).catch((error: unknown) => error);
  if (!(found instanceof Error)) return;
  throw new StowageError('storage_unavailable', 'The directory of the store is not there.', { cause: found });
}

/**
 * Asks whether the tree is still whole, and nothing else in the place of its root or of a directory that objects go through:
 * they would be read and written elsewhere.
 *
 * @throws StowageError `storage_unavailable` when it is gone, `storage_denied` for a symlink.
 */
export async function checkTree(layout: Layout): Promise<void> {
  await requireTree(layout);
  for (const directory of [layout.root, ...directoriesOf(layout)]) await requireDirectory(directory);
  if ((await missingShards(layout)).length > 0)
    throw new StowageError('storage_unavailable', 'Directories of the store are missing.');
}

function directoriesOf({ objects, parts, temporary, journal }: Layout): readonly string[] {
  return [objects, parts, temporary, journal];
}

/** A directory in use for something else is left as it is: a store keeps its directory to itself. */
async function requireOwn(layout: Layout): Promise<void> {
  const names = await readdir(layout.root);
  if (names.includes(FORMAT_FILE)) return;
  // A start that was broken off has made some of the tree; `lost+found` is the mark of an empty disk.
  const expected = new Set(['lost+found', ...directoriesOf(layout).map((path) => basename(path))]);
  const other = names.find((name) => !expected.has(name));
  if (other === undefined) return;
  throw new StowageError(
    'storage_denied',
    'The directory of the store holds something else. It must be empty or not there yet: name another.',
    { cause: new Error(`${layout.root} holds ${JSON.stringify(other)} and no ${FORMAT_FILE}.`) },
  );
}

async function keepPrivate(root: string, log: Log): Promise<void> {
  const { mode } = await lstat(root);
  if ((mode & 0o077) === 0) return;
  try {
    await chmod(root, 0o700);
  } catch (error) {
    log.warn({ err: error }, 'The directory of the store is open to other users of this machine.');
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
  await requireDirectory(path);
}

async function requireDirectory(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) throw notADirectory(path);
}

async function missingShards(layout: Layout): Promise<readonly string[]> {
  const missing = new Set(SHARDS);
  for (const entry of await readdir(layout.objects, { withFileTypes: true })) {
    if (!missing.delete(entry.name)) continue;
    if (!entry.isDirectory()) throw notADirectory(join(layout.objects, entry.name));
  }
  return [...missing];
}

async function openShards(layout: Layout): Promise<void> {
  await mapBounded(await missingShards(layout), 16, (shard) => makeDirectory(join(layout.objects, shard)));
}

async function openFormat(layout: Layout): Promise<void> {
  const path = join(layout.root, FORMAT_FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (text === null) {
    const temporaryPath = join(layout.temporary, newTemporaryName());
    const format = { format: 'stowage-local', version: FORMAT_VERSION };
    await writeFile(temporaryPath, `${JSON.stringify(format)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await rename(temporaryPath, path);
    return;
  }
  if (formatVersion(text) !== FORMAT_VERSION) {
    throw new StowageError('storage_denied', 'The store was written by another version and is left alone.');
  }
}

function formatVersion(text: string): unknown {
  try {
    const format: unknown = JSON.parse(text);
    return typeof format === 'object' && format !== null && 'version' in format ? format.version : undefined;
  } catch {
    return undefined;
  }
}

function notADirectory(path: string): StowageError {
  const cause = new Error(`${path} is no directory.`);
  return new StowageError('storage_denied', 'The store holds something else where a directory should be.', {
    cause,
  });
}
