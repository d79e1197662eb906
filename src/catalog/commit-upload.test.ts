import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'pg';
import { isStowageError } from '../core/errors.ts';
import type { CommitOutcome } from './catalog.ts';
import { makeAsset, makeUpload } from './fixtures.ts';
import { openTestCatalog, type TestCatalog, type TestMajor } from './testing.ts';

/** Rows wait for a moment only: on a busy machine it can pass before anybody has acted. */
const ATTEMPTS_MAX = 10;

/** A transaction that has written rows and waits for what comes next. */
const WAITING = `state = 'idle in transaction' and datname = current_database() and exists (
  select from pg_locks where pg_locks.pid = pg_stat_activity.pid and relation = 'upload_counts'::regclass)`;

/** Waits on the server, which is quicker than asking it, until rows of an upload wait for their bytes, and then answers `fact`. */
const watcherOf = (fact: string): string => `
  create function pg_temp.watch() returns boolean language plpgsql as $$
  declare
    waiting integer;
  begin
    for _ in 1..5000 loop
      perform pg_stat_clear_snapshot();
      select pid into waiting from pg_stat_activity where ${WAITING};
      if found then
        return ${fact};
      end if;
      perform pg_sleep(0.001);
    end loop;
    return false;
  end $$`;

/** An upload whose rows waited for its bytes a moment ago. */
interface Moment {
  readonly store: TestCatalog;
  readonly assetId: string;
  readonly commit: Promise<CommitOutcome>;
  readonly makeDurable: () => void;
}

/**
 * Runs `then` when rows of an upload wait for their bytes, again and again until it was in time.
 *
 * @param fact what is asked or done on the server at that moment; true when it was so.
 * @param then answers whether it was in time.
 */
async function whileRowsWait(
  major: TestMajor,
  fact: string,
  then: (moment: Moment) => Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    // Another catalog each time: for a while after bytes that were late one writes no rows ahead of them.
    await using store = await openTestCatalog({ major });
    const watcher = new Client(store.setup);
    await watcher.connect();
    await watcher.query(watcherOf(fact));
    const watched = watcher.query<{ is: boolean }>('select pg_temp.watch() as is');
    const disk = Promise.withResolvers<void>();
    const asset = makeAsset();
    const commit = store.catalog.commitUpload(makeUpload([asset], { bytes: disk.promise }));
    commit.catch(() => {});
    const [answer] = (await watched).rows;
    await watcher.end();
    if (
      answer?.is === true &&
      (await then({ store, assetId: asset.assetId, commit, makeDurable: disk.resolve }))
    )
      return;
    disk.resolve();
    await commit.catch(() => {});
  }
  assert.fail('The moment was always missed.');
}

for (const major of [15, 18] as const) {
  test(`a connection that ends while rows wait for their bytes records nothing (${major})`, async () => {
    await whileRowsWait(major, 'pg_terminate_backend(waiting)', async (moment) => {
      const { catalog } = moment.store;
      moment.makeDurable();
      const [end] = await Promise.allSettled([moment.commit]);
      // The rows had been given up already, and were written once more.
      if (end.status === 'fulfilled') return false;
      assert.ok(isStowageError(end.reason, 'database_unavailable'), String(end.reason));
      assert.equal(await catalog.findAsset('acme', moment.assetId), undefined);
      assert.equal((await catalog.usage('acme', 'ada')).files, 0);
      assert.equal((await catalog.commitUpload(makeUpload([makeAsset()]))).outcome, 'recorded');
      return true;
    });
  });

  test(`a node that stands still gives its locks back after seconds (${major})`, async () => {
    await whileRowsWait(major, 'true', async ({ store, commit, makeDurable }) => {
      const other = new Client(store.setup);
      // This thread, and so the node, does nothing for longer than its transaction may wait.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);
      await other.connect();
      const { rows } = await other.query(`select from pg_stat_activity where ${WAITING}`);
      await other.end();
      assert.deepEqual(rows, []);
      makeDurable();
      // Then it writes the rows once more.
      assert.equal((await commit).outcome, 'recorded');
      assert.equal((await store.catalog.usage('acme', 'ada')).files, 1);
      return true;
    });
  });
}
