import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
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
