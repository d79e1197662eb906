import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeDirectories } from './make-directories.ts';

function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-directories-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('all missing levels are made with the mode, and those that are there stay', (context) => {
  const root = temporaryDirectory(context);
  mkdirSync(join(root, 'open'), { mode: 0o755 });
  makeDirectories(join(root, 'open/a/b'), 0o700);
  makeDirectories(join(root, 'open/a/b'), 0o755);
  const modes = ['open', 'open/a', 'open/a/b'].map((name) => statSync(join(root, name)).mode & 0o777);
  assert.deepEqual(modes, [0o755, 0o700, 0o700]);
});

test('a link to a directory is a directory', (context) => {
  const root = temporaryDirectory(context);
  symlinkSync(root, join(root, 'link'));
  makeDirectories(join(root, 'link/a'), 0o700);
  assert.equal(statSync(join(root, 'a')).isDirectory(), true);
});

test('a file, or a link that leads nowhere, is in the way', (context) => {
  const root = temporaryDirectory(context);
  writeFileSync(join(root, 'file'), '');
  symlinkSync(join(root, 'nowhere'), join(root, 'lost'));
  assert.throws(() => makeDirectories(join(root, 'file'), 0o700), { code: 'ENOTDIR' });
  assert.throws(() => makeDirectories(join(root, 'file/a/b'), 0o700), { code: 'ENOTDIR' });
  assert.throws(() => makeDirectories(join(root, 'lost/a'), 0o700), { code: 'EEXIST' });
});

test('a place where the system makes nothing is refused at once', {
  skip: process.platform !== 'linux',
}, () => {
  assert.throws(() => makeDirectories('/proc/stowage/data', 0o700), { code: 'ENOENT' });
});
