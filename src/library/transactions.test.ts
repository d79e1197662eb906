import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import {
  ALICE,
  aNote,
  BOB,
  bytesOf,
  FOREIGNER,
  type LibraryFixture,
  LONG_TEXT,
  openLibraryFixture,
  refused,
  serve,
  textOf,
} from './library-fixture.ts';

const MIGRATIONS = [
  {
    name: '0001_documents',
    sql: `create table documents (
            title text not null, s3_key text not null unique,
            asset_id uuid references assets (id) on delete set null deferrable initially deferred)`,
  },
  // Tables of the application may have the names of Stowage's own.
  { name: '0002_users', sql: 'create table users (email text primary key); create table assets (id int)' },
];

let fixture: LibraryFixture;
before(async () => {
  fixture = await openLibraryFixture();
  const { database } = fixture.stowage;
  assert.deepEqual(await database.migrate(MIGRATIONS.slice(0, 1)), ['0001_documents']);
  assert.deepEqual(await database.migrate(MIGRATIONS), ['0002_users']);
  assert.deepEqual(await database.migrate(MIGRATIONS), []);
});
after(() => fixture[Symbol.asyncDispose]());

const titles = async (): Promise<string[]> => {
  const { rows } = await fixture.stowage.database.query<{ title: string }>(
    'select title from documents order by title',
  );
  return rows.map(({ title }) => title);
};

describe('the tables of an application', () => {
  test('lie in a schema of their own beside Stowage’s', async () => {
    const { database } = fixture.stowage;
    assert.equal(database.schema, 'app');
    const { rows } = await database.query(`select count(*)::int as n from public.assets`);
    assert.equal(typeof rows[0]?.n, 'number');
    await database.query(`insert into users values ('ana@example.org')`);
    assert.equal((await database.query('select * from users')).rowCount, 1);
  });

  test('come from directories and values together, in the order of their names', async () => {
    const { database } = fixture.stowage;
    const directory = join(fixture.directory, 'migrations');
    mkdirSync(directory);
    writeFileSync(join(directory, '0003_more.sql'), 'create table more (id int references parts (id))');
    const parts = { name: '0002_z_parts', sql: 'create table parts (id int primary key)' };
    assert.deepEqual(await database.migrate([directory, ...MIGRATIONS, parts]), [
      '0002_z_parts',
      '0003_more',
    ]);
    await database.query(`delete from app_migrations where name in ('0002_z_parts', '0003_more')`);
  });

  test('are not touched when a migration was changed or is missing, or fails', async () => {
    const { database } = fixture.stowage;
    const [first, second] = MIGRATIONS;
    assert.ok(first && second);
    await assert.rejects(database.migrate([first, { ...second, sql: 'select 1' }]), /0002_users was changed/);
    await assert.rejects(database.migrate([first]), /0002_users, which is not among/);
    const failing = { name: '0003_half', sql: 'create table half (id int); select nonsense' };
    await assert.rejects(database.migrate([...MIGRATIONS, failing]), { code: '42703' });
    assert.equal((await database.query(`select to_regclass('half') as half`)).rows[0]?.half, null);
  });

  test('are migrated once when several ask at the same time', async () => {
    await using other = await openLibraryFixture();
    const answers = await Promise.all([1, 2, 3].map(() => other.stowage.database.migrate(MIGRATIONS)));
    assert.deepEqual(answers.flat().toSorted(), ['0001_documents', '0002_users']);
  });
});

describe('an upload and rows of the application', () => {
  test('are recorded together', async () => {
    const { stowage } = fixture;
    const asset = await stowage.upload({
      ...aNote(),
      inTransaction: async (tx, { assetId, key }) => {
        await tx.query('insert into documents values ($1, $2, $3)', ['kept', key, assetId]);
      },
    });
    assert.deepEqual(await titles(), ['kept']);
    assert.equal((await stowage.find(asset.assetId, ALICE)).key, asset.key);
    // The row that refers to it does not keep the asset: what the foreign key says happens.
    await stowage.delete(asset.assetId, ALICE, {
      inTransaction: async (tx, { key }) => {
        await tx.query('delete from documents where s3_key = $1', [key]);
      },
    });
    assert.deepEqual(await titles(), []);
    await refused(stowage.find(asset.assetId, ALICE), 'not_found');
  });

  test('are both gone when the application throws: no row, no log entry, no bytes, no count', async () => {
    const { stowage } = fixture;
    const before = { files: fixture.stored(), usage: await stowage.usage(ALICE) };
    const failure = new Error('The application says no.');
    let assetId = '';
    await assert.rejects(
      stowage.upload({
        ...aNote(),
        inTransaction: async (tx, asset) => {
          assetId = asset.assetId;
          await tx.query('insert into documents values ($1, $2)', ['never', asset.key]);
          throw failure;
        },
      }),
      (error) => error === failure,
    );
    assert.deepEqual(await titles(), []);
    assert.deepEqual(fixture.stored(), before.files);
    assert.deepEqual(await stowage.usage(ALICE), before.usage);
    await refused(stowage.find(assetId, ALICE), 'not_found');
    const counted = await stowage.database.query(
      `select files from public.upload_counts where user_id = 'alice' and tenant_id = 'acme'`,
    );
    const logged = await stowage.database.query(
      'select from public.file_access_logs where asset_id = $1 and outcome = $2',
      [assetId, 'ok'],
    );
    assert.equal(logged.rowCount, 0);
    assert.ok(counted.rows[0]?.files >= 1);
  });

  test('are both gone when a statement fails, and the error is the driver’s', async () => {
    const { stowage } = fixture;
    const files = fixture.stored();
    const insert = (key: string) =>
      stowage.upload({
        ...aNote(),
        inTransaction: (tx) => tx.query(`insert into documents values ('twice', $1)`, [key]),
      });
    await insert('same');
    await assert.rejects(insert('same'), { code: '23505' });
    assert.deepEqual(await titles(), ['twice']);
    assert.equal(fixture.stored().length, files.length + 1);
    await stowage.database.query('delete from documents');
  });

  test('are both gone when a constraint is broken that is checked at the commit', async () => {
    const { stowage } = fixture;
    const files = fixture.stored();
    const nobody = '00000000-0000-4000-8000-000000000000';
    await assert.rejects(
      stowage.upload({
        ...aNote(),
        inTransaction: (tx) => tx.query(`insert into documents values ('dangling', 'k', $1)`, [nobody]),
      }),
      { code: '23503' },
    );
    assert.deepEqual(await titles(), []);
    assert.deepEqual(fixture.stored(), files);
  });

  test('are refused as the application refuses, and the refusal is in the log', async () => {
    const { stowage } = fixture;
    const { StowageError } = await import('../core/errors.ts');
    await refused(
      stowage.upload({
        ...aNote({ userId: 'late', tenantId: 'acme' }),
        inTransaction: async () => {
          throw new StowageError('conflict', 'The case is closed.');
        },
      }),
      'conflict',
      /case is closed/,
    );
    const page = await stowage.catalog.listAccess({
      ...{ tenantId: 'acme', userId: 'late', assetId: null, action: null },
      ...{ fromMs: null, toMs: null, limit: 10, cursor: null },
    });
    assert.deepEqual(
      page.items.map(({ action, reason }) => [action, reason]),
      [['upload', 'conflict']],
    );
  });

  test('go well beside uploads that share a transaction with each other', async () => {
    const { stowage } = fixture;
    const user = { userId: 'crowd', tenantId: 'acme' };
    const uploads = Array.from({ length: 40 }, (_, index) =>
      stowage.upload({
        ...aNote(user, `number ${index}`),
        ...(index % 2 === 0 && {
          inTransaction: async (tx, { key }) => {
            await tx.query('insert into documents values ($1, $2)', [`crowd ${index}`, key]);
            if (index % 8 === 0) throw new Error('No.');
          },
        }),
      }),
    );
    const results = await Promise.allSettled(uploads);
    assert.equal(results.filter(({ status }) => status === 'rejected').length, 5);
    assert.equal((await stowage.usage(user)).files, 35);
    assert.equal((await titles()).length, 15);
    await stowage.database.query('delete from documents');
  });

  test('are not written twice when the same upload comes again', async () => {
    const { stowage } = fixture;
    const once = () =>
      stowage.upload({
        ...aNote(),
        idempotencyKey: 'once',
        inTransaction: (tx, { key }) => tx.query(`insert into documents values ('once', $1)`, [key]),
      });
    const [first, second] = [await once(), await once()];
    assert.equal(second.assetId, first.assetId);
    assert.deepEqual(await titles(), ['once']);
    await stowage.database.query('delete from documents');
  });

  test('are recorded together when an upload straight to the store is completed', async () => {
    const { stowage } = fixture;
    const text = 'Straight to the store.\n';
    const begun = await stowage.begin({
      ...{ user: ALICE, filename: 'direct.txt', assetType: 'case_file' as const },
      ...{ sizeBytes: text.length, fields: { case_id: 'c1' } },
    });
    assert.equal(begun.method, 'put');
    // Nobody serves the URL here: the bytes are put where it leads.
    const handler = stowage.handler();
    await using server = await serve((request, response) => void handler(request, response));
    const { pathname, search } = new URL('url' in begun ? begun.url : '');
    const headers = 'headers' in begun ? begun.headers : {};
    const put = await fetch(`${server.origin}${pathname}${search}`, { method: 'PUT', headers, body: text });
    assert.equal(put.status, 200);

    const failure = new Error('Not yet.');
    await assert.rejects(
      stowage.complete(begun.upload_id, ALICE, {
        inTransaction: async () => {
          throw failure;
        },
      }),
      (error) => error === failure,
    );
    await refused(stowage.complete(begun.upload_id, BOB), 'forbidden');
    const asset = await stowage.complete(begun.upload_id, ALICE, {
      inTransaction: (tx, { key }) => tx.query(`insert into documents values ('direct', $1)`, [key]),
    });
    assert.match(asset.key, /^cases\/c1\//);
    assert.deepEqual(await titles(), ['direct']);
    assert.equal((await stowage.complete(begun.upload_id, ALICE)).assetId, asset.assetId);
    await stowage.database.query('delete from documents');
  });
});

describe('a delete and rows of the application', () => {
  test('happen together or not at all', async () => {
    const { stowage } = fixture;
    const asset = await stowage.upload(aNote());
    const failure = new Error('No.');
    await assert.rejects(
      stowage.delete(asset.assetId, ALICE, {
        inTransaction: async () => {
          throw failure;
        },
      }),
      (error) => error === failure,
    );
    assert.equal((await stowage.find(asset.assetId, ALICE)).assetId, asset.assetId);
    assert.equal(await textOf((await stowage.download(asset.assetId, ALICE)).body), LONG_TEXT);
    await stowage.delete(asset.assetId, ALICE);
    await refused(
      stowage.delete(asset.assetId, ALICE, { inTransaction: async () => undefined }),
      'not_found',
    );
  });
});

describe('a transaction', () => {
  test('keeps the application’s names for the application, also beside links that are not awaited yet', async () => {
    const { stowage } = fixture;
    const [one, other] = await Promise.all([stowage.upload(aNote()), stowage.upload(aNote())]);
    const attachment = { recordType: 'task', recordId: 'at-once', role: 'attachment' } as const;
    await stowage.transaction(async (tx) => {
      await Promise.all([
        tx.link({ ...attachment, assetId: one.assetId }, ALICE),
        tx.query('insert into assets (id) values (7)'),
        tx.link({ ...attachment, assetId: other.assetId }, ALICE),
        tx.query('insert into assets (id) values (8)'),
      ]);
      assert.equal((await tx.linked(attachment, ALICE)).length, 2);
    });
    const { rows } = await stowage.database.query<{ id: number }>('select id from assets order by id');
    assert.deepEqual(rows, [{ id: 7 }, { id: 8 }]);
  });

  test('links no new asset to a record of another tenant', async () => {
    const { stowage } = fixture;
    const logo = { recordType: 'brand', recordId: 'b1', role: 'logo' } as const;
    await refused(
      stowage.upload({
        ...aNote(),
        inTransaction: (tx, { assetId }) => tx.link({ ...logo, assetId }, FOREIGNER),
      }),
      'not_found',
    );
    assert.deepEqual(await stowage.linked(logo, FOREIGNER), []);
  });

  test('keeps them after a refusal that the application takes as an answer', async () => {
    const { stowage } = fixture;
    const asset = await stowage.upload(aNote());
    const logo = { recordType: 'brand', recordId: 'b\0', role: 'logo' } as const;
    await stowage.transaction(async (tx) => {
      await refused(tx.link({ ...logo, assetId: asset.assetId }, ALICE), 'invalid_parameter');
      await tx.query('insert into assets (id) values (9)');
    });
    assert.equal((await stowage.database.query('select from assets where id = 9')).rowCount, 1);
  });

  test('answers what its work answers, and knows nothing of others', async () => {
    const { stowage } = fixture;
    const answer = await stowage.transaction(async (tx) => {
      await tx.query(`insert into documents values ('open', 'open')`);
      assert.deepEqual(await titles(), []);
      return (await tx.query('select * from documents')).rowCount;
    });
    assert.equal(answer, 1);
    await stowage.database.query('delete from documents');
  });

  test('is over when its work is: a statement that was not awaited is refused', async () => {
    const { stowage } = fixture;
    let kept: { query(text: string): Promise<unknown> } | undefined;
    await stowage.transaction(async (tx) => {
      kept = tx;
    });
    await assert.rejects(async () => await kept?.query('select 1'), /transaction is over/);
  });

  test('that breaks in the middle leaves nothing, and the library works on', async () => {
    const { stowage } = fixture;
    const files = fixture.stored();
    await assert.rejects(
      stowage.upload({
        ...aNote(),
        inTransaction: async (tx) => {
          await tx.query(`insert into documents values ('broken', 'broken')`);
          await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
        },
      }),
      (error) => !isStowageError(error, 'conflict'),
    );
    assert.deepEqual(fixture.stored(), files);
    assert.deepEqual(await titles(), []);
    assert.ok(await stowage.upload({ ...aNote(), body: bytesOf('works on') }));
  });
});
