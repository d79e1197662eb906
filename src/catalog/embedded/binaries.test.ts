import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../core/log.ts';
import { findBinaries, MAJOR_MAX, MAJOR_MIN, readClusterMajor } from './binaries.ts';
import { type Location, prepareLocation } from './location.ts';
import { EmbeddedDatabaseError } from './problems.ts';

describe('choosing a PostgreSQL', () => {
  let directory: string;
  let location: Location;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stowage-choice-'));
    location = await prepareLocation(directory, silentLog);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('finds one for a new database, of a supported version', async () => {
    const { major, initdb, postgres } = await findBinaries(location, null, undefined);
    assert.ok(major >= MAJOR_MIN && major <= MAJOR_MAX);
    assert.deepEqual([initdb.endsWith('/initdb'), postgres.endsWith('/postgres')], [true, true]);
  });

  test('stays with the version of an existing database, whatever else is there', async () => {
    // 18 comes from npm on every machine that runs these tests.
    assert.equal((await findBinaries(location, 18, undefined)).major, 18);
  });

  test('takes the system’s before that of npm, when its version is supported', async (context) => {
    const system = join(directory, 'system');
    await mkdir(system);
    const install = async (major: number) => {
      for (const name of ['postgres', 'initdb'])
        await writeFile(join(system, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${major}.1"\n`, {
          mode: 0o755,
        });
    };
    const { PATH } = process.env;
    context.after(() => {
      process.env.PATH = PATH;
    });
    process.env.PATH = `${system}:/usr/bin:/bin`;
    await install(17);
    // A machine may have one of its own in the usual places: then that is the system's.
    const first = (await findBinaries(location, null, undefined)).postgres;
    assert.ok(first.startsWith(system) || /^\/(?:usr|opt)\//.test(first), first);
    assert.equal((await findBinaries(location, 17, undefined)).major, 17);
    await install(MAJOR_MIN - 1);
    await assert.rejects(findBinaries(location, MAJOR_MIN - 1, undefined), EmbeddedDatabaseError);
    const other = await findBinaries(location, null, undefined);
    assert.ok(!other.postgres.startsWith(system), 'too old');
  });

  test('refuses a version that is not there, and says how to move', async () => {
    await assert.rejects(findBinaries(location, 14, undefined), (error) => {
      assert.ok(error instanceof EmbeddedDatabaseError);
      assert.match(
        error.message,
        /made by PostgreSQL 14, and this machine has .*stowage db import.*DATABASE_URL/s,
      );
      return true;
    });
  });

  test('a directory without a database has no version', async () => {
    assert.equal(await readClusterMajor(directory), null);
  });
});
