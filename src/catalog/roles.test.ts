import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { makeEntry } from './fixtures.ts';
import { openTestCatalog, type TestCatalog, type TestMajor } from './testing.ts';

const MISSING_RIGHT = '42501';
const REFUSED_BY_TRIGGER = '23001';

for (const major of [15, 18] as const satisfies TestMajor[]) {
  describe(`who may do what to the access log on PostgreSQL ${major}`, () => {
    let store: TestCatalog;
    let app: Client;
    let owner: Client;
    before(async () => {
      store = await openTestCatalog({ major });
      await store.catalog.recordAccess(makeEntry());
      await store.catalog.sealAccessLog();
      app = new Client(store.app);
      owner = new Client(store.owner);
      await Promise.all([app.connect(), owner.connect()]);
    });
    after(async () => {
      await Promise.all([app.end(), owner.end()]);
      await store[Symbol.asyncDispose]();
    });

    for (const table of ['file_access_logs', 'access_log_seals']) {
      const column = table === 'file_access_logs' ? 'request_id' : 'seal_id';
      for (const statement of [
        `update ${table} set ${column} = ${column}`,
        `update ${table} set ${column} = ${column} where false`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        test(`the service may not: ${statement}`, async () => {
          await assert.rejects(app.query(statement), { code: MISSING_RIGHT });
        });
        test(`a trigger refuses even the owner: ${statement}`, async () => {
          await assert.rejects(owner.query(statement), (error: { code?: string; message?: string }) => {
            assert.match(error.message ?? '', /is append-only: (update|delete|truncate) is refused/);
            return error.code === REFUSED_BY_TRIGGER;
          });
        });
      }
      for (const statement of [
        `alter table ${table} disable trigger all`,
        `drop table ${table} cascade`,
        `drop trigger append_only on ${table}`,
        `alter table ${table} owner to current_user`,
      ]) {
        test(`the service may not: ${statement}`, async () => {
          await assert.rejects(app.query(statement), { code: MISSING_RIGHT });
        });
      }
    }

    for (const statement of [
      'set session_replication_role = replica',
      'set role stowage_owner',
      'create or replace function refuse_change() returns trigger language plpgsql as $$ begin return null; end $$',
      'alter role stowage_app superuser',
      `copy assets to '/tmp/stolen'`,
      `select pg_read_file('/etc/passwd')`,
    ]) {
      test(`the service may not: ${statement}`, async () => {
        await assert.rejects(app.query(statement), { code: MISSING_RIGHT });
      });
    }

    test('neither role of the service is more than it must be', async () => {
      const roles = await owner.query(
        `select rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles
         where rolname in ('stowage_app', 'stowage_owner') order by 1`,
      );
      const powers = { rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolbypassrls: false };
      assert.deepEqual(roles.rows, [
        { rolname: 'stowage_app', ...powers },
        { rolname: 'stowage_owner', ...powers },
      ]);
    });
  });
}
