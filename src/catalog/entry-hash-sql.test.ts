import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../core/log.ts';
import { accessEntryOf } from './access-log.ts';
import type { AccessEntry } from './catalog.ts';
import { type Database, openDatabase } from './database.ts';
import { hashEntry } from './entry-hash.ts';
import { entryHash } from './entry-hash-sql.ts';
import { makeEntry, NOON_MS } from './fixtures.ts';
import { emptyTestDatabase, openTestCatalog, type TestCatalog } from './testing.ts';

describe('the hash of an entry, computed by the database', () => {
  let store: TestCatalog;
  let database: Database;
  before(async () => {
    store = await openTestCatalog({ clock: { now: () => NOON_MS } });
    database = openDatabase(store.setup, silentLog);
  });
  after(async () => {
    await database.close();
    await store[Symbol.asyncDispose]();
  });

  const ENTRIES: readonly (readonly [what: string, given: Partial<AccessEntry>])[] = [
    ['plain values', {}],
    ['an asset', { assetId: '0190A5F0-0000-7000-8000-00000000ABCD' }],
    ['no user, type, key or agent', { userId: null, assetType: null, key: null, userAgent: null }],
    ['a reason', { outcome: 'refused', reason: 'forbidden' }],
    ['empty texts', { userId: '', assetType: '', userAgent: '' }],
    ['letters of two, three and four bytes', { userId: 'Jürgen', userAgent: '図書館', key: 'images/😀.png' }],
    ['characters that combine', { userAgent: 'e\u0301 é' }],
    ['what looks like the encoding', { userId: '3:abc-', userAgent: '-', requestId: '0:' }],
    ['quotes, backslashes and line ends', { userAgent: `'"\\x41\r\n\t$1` }],
    ['a long text', { userAgent: 'ä'.repeat(512) }],
    ['a whole second', { atMs: Date.UTC(2026, 0, 1) }],
    ['the last millisecond of a year', { atMs: Date.UTC(2027, 0, 1) - 1 }],
    ['a time before 1970', { atMs: -1 }],
  ];

  for (const [what, given] of ENTRIES) {
    test(`is that of this process for ${what}`, async () => {
      await emptyTestDatabase(store);
      await store.catalog.recordAccess(makeEntry(given));
      const row = await database.queries
        .selectFrom('file_access_logs')
        .selectAll()
        .select(entryHash.as('hash'))
        .executeTakeFirstOrThrow();
      assert.equal(row.hash.toString('hex'), hashEntry(accessEntryOf(row)).toString('hex'));
      assert.equal(await store.catalog.sealAccessLog(), 1);
      assert.equal((await store.catalog.verifyAccessLog({})).broken, null);
    });
  }
});
