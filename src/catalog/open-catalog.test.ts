import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientConfig } from 'pg';
import { silentLog } from '../core/log.ts';
import { makeAsset, makeUpload, NOON_MS } from './fixtures.ts';
import { type OpenCatalog, openCatalog } from './open-catalog.ts';
import { openTestDatabase, type TestMajor } from './testing.ts';

const urlOf = ({ user, host, database }: ClientConfig): string =>
  `postgres://${user}@/${database}?host=${encodeURIComponent(host ?? '')}`;

const open = (url: string): Promise<OpenCatalog> =>
  openCatalog({ url, dataDir: '/nonexistent', log: silentLog, clock: { now: () => NOON_MS } });

for (const major of [15, 18] as const satisfies TestMajor[]) {
  describe(`a catalog by DATABASE_URL on PostgreSQL ${major}`, () => {
    test('one role migrates and works, and the owner is told what that weakens', async () => {
      await using store = await openTestDatabase({ major, empty: true });
      const opened = await open(urlOf(store.owner));
      assert.equal(opened.embedded, false);
      assert.equal(opened.migrations.serverMajor, major);
      assert.match(
        opened.warnings.join(),
        /^The role of DATABASE_URL owns the access log, so whoever gets hold/,
      );
      assert.equal((await opened.catalog.commitUpload(makeUpload([makeAsset()]))).outcome, 'recorded');
      await opened.close();
      const again = await open(urlOf(store.setup));
      assert.match(again.warnings.join(), /is a superuser/);
      await again.close();
    });

    test('with a role that owns nothing there is nothing to warn of', async () => {
      await using store = await openTestDatabase({ major });
      const opened = await open(urlOf(store.app));
      assert.deepEqual(opened.warnings, []);
      assert.equal((await opened.catalog.commitUpload(makeUpload([makeAsset()]))).outcome, 'recorded');
      await opened.close();
    });
  });
}

test('a server that is not there is database_unavailable, with a time to come back', async () => {
  await assert.rejects(open('postgres://nobody@/none?host=%2Fnonexistent'), {
    code: 'database_unavailable',
    fields: { retry_after_seconds: 2 },
  });
});

test('a closed catalog answers database_unavailable', async () => {
  await using store = await openTestDatabase();
  const opened = await open(urlOf(store.app));
  await opened.close();
  await assert.rejects(opened.catalog.ping(), { code: 'database_unavailable' });
  await assert.rejects(opened.catalog.commitUpload(makeUpload([makeAsset()])), {
    code: 'database_unavailable',
  });
});
