import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isStowageError } from '../core/errors.ts';
import { createStowage } from './create-stowage.ts';
import { ALICE, bytesOf, refused, textOf } from './library-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'stowage-several-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const open = (dataDir: string, schema = 'app') =>
  createStowage({ cwd: directory, config: { dataDir }, schema });
const note = (text: string) =>
  ({ user: ALICE, body: bytesOf(text), filename: 'a.txt', assetType: 'study_material' }) as const;

describe('several libraries in one process', () => {
  test('work on databases of their own, each embedded, without meeting', async () => {
    const [one, other] = await Promise.all([open('one'), open('other')]);
    try {
      const asset = await one.upload(note('in one'));
      await refused(other.find(asset.assetId, ALICE), 'not_found');
      assert.deepEqual(await other.usage(ALICE), { files: 0, bytes: 0 });
      await one.database.migrate([{ name: '0001_t', sql: 'create table t (key text)' }]);
      await other.database.migrate([{ name: '0001_t', sql: 'create table t (key text)' }]);
      await one.transaction((tx) => tx.query(`insert into t values ('one')`));
      assert.equal((await other.database.query('select from t')).rowCount, 0);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  test('share one embedded database and one store, and the other goes on when the first closes', async (t) => {
    const one = await open('shared');
    const other = await open('shared', 'second_app');
    t.after(() => other.close());
    t.after(() => one.close());
    const asset = await one.upload(note('shared'));
    await one.database.migrate([{ name: '0001_t', sql: 'create table t (key text)' }]);
    await other.database.migrate([{ name: '0001_t', sql: 'create table t (number int)' }]);
    await one.close();
    // It ran the database: the other notices that it is gone, and starts it again.
    await available(() => other.usage(ALICE));
    const { body } = await other.download(asset.assetId, ALICE);
    assert.equal(await textOf(body), 'shared');
    await other.transaction((tx) => tx.query('insert into t values (1)'));
    await other.upload({
      ...note('together'),
      inTransaction: (tx) => tx.query('insert into t values (2)'),
    });
    assert.equal((await other.database.query('select from t')).rowCount, 2);
  });
});

/** Waits until the database answers, at most 30 seconds. */
async function available(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!isStowageError(error, 'database_unavailable') || attempt === 300) throw error;
      await delay(100);
    }
  }
}
