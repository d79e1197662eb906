import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Client } from 'pg';
import { makeEntry, NOON_MS } from './fixtures.ts';
import { emptyTestDatabase, openTestCatalog, type TestCatalog } from './testing.ts';

describe('the chain of the access log, against a superuser who switches the triggers off', () => {
  let store: TestCatalog;
  let intruder: Client;
  before(async () => {
    store = await openTestCatalog({ clock: { now: () => NOON_MS } });
    intruder = new Client(store.setup);
    await intruder.connect();
    await intruder.query('set session_replication_role = replica');
  });
  after(async () => {
    await intruder.end();
    await store[Symbol.asyncDispose]();
  });
  /** Three seals of 4 entries, and 2 entries behind them: ids 1–14. */
  beforeEach(async () => {
    await emptyTestDatabase(store);
    for (const count of [4, 4, 4, 2]) {
      for (let index = 0; index < count; index += 1)
        await store.catalog.recordAccess(makeEntry({ requestId: `${index}` }));
      if (count === 4) assert.equal(await store.catalog.sealAccessLog(), 4);
    }
  });

  const verify = () => store.catalog.verifyAccessLog({});
  const broken = async () => (await verify()).broken;
  /** What makes the seal's own hash right again is left to an intruder who can do it: the head shows that. */
  const attack = (statement: string, values: unknown[] = []) => intruder.query(statement, values);

  test('an untouched log verifies, and its head names the last seal', async () => {
    const report = await verify();
    const last = await attack(
      `select encode(seal_hash, 'hex') as hash from access_log_seals where seal_id = 3`,
    );
    assert.deepEqual(report, { entries: 14, sealed: 12, seals: 3, head: last.rows[0].hash, broken: null });
  });

  test('an empty log verifies', async () => {
    await emptyTestDatabase(store);
    assert.deepEqual(await verify(), { entries: 0, sealed: 0, seals: 0, head: null, broken: null });
  });

  for (const [column, value] of [
    ['at', `'2020-01-01'`],
    ['action', `'delete'`],
    ['outcome', `'refused'`],
    ['reason', `'forbidden'`],
    ['tenant_id', `'globex'`],
    ['user_id', `'mallory'`],
    ['user_id', 'null'],
    ['asset_id', 'gen_random_uuid()'],
    ['asset_type', `''`],
    ['s3_key', `'other'`],
    ['ip_address', `'::2'`],
    ['user_agent', 'null'],
    ['storage_backend', `'s3'`],
    ['request_id', `'x'`],
  ]) {
    test(`changing ${column} to ${value} of a sealed entry is found, and the entry named`, async () => {
      await attack(`update file_access_logs set ${column} = ${value} where entry_id = 6`);
      assert.deepEqual(await broken(), { entryId: '6', sealId: 2, problem: 'Entry 6 was altered.' });
    });
  }

  test('moving text from one field to its neighbour is found', async () => {
    await attack(
      `update file_access_logs set asset_type = 'imag', s3_key = 'eimages/a.png' where entry_id = 6`,
    );
    assert.equal((await broken())?.problem, 'Entry 6 was altered.');
  });

  for (const id of [1, 4, 6, 12]) {
    test(`removing sealed entry ${id} is found`, async () => {
      await attack('delete from file_access_logs where entry_id = $1', [id]);
      assert.deepEqual(await broken(), {
        entryId: `${id}`,
        sealId: Math.ceil(id / 4),
        problem: `Entry ${id} was removed.`,
      });
    });
  }

  test('removing all entries is found', async () => {
    await attack('truncate file_access_logs');
    assert.equal((await broken())?.problem, 'Entry 1 was removed.');
  });

  for (const [free, id] of [
    ['in a gap between sealed entries', 6],
    ['before the first', 0],
    ['long before the first', -7],
  ] as const) {
    test(`an entry inserted ${free} is found`, async () => {
      await emptyTestDatabase(store);
      for (let index = 0; index < 10; index += 1) {
        // Every other number is burnt, as a rolled-back transaction would.
        await attack(`select nextval('file_access_logs_entry_id_seq')`);
        await store.catalog.recordAccess(makeEntry());
      }
      await store.catalog.sealAccessLog();
      assert.equal(await broken(), null);
      const fresh = id === 6 ? 7 : id;
      await attack(
        `insert into file_access_logs overriding system value
         select $1, at, action, outcome, reason, tenant_id, user_id, asset_id, asset_type, s3_key, ip_address, user_agent,
                storage_backend, request_id from file_access_logs order by entry_id limit 1`,
        [fresh],
      );
      assert.deepEqual(await broken(), {
        entryId: `${fresh}`,
        sealId: 1,
        problem: `Entry ${fresh} was inserted among sealed ones.`,
      });
    });
  }

  for (const change of [
    `sealed_at = '2020-01-01'`,
    `entry_ids = array[5, 6, 7, 9]`,
    `entry_hashes = set_byte(entry_hashes, 40, get_byte(entry_hashes, 40) # 1)`,
    `previous_hash = sha256('x')`,
    `seal_hash = sha256('x')`,
  ]) {
    test(`a seal altered by ${change.split(' ')[0]} is found`, async () => {
      await attack(`update access_log_seals set ${change} where seal_id = 2`);
      assert.deepEqual(await broken(), { entryId: null, sealId: 2, problem: 'Seal 2 was altered.' });
    });
  }

  test('an entry and its hash in the seal, changed together, are found by the seal', async () => {
    await attack(`update file_access_logs set user_id = 'mallory' where entry_id = 6`);
    await attack(`update access_log_seals set entry_hashes = sha256('1') || sha256('2') || sha256('3') || sha256('4')
                  where seal_id = 2`);
    assert.equal((await broken())?.problem, 'Seal 2 was altered.');
  });

  for (const id of [1, 2]) {
    test(`removing seal ${id} is found`, async () => {
      await attack('delete from access_log_seals where seal_id = $1', [id]);
      assert.deepEqual(await broken(), { entryId: null, sealId: id + 1, problem: `Seal ${id} was removed.` });
    });
  }

  test('removing the last seal shows in the head, which is why it is kept elsewhere', async () => {
    const before = await verify();
    await attack('delete from access_log_seals where seal_id = 3');
    const report = await verify();
    assert.deepEqual([report.broken, report.sealed, report.entries], [null, 8, 14]);
    assert.notEqual(report.head, before.head);
  });

  test('an entry of a transaction that ends late is sealed after all, and never lost', async () => {
    const slow = new Client(store.app);
    await slow.connect();
    await slow.query('begin');
    await slow.query(`insert into file_access_logs (at, action, outcome, tenant_id, ip_address, storage_backend, request_id)
                      values (now(), 'download', 'ok', 'acme', '::1', 'local', 'slow')`);
    await store.catalog.recordAccess(makeEntry());
    assert.equal(
      await store.catalog.sealAccessLog(),
      0,
      'nothing is final while an older id may still appear',
    );
    await slow.query('commit');
    await slow.end();
    assert.equal(await store.catalog.sealAccessLog(), 4);
    assert.deepEqual(await verify().then(({ broken, sealed }) => [broken, sealed]), [null, 16]);
  });

  test('an entry with an older id and a younger transaction than one that is there holds it up', async () => {
    const insert = `insert into file_access_logs (at, action, outcome, tenant_id, ip_address, storage_backend, request_id)
                    values (now(), 'download', 'ok', 'acme', '::1', 'local', 'overtaken')`;
    const [older, younger] = [new Client(store.app), new Client(store.app)];
    await Promise.all([older.connect(), younger.connect()]);
    for (const writer of [older, younger]) {
      await writer.query('begin');
      await writer.query('select pg_current_xact_id()');
    }
    await younger.query(insert);
    await older.query(insert);
    await older.query('commit');
    assert.equal(await store.catalog.sealAccessLog(), 0);
    await younger.query('commit');
    await Promise.all([older.end(), younger.end()]);
    assert.equal(await store.catalog.sealAccessLog(), 4);
    assert.deepEqual(await verify().then(({ broken, sealed }) => [broken, sealed]), [null, 16]);
  });

  test('many writers and two sealers at once leave no entry behind', async () => {
    const writing = Array.from({ length: 2000 }, () => store.catalog.recordAccess(makeEntry()));
    const sealing = Array.from({ length: 6 }, () => store.catalog.sealAccessLog());
    await Promise.all([...writing, ...sealing]);
    while ((await store.catalog.sealAccessLog()) > 0);
    const report = await verify();
    assert.deepEqual([report.broken, report.sealed, report.entries], [null, 2014, 2014]);
    assert.ok(report.seals >= 5, 'a seal holds at most 1,000 entries');
  });

  test('the documented SQL recomputes the hash of every entry', async () => {
    const recomputed = await attack(await documentedHash());
    const exported = [];
    for await (const { entryHash } of store.catalog.exportAccessLog()) exported.push(entryHash);
    assert.deepEqual(
      recomputed.rows.map(({ hash }) => hash),
      exported,
    );
  });

  test('verification can be aborted and tells how far it came', async () => {
    const progress: number[] = [];
    await store.catalog.verifyAccessLog({ onProgress: (checked) => progress.push(checked) });
    assert.deepEqual(progress, [4, 8, 12]);
    await assert.rejects(store.catalog.verifyAccessLog({ signal: AbortSignal.abort() }), { code: 'aborted' });
    await assert.rejects(store.catalog.sealAccessLog(AbortSignal.abort()), { code: 'aborted' });
  });
});

/** The statement of docs/reference/audit-log.md. */
async function documentedHash(): Promise<string> {
  const page = await readFile(new URL('../../docs/reference/audit-log.md', import.meta.url), 'utf8');
  const sql = /```sql\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(sql, 'the page has the statement');
  return sql;
}
