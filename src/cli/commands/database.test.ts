import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../catalog/testing.ts';

const COMMAND = path.resolve(import.meta.dirname, '../../../bin/stowage.js');
const DIRECTORY = mkdtempSync(path.join(tmpdir(), 'stowage-database-'));
let database: TestDatabase;
before(async () => {
  database = await openTestDatabase();
});
after(async () => {
  await database?.[Symbol.asyncDispose]();
  rmSync(DIRECTORY, { recursive: true, force: true });
});

/** @param line for a shell in `DIRECTORY`, with `$STOWAGE` for the command. */
function run(line: string) {
  const { host, port, user, database: name } = database.owner;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
    encoding: 'utf8',
    cwd: DIRECTORY,
    env: {
      PATH: process.env.PATH ?? '',
      STOWAGE: `${process.execPath} ${COMMAND}`,
      DATABASE_URL: `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`,
      NODE_ENV: 'test',
      NODE_COMPILE_CACHE: path.join(DIRECTORY, '.cache'),
    },
  });
  return { status, stdout, stderr };
}

const filesLeft = () => readdirSync(DIRECTORY).filter((name) => name !== '.cache');

describe('stowage db', () => {
  for (const [words, sentence] of [
    ['import /no/export', "/no/export can't be read: no such file or directory."],
    ['import /', "/ can't be read: illegal operation on a directory."],
    ['export /no/export', "/no/export can't be written: no such file or directory."],
  ] as const) {
    test(`${words} is answered with a sentence, and as one document with --json`, () => {
      assert.deepEqual(run(`$STOWAGE db ${words}`), { status: 1, stdout: '', stderr: `${sentence}\n` });
      const { status, stdout, stderr } = run(`$STOWAGE db ${words} --json`);
      assert.deepEqual([status, stderr], [1, '']);
      assert.deepEqual(JSON.parse(stdout), { error: sentence, code: 'failed' });
    });
  }

  test('export leaves no file when it may write no more', () => {
    // The limit counts 512 bytes, less than an empty catalog takes.
    const { status, stdout } = run('ulimit -f 1; $STOWAGE db export half --json');
    assert.equal(status, 1);
    const error = `${path.join(DIRECTORY, 'half')} can't be written: file too large.`;
    assert.deepEqual(JSON.parse(stdout), { error, code: 'failed' });
    assert.deepEqual(filesLeft(), []);
  });

  test('export - into a pipe that nobody reads says so', () => {
    const { stderr } = run('$STOWAGE db export - | true');
    assert.equal(stderr, "Standard output can't be written: broken pipe.\n");
  });

  test('import takes what export wrote', () => {
    assert.equal(run('$STOWAGE db export whole').status, 0);
    assert.deepEqual(filesLeft(), ['whole']);
    const { status, stdout, stderr } = run('$STOWAGE db import whole --json');
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(stdout).imported.assets, 0);
  });
});
