import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { elfInterpreter } from './elf-interpreter.ts';
import type { Location } from './location.ts';
import { preparePackage } from './npm-binaries.ts';
import { EmbeddedDatabaseError } from './problems.ts';

const MUSL = '/lib/ld-musl-x86_64.so.1';

if (process.platform === 'linux') {
  describe('the loader that a program asks for', () => {
    let root: string;
    let glibc: string;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'stowage-elf-'));
      const found = await elfInterpreter(process.execPath);
      assert.ok(found !== undefined, 'Node is linked dynamically');
      glibc = found;
    });
    after(() => rm(root, { recursive: true, force: true }));

    /** A program of this system that asks for another loader, as one for another C library does. */
    async function linkedTo(name: string, loader: string): Promise<string> {
      const bytes = await readFile('/bin/cat');
      const at = bytes.indexOf(`${await elfInterpreter('/bin/cat')}\0`);
      bytes.fill(0, at, at + glibc.length).write(loader, at, 'latin1');
      const path = join(root, name);
      await writeFile(path, bytes);
      await chmod(path, 0o755);
      return path;
    }

    /** An unpacked package whose programs ask for the loader. */
    async function packageWith(loader: string): Promise<string> {
      const directory = await mkdtemp(join(root, 'package-'));
      await mkdir(join(directory, 'native', 'bin'), { recursive: true });
      await rename(await linkedTo('postgres', loader), join(directory, 'native', 'bin', 'postgres'));
      return directory;
    }

    const location = (): Location => ({
      directory: join(root, 'data'),
      clusterDirectory: join(root, 'cluster'),
      socketDirectory: join(root, 'socket'),
      runAs: null,
    });

    const refuses = (act: Promise<unknown>, told: RegExp) =>
      assert.rejects(act, (error: unknown) => {
        assert.ok(error instanceof EmbeddedDatabaseError);
        assert.match(error.message, told);
        assert.match(error.message, /Set DATABASE_URL to use a PostgreSQL server/);
        return true;
      });

    test('is read from real programs', async () => {
      assert.match(glibc, /^\/lib.*\/ld-linux-[\w-]+\.so\.\d$/);
      assert.equal(await elfInterpreter(await linkedTo('a', MUSL)), MUSL);
    });

    test('is none of a script, an empty file, or a cut-off program', async () => {
      const path = join(root, 'none');
      const cat = await readFile('/bin/cat');
      for (const bytes of [
        '#!/bin/sh\n',
        '',
        cat.subarray(0, 63),
        cat.subarray(0, 64),
        cat.subarray(0, 100),
      ]) {
        await writeFile(path, bytes);
        assert.equal(await elfInterpreter(path), undefined);
      }
    });

    test('is not there on a system with another C library: the kernel then finds no program', async () => {
      const program = await linkedTo('b', '/lib/ld-none.so.1');
      await assert.rejects(promisify(execFile)(program, ['--version']), { code: 'ENOENT' });
    });

    test('of Node says that this is musl: the error names the package to install, and what to set instead', async () => {
      const node = await linkedTo('node', MUSL);
      await refuses(
        preparePackage(await packageWith(glibc), location(), [], node),
        /musl .*`apk add postgresql17`/,
      );
    });

    test('of PostgreSQL that is not there is told by its name, also when Node is linked statically', async () => {
      const script = join(root, 'static-node');
      await writeFile(script, '#!/bin/sh\n');
      await refuses(
        preparePackage(await packageWith('/lib/ld-none.so.1'), location(), [], script),
        /needs glibc, and this system has no \/lib\/ld-none\.so\.1\. Install PostgreSQL/,
      );
    });
  });
}
