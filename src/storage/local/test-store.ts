import fs from 'node:fs';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { KIB } from '../../core/bytes.ts';
import { parseObjectKey } from '../../core/key.ts';
import { Bucket } from '../bucket.ts';
import { openLocalBackend } from './backend.ts';
import { journalThread } from './journal-thread.ts';
import { type Layout, objectPlace } from './layout.ts';
import type { LocalBackend, LocalBackendOptions } from './options.ts';

/** A store on local disk in a directory of its own. */
export interface TestStore {
  readonly root: string;
  readonly backend: LocalBackend;
  readonly bucket: Bucket;
  /** Opens the same directory again, as another process would. */
  reopen(options?: Partial<LocalBackendOptions>): Promise<LocalBackend>;
  /** The file of an object. */
  pathOf(key: string): string;
  /** Names of all temporary files, once nothing is left to do for earlier calls. */
  temporaries(): Promise<readonly string[]>;
  /** Names of everything below the root, sorted, once nothing is left to do for earlier calls. */
  names(): Promise<readonly string[]>;
}

const TEST_OPTIONS = {
  publicUrl: 'http://127.0.0.1',
  signingSecrets: ['a secret of the tests, 32 bytes +'],
  freeBytesMin: 0,
};

/** Where things are in a store at `root`. */
function layoutOf(root: string): Layout {
  return {
    root,
    objects: `${root}/objects`,
    parts: `${root}/parts`,
    temporary: `${root}/tmp`,
    journal: `${root}/journal`,
  };
}

/** Opens a store that is removed when the test ends. */
export async function openTestStore(
  context: TestContext,
  options: Partial<LocalBackendOptions> = {},
): Promise<TestStore> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-local-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const root = join(directory, 'store');
  const reopen = (more: Partial<LocalBackendOptions> = {}) =>
    openLocalBackend({
      ...TEST_OPTIONS,
      root,
      ...options,
      ...more,
    });
  const backend = await reopen();
  const pathOf = (key: string) => objectPlace(layoutOf(root), parseObjectKey(key)).path;
  const temporaries = async () => {
    await journalThread().rest();
    return readdir(`${root}/tmp`);
  };
  const names = async () => {
    await journalThread().rest();
    return (await readdir(root, { recursive: true })).sort();
  };
  return { root, backend, bucket: new Bucket(backend), reopen, pathOf, temporaries, names };
}

/** A store as it stands after the power was cut, opened. */
export interface StoreAfterCut extends LocalBackend {
  readonly root: string;
  pathOf(key: string): string;
}

/**
 * Copies a store as a power cut would leave it, without the files of `lost`: their bytes had not reached the disk. Opens the copy.
 */
export async function cutPower(
  context: TestContext,
  store: Pick<TestStore, 'root'>,
  lost: readonly string[],
  damage: (pathOf: (key: string) => string, root: string) => Promise<void> = async () => {},
): Promise<StoreAfterCut> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-cut-'));
  const root = join(directory, 'store');
  // Names that go while they are copied would fail it.
  await journalThread().rest();
  await cp(store.root, root, { recursive: true });
  const pathOf = (key: string) => objectPlace(layoutOf(root), parseObjectKey(key)).path;
  for (const key of lost) await rm(pathOf(key), { force: true });
  await damage(pathOf, root);
  const backend = await openLocalBackend({ ...TEST_OPTIONS, root });
  context.after(async () => {
    await backend.close();
    await rm(directory, { recursive: true, force: true });
  });
  return Object.assign(backend, { root, pathOf });
}

/** Lets disks have so many bytes free, by the path that is asked for, until the test ends. */
export function haveFree(context: TestContext, freeBytesAt: (path: string) => number): void {
  const { mock } = context.mock.method(fs.promises, 'statfs', async (path: string) => {
    // What only root may write is no room: bfree is more than bavail.
    return { bsize: 4 * KIB, bavail: freeBytesAt(path) / (4 * KIB), bfree: 2 ** 40, blocks: 2 ** 41 };
  });
  syncBuiltinESMExports();
  context.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
}
