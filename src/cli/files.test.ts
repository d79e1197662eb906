import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { readFrom, writeThrough, writeWhole } from './files.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stowage-files-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a file that is written', () => {
  test('appears whole, for its owner only, and what the writer returns comes back', async () => {
    const path = join(directory, 'export');
    const seen = await writeWhole(path, async (output) => {
      output.write('all of it');
      return readdirSync(directory).includes('export');
    });
    assert.equal(seen, false, 'not there while it is written');
    assert.equal(readFileSync(path, 'utf8'), 'all of it');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['export']);
  });

  test('stays what it was when the writer fails, and nothing lies beside it', async () => {
    const path = join(directory, 'export');
    writeFileSync(path, 'the earlier one');
    const failing = writeWhole(path, async (output) => {
      output.write('half');
      throw new Error('The database is gone.');
    });
    await assert.rejects(failing, { message: 'The database is gone.' });
    assert.deepEqual(readdirSync(directory), ['export']);
    assert.equal(readFileSync(path, 'utf8'), 'the earlier one');
  });

  for (const moment of ['while', 'after'] as const) {
    test(`leaves nothing when the disk takes no more ${moment} the writer works`, async () => {
      const path = join(directory, 'export');
      const failing = writeWhole(path, async (output) => {
        output.write('half');
        if (moment === 'while') await new Promise((resolve) => setImmediate(resolve));
        output.destroy(Object.assign(new Error('ENOSPC: no space left on device, write'), { errno: -28 }));
        if (moment === 'while') throw new Error('what follows from it');
      });
      await assert.rejects(failing, { message: `${path} can't be written: no space left on device.` });
      assert.deepEqual(readdirSync(directory), []);
    });
  }

  test('is named when its place does not exist or is a directory', async () => {
    const write = async () => assert.fail('nothing was opened');
    const nowhere = join(directory, 'no', 'export');
    await assert.rejects(writeWhole(nowhere, write), {
      message: `${nowhere} can't be written: no such file or directory.`,
    });
    const taken = join(directory, 'taken');
    mkdirSync(taken);
    await assert.rejects(
      writeWhole(taken, async () => undefined),
      { message: `${taken} can't be written: illegal operation on a directory.` },
    );
    assert.deepEqual(readdirSync(directory), ['taken']);
  });
});

describe('a file that is read', () => {
  test('is handed over piece by piece', async () => {
    const path = join(directory, 'export');
    writeFileSync(path, 'all of it');
    assert.equal(await readFrom(path, text), 'all of it');
    await assert.rejects(
      readFrom(path, () => Promise.reject(new Error('The export is damaged.'))),
      { message: 'The export is damaged.' },
    );
  });

  test('is named when it is not there or a directory', async () => {
    const nowhere = join(directory, 'no');
    await assert.rejects(readFrom(nowhere, text), {
      message: `${nowhere} can't be read: no such file or directory.`,
    });
    await assert.rejects(readFrom(directory, text), {
      message: `${directory} can't be read: illegal operation on a directory.`,
    });
  });
});

describe('a stream that somebody else opened', () => {
  test('is named when it breaks, and stays open otherwise', async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('broken pipe')) });
    const writing = writeThrough(broken, 'Standard output', async (output) => {
      output.write('something');
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('what follows from it');
    });
    await assert.rejects(writing, { message: "Standard output can't be written: broken pipe." });
    const open = new PassThrough();
    await writeThrough(open, 'Standard output', async (output) => void output.write('something'));
    assert.equal(open.writableEnded, false);
    assert.equal(open.listenerCount('error'), 0);
  });
});
