import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../../core/log.ts';
import { prepareLocation } from './location.ts';

/** So many that one looks at what another has only begun, in some of the rounds at least. */
const ROUNDS = 40;
const ROUNDS_ELSEWHERE = 5;
const AT_ONCE = 4;

test('several that start at once on one directory agree where the database is, and all may use it', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const dataDir = await mkdtemp(join(tmpdir(), 'stowage-location-'));
    try {
      const locations = await prepareAtOnce(dataDir);
      assert.equal(new Set(locations.map((location) => JSON.stringify(location))).size, 1);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
});

if (process.getuid?.() === 0) {
  test('as root, behind a closed directory, several that start at once agree on the place elsewhere', async () => {
    const home = await mkdtemp(join(tmpdir(), 'stowage-location-'));
    const elsewhere = new Set<string>();
    try {
      for (let round = 0; round < ROUNDS_ELSEWHERE; round += 1) {
        const closed = join(home, String(round));
        await mkdir(closed);
        await chmod(closed, 0o700);
        const locations = await prepareAtOnce(join(closed, 'data'));
        for (const { directory } of locations) elsewhere.add(directory);
        assert.equal(new Set(locations.map(({ directory }) => directory)).size, 1);
        assert.deepEqual(await readdir(join(closed, 'data/database')), ['location.json']);
      }
    } finally {
      for (const directory of elsewhere) await rm(directory, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    }
  });
}

function prepareAtOnce(dataDir: string) {
  return Promise.all(Array.from({ length: AT_ONCE }, () => prepareLocation(dataDir, silentLog)));
}
