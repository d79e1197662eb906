import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { parseObjectKey } from '../core/key.ts';
import { silentLog } from '../core/log.ts';
import { openDatabase } from './database.ts';
import { makeAsset, makeUpload, NOON_MS } from './fixtures.ts';
import { MigrationError, migrate, migrationNames } from './migrate.ts';
import { postgresCatalog } from './postgres-catalog.ts';
import { openTestDatabase, type TestDatabase, type TestMajor } from './testing.ts';

for (const major of [15, 18] as const satisfies TestMajor[]) {
  describe(`migrations on PostgreSQL ${major}`, () => {
    let names: readonly string[];
    before(async () => {
      names = await migrationNames();
    });

    test('an empty database gets every file, once', async () => {
      await using store = await openTestDatabase({ major, empty: true });
      const first = await migrate(store.owner);
      assert.deepEqual(first, { applied: names, version: names.at(-1), serverMajor: major });
      assert.deepEqual((await migrate(store.owner)).applied, []);
    });

    test('eight nodes that start at once apply each file once', async () => {
      await using store = await openTestDatabase({ major, empty: true });
      const reports = await Promise.all(Array.from({ length: 8 }, () => migrate(store.owner)));
      assert.deepEqual(reports.flatMap(({ applied }) => applied).sort(), names);
    });

    test('a database of each earlier version is brought up, works, and has the same schema as a new one', async () => {
      await using fresh = await openTestDatabase({ major });
      const expected = await describeSchema(fresh);
      for (const until of names.slice(0, -1)) {
        await using store = await openTestDatabase({ major, empty: true });
        await migrate(store.owner, { until });
        await addRows(store);
        const { applied } = await migrate(store.owner);
        assert.deepEqual(applied, names.slice(names.indexOf(until) + 1));
        assert.deepEqual(await describeSchema(store), expected);
        await assertWorks(store);
        assert.deepEqual(await readKeys(store), ['old/key.png', 'new/key.png']);
      }
    });
  });
}

describe('a database that does not fit', () => {
  let store: TestDatabase;
  before(async () => {
    store = await openTestDatabase();
  });
  after(() => store[Symbol.asyncDispose]());

  const change = async (statement: string): Promise<void> => {
    const client = new Client(store.owner);
    await client.connect();
    await client.query(statement);
    await client.end();
  };

  test('one that is newer than this Stowage is refused', async () => {
    await change(`insert into schema_migrations (name, sha256) values ('9999_future.sql', 'x')`);
    await assert.rejects(migrate(store.owner), (error) => {
      assert.ok(error instanceof MigrationError);
      return /newer than this Stowage: it has the migration 9999_future\.sql/.test(error.message);
    });
    await change(`delete from schema_migrations where name = '9999_future.sql'`);
  });

  test('one whose applied file has changed since is refused', async () => {
    await change(`update schema_migrations set sha256 = 'x' || sha256 where name like '0002%'`);
    await assert.rejects(migrate(store.owner), /0002_access_log\.sql was changed after it was applied/);
    await change(`update schema_migrations set sha256 = substr(sha256, 2) where name like '0002%'`);
    assert.deepEqual((await migrate(store.owner)).applied, []);
  });

  test('the service may find that nothing is to be done, and is told who must do what is', async () => {
    assert.deepEqual((await migrate(store.app)).applied, []);
    await using empty = await openTestDatabase({ empty: true });
    await assert.rejects(migrate(empty.app), /Run `stowage migrate` with the DATABASE_URL of the owner/);
  });

  test('a role that was made after the tables gets its rights with the next run', async () => {
    await change('revoke all on all tables in schema public from stowage_app');
    await assert.rejects(migrate(store.app), MigrationError);
    await migrate(store.owner);
    await assertWorks(store);
  });

  test('a server that is not there is reported as such', async () => {
    await assert.rejects(migrate({ host: '/nonexistent', user: 'x', database: 'x' }), {
      code: 'database_unavailable',
    });
  });
});

/** Rows as the earlier version would have left them. */
async function addRows(store: TestDatabase): Promise<void> {
  const client = new Client(store.owner);
  await client.connect();
  await client.query(`
    insert into assets (id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type,
                        content_hash, backend, created_at, updated_at)
    values ('00000000-0000-4000-8000-000000000001', 'acme', 'ada', 'old/key.png', 'key.png', 1, 'image/png', 'image',
            'ab', 'local', now(), now())`);
  await client.end();
}

async function assertWorks(store: TestDatabase): Promise<void> {
  const catalog = postgresCatalog(openDatabase(store.app, silentLog), { now: () => NOON_MS });
  try {
    assert.equal(
      (await catalog.commitUpload(makeUpload([makeAsset({ key: parseObjectKey('new/key.png') })]))).outcome,
      'recorded',
    );
    assert.equal(await catalog.sealAccessLog(), 1);
  } finally {
    await catalog.close();
  }
}

async function readKeys(store: TestDatabase): Promise<string[]> {
  const client = new Client(store.app);
  await client.connect();
  const rows = await client.query<{ s3_key: string }>('select s3_key from assets order by id');
  await client.end();
  return rows.rows.map((row) => row.s3_key);
}

async function describeSchema(store: TestDatabase): Promise<unknown> {
  const client = new Client(store.owner);
  await client.connect();
  try {
    const answer = await client.query(`
      select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
        where table_schema = 'public'
      union all select tablename, indexname, indexdef, null, null from pg_indexes where schemaname = 'public'
      union all select event_object_table, trigger_name, event_manipulation, action_timing, action_statement
        from information_schema.triggers
      order by 1, 2, 3`);
    return answer.rows;
  } finally {
    await client.end();
  }
}
