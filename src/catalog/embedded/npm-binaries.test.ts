import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, readlink, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { testBinDir } from '../testing.ts';
import type { Location } from './location.ts';
import { preparePackage } from './npm-binaries.ts';
import { unprivilegedAccount } from './run-as.ts';

const LINK = 'native/lib/libpq.so.5';

describe('the binaries from npm', () => {
  let root: string;
  let packageDirectory: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'stowage-binaries-'));
    await chmod(root, 0o755);
    packageDirectory = join(root, 'package');
    await cp(dirname(dirname(testBinDir(18))), packageDirectory, { recursive: true, verbatimSymlinks: true });
  });
  after(() => rm(root, { recursive: true, force: true }));

  const locate = async (): Promise<Location> => ({
    directory: await mkdtemp(join(root, 'data-')),
    clusterDirectory: join(root, 'cluster'),
    socketDirectory: join(root, 'socket'),
    runAs: await unprivilegedAccount(),
  });

  test('get the links that the package would have made, when its install script did not run', async () => {
    await rm(join(packageDirectory, LINK), { force: true });
    const bin = await preparePackage(packageDirectory, await locate());
    assert.equal(bin, join(packageDirectory, 'native/bin'));
    assert.match(await readlink(join(packageDirectory, LINK)), /^libpq\.so\.5\.\d+$/);
  });

  if (process.getuid?.() === 0) {
    test('are copied, once, where the account that runs them can read them', async () => {
      await chmod(packageDirectory, 0o700);
      await rm(join(packageDirectory, LINK), { force: true });
      const cache = join(root, 'cache');
      const location = await locate();
      const bin = await preparePackage(packageDirectory, location, [cache]);
      assert.ok(bin.startsWith(join(cache, 'postgresql-18.')));
      const said = execFileSync(join(bin, 'initdb'), ['--version'], {
        encoding: 'utf8',
        cwd: '/',
        uid: location.runAs?.uid,
        gid: location.runAs?.gid,
      });
      assert.match(said, /PostgreSQL\) 18/);
      const made = (await stat(join(bin, 'postgres'))).mtimeMs;
      assert.equal(await preparePackage(packageDirectory, location, [cache]), bin);
      assert.equal((await stat(join(bin, 'postgres'))).mtimeMs, made);
      // As a power cut leaves it: the name is there, the bytes are not.
      await truncate(join(bin, 'postgres'), 0);
      await preparePackage(packageDirectory, location, [cache]);
      assert.ok((await stat(join(bin, 'postgres'))).size > 1_000_000);
    });

    test('are copied by several that start at once, and none removes the copy that another runs from', async () => {
      await chmod(packageDirectory, 0o700);
      const cache = join(root, 'cache-of-several');
      const location = await locate();
      const inode = async (bin: string): Promise<number> => (await stat(join(bin, 'postgres'))).ino;
      const copies = await Promise.all(
        [1, 2].map(async () => {
          const bin = await preparePackage(packageDirectory, location, [cache]);
          return { bin, ino: await inode(bin) };
        }),
      );
      for (const { bin, ino } of copies) assert.equal(await inode(bin), ino);
      assert.equal((await readdir(cache)).length, 1);
    });

    test('are never taken from a directory that others could have written', async () => {
      await chmod(packageDirectory, 0o700);
      const cache = await mkdtemp(join(root, 'open-'));
      await chmod(cache, 0o777);
      const location = await locate();
      await chmod(location.directory, 0o755);
      const bin = await preparePackage(packageDirectory, location, [cache]);
      assert.ok(bin.startsWith(location.directory));
      await chmod(location.directory, 0o777);
      await assert.rejects(preparePackage(packageDirectory, location, [cache]), /Set DATABASE_URL/);
    });
  }
});
