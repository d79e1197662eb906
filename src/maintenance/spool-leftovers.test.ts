import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newProcessDirectoryName } from '../storage/local/process-directories.ts';
import { removeSpoolLeftovers } from './spool-leftovers.ts';

test('old files of processes that are gone are removed, those of running ones stay', async () => {
  const root = await mkdtemp(join(tmpdir(), 'stowage-spool-'));
  try {
    const own = newProcessDirectoryName();
    const gone = own.replace(/^(\d+)-\d+-/, '$1-1-');
    for (const name of [own, gone]) {
      await mkdir(join(root, name));
      await writeFile(join(root, name, 'a.spool'), 'left');
    }
    const count = await removeSpoolLeftovers(root, { apply: true, beforeMs: Number.MAX_SAFE_INTEGER });
    assert.deepEqual(count, { found: 1, bytes: 4, removed: 1 });
    assert.deepEqual([await readdir(join(root, own)), await readdir(join(root, gone))], [['a.spool'], []]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
