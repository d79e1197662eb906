import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { isStowageError } from '../core/errors.ts';
import { makeAsset, makeUpload } from './fixtures.ts';
import { openTestCatalog, type TestCatalog } from './testing.ts';

const WAITING = "state = 'idle in transaction' and datname = current_database()";

/** Runs `act` as a superuser once rows of an upload wait for their bytes. @returns the rows of its answer. */
async function whileRowsWait(store: TestCatalog, act: string): Promise<readonly unknown[]> {
  const client = new Client(store.setup);
  await client.connect();
  try {
    for (;;) {
      const { rows } = await client.query(`select 1 from pg_stat_activity where ${WAITING}`);
      if (rows.length > 0) return (await client.query(act)).rows;
      await wait(2);
    }
  } finally {
    await client.end();
  }
}

for (const major of [15, 18] as const) {
  test(`a connection that ends while rows wait for their bytes records nothing (${major})`, async () => {
    await using store = await openTestCatalog({ major });
    const { catalog } = store;
    const disk = Promise.withResolvers<void>();
    const asset = makeAsset();
    const commit = catalog.commitUpload(makeUpload([asset], { bytes: disk.promise }));
    const ended = await whileRowsWait(
      store,
      `select pg_terminate_backend(pid) as ended from pg_stat_activity where ${WAITING}`,
    );
    assert.deepEqual(ended, [{ ended: true }]);
    disk.resolve();
    await assert.rejects(commit, (error) => isStowageError(error, 'database_unavailable'));
    assert.equal(await catalog.findAsset('acme', asset.assetId), undefined);
    assert.equal((await catalog.usage('acme', 'ada')).files, 0);
    assert.equal((await catalog.commitUpload(makeUpload([asset]))).outcome, 'recorded');
  });

  test(`a node that stands still gives its locks back after seconds (${major})`, async () => {
    await using store = await openTestCatalog({ major });
    const disk = Promise.withResolvers<void>();
    const commit = store.catalog.commitUpload(makeUpload([makeAsset()], { bytes: disk.promise }));
    const [locked] = await whileRowsWait(
      store,
      `select count(*)::int as locks from pg_locks join pg_stat_activity using (pid)
       where ${WAITING} and relation = 'upload_counts'::regclass`,
    );
    assert.deepEqual(locked, { locks: 1 });
    // This thread, and so the node, does nothing for longer than its transaction may wait.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);
    const client = new Client(store.setup);
    await client.connect();
    const { rows } = await client.query(`select 1 from pg_stat_activity where ${WAITING}`);
    await client.end();
    assert.deepEqual(rows, []);
    disk.resolve();
    // Then it writes the rows once more.
    assert.equal((await commit).outcome, 'recorded');
    assert.equal((await store.catalog.usage('acme', 'ada')).files, 1);
  });
}
