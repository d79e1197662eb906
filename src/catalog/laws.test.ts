import { after, before, beforeEach, describe, test } from 'node:test';
import { Client } from 'pg';
import { silentLog } from '../core/log.ts';
import { openDatabase } from './database.ts';
import { NOON_MS } from './fixtures.ts';
import type { LawGround } from './laws/ground.ts';
import { LAWS } from './laws.ts';
import { postgresCatalog } from './postgres-catalog.ts';
import { emptyTestDatabase, openTestCatalog, type TestCatalog, type TestMajor } from './testing.ts';

for (const major of [15, 18] as const satisfies TestMajor[]) {
  describe(`the catalog on PostgreSQL ${major}`, () => {
    let nowMs = NOON_MS;
    let store: TestCatalog;
    let ground: LawGround;
    const clock = { now: () => nowMs };
    before(async () => {
      store = await openTestCatalog({ major, clock });
      const otherNode = postgresCatalog(openDatabase(store.app, silentLog), clock);
      const setNow = (ms: number): void => {
        nowMs = ms;
      };
      ground = { catalog: store.catalog, otherNode, setNow, beginWrite: () => beginWrite(store) };
    });
    after(async () => {
      await ground.otherNode.close();
      await store[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      nowMs = NOON_MS;
      await emptyTestDatabase(store);
    });
    for (const [title, law] of Object.entries(LAWS)) test(title, () => law(ground));
  });
}

async function beginWrite({ app }: TestCatalog): Promise<() => Promise<void>> {
  const client = new Client(app);
  await client.connect();
  await client.query('begin');
  await client.query('select pg_current_xact_id()');
  return () => client.end();
}
