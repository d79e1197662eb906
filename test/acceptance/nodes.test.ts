import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { backendOfRun } from './clouds.ts';
import { type Answer, assertProblem } from './http.ts';
import { type PostgresServer, query, startPostgres } from './postgres.ts';
import { sample } from './samples/index.ts';
import { type Environment, runStowage, type Service, startService, until } from './service.ts';
import type { Health } from './wire.ts';

/** Two nodes on one PostgreSQL server and one storage directory. */
let database: PostgresServer;
let first: Service;
let second: Service;
before(async () => {
  database = await startPostgres();
  // Migrations of an empty database by two nodes that start at the same time.
  const shared: Environment = { DATABASE_URL: database.url, UPLOADS_PER_HOUR: '5' };
  first = await startService(shared);
  second = await startService(shared, { sharing: first });
});
after(async () => {
  await Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]);
  await database?.[Symbol.asyncDispose]();
});

describe('two nodes on one database', () => {
  test('see the same assets, and each serves what the other signed', async () => {
    const asset = await first.as('alice').store('image', sample('png', 1));
    const [seen] = await second.as('alice').assets();
    assert.equal(seen?.asset_id, asset.asset_id);
    const signed = new URL(asset.presigned_url);
    const isLocal = backendOfRun() === 'local';
    const answer = await second.send('GET', isLocal ? signed.pathname + signed.search : signed.href);
    assert.deepEqual(answer.body, sample('png', 1).bytes);
    assert.equal((await second.as('alice').send('DELETE', `/api/assets/${asset.asset_id}`)).status, 204);
    assertProblem(await first.as('alice').get(`/api/assets/${asset.asset_id}`), 404, 'not_found');
  });

  test('share the rate limit: of twenty at once over both, five are taken', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? first : second).as('racer').upload('image', [sample('png', index + 1)]),
      ),
    );
    assert.equal(answers.filter((answer) => answer.status === 200).length, 5);
    assert.equal(answers.filter((answer) => answer.status === 429).length, 15);
    assert.equal((await first.as('racer').assets()).length, 5);
  });

  test('share Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'across' };
    const upload = (service: Service) =>
      service.as('repeater').upload('image', [sample('png', 9)], {}, headers);
    const [one, two] = [await upload(first), await upload(second)];
    const ids = [one, two].map(
      (answer) => answer.json<{ uploads: { asset_id: string }[] }>().uploads[0]?.asset_id,
    );
    assert.equal(ids[0], ids[1]);
    assert.equal((await second.as('repeater').assets()).length, 1);
  });

  test('write one log, which verifies', async () => {
    const admin = second.as('root', { role: 'admin' });
    const entries = (await admin.get('/api/access-log?user_id=racer&action=upload')).json<{
      entries: unknown[];
    }>();
    assert.ok(entries.entries.length >= 5);
    const audit = await runStowage(['audit', 'verify', '--json'], first.environment);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
  });

  test('may be migrated again at any time', async () => {
    const results = await Promise.all(
      [1, 2, 3].map(() => runStowage(['migrate', '--json'], first.environment)),
    );
    for (const result of results) assert.equal(result.code, 0, result.stdout + result.stderr);
  });

  test('that start at once on an empty database both come up', async () => {
    await query(database.adminUrl, 'CREATE DATABASE fresh OWNER app');
    const shared: Environment = { DATABASE_URL: database.url.replace(/\/stowage$/, '/fresh') };
    const services = await Promise.all([startService(shared), startService(shared)]);
    await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
  });
});

describe('the tables', () => {
  test('have the columns and indexes of R2.7', async () => {
    const columns = await query(
      database.adminUrl,
      "SELECT column_name, data_type, character_maximum_length FROM information_schema.columns WHERE table_name = 'assets'",
    );
    const typeOf = new Map(columns.map((each) => [each.column_name, each]));
    const expected: Readonly<Record<string, RegExp>> = {
      id: /^uuid$/,
      user_id: /^(text|character varying|uuid)$/,
      s3_key: /^(text|character varying)$/,
      original_filename: /^character varying$/,
      file_size: /^bigint$/,
      mime_type: /^(text|character varying)$/,
      asset_type: /^(text|character varying)$/,
      metadata: /^jsonb$/,
      created_at: /^timestamp with time zone$/,
      updated_at: /^timestamp with time zone$/,
    };
    for (const [name, type] of Object.entries(expected))
      assert.match(String(typeOf.get(name)?.data_type), type, name);
    assert.equal(typeOf.get('original_filename')?.character_maximum_length, 255);
    assert.ok(
      columns.every(
        (column) => column.data_type !== 'bytea' || /hash|sha256/.test(String(column.column_name)),
      ),
    );

    const indexes = (
      await query(database.adminUrl, "SELECT indexdef FROM pg_indexes WHERE tablename = 'assets'")
    ).map((row) => String(row.indexdef));
    for (const wanted of [
      /UNIQUE.*\(id\)/,
      /UNIQUE.*\(.*s3_key\)/,
      /user_id, .*created_at/,
      /asset_type, .*created_at/,
    ]) {
      assert.ok(
        indexes.some((index) => wanted.test(index)),
        `${wanted} in\n${indexes.join('\n')}`,
      );
    }
  });

  test('have the access log of R4.4 indexed by user, by asset and by time', async () => {
    const indexes = (
      await query(database.adminUrl, "SELECT indexdef FROM pg_indexes WHERE tablename = 'file_access_logs'")
    ).map((row) => String(row.indexdef));
    for (const wanted of [
      /\(tenant_id, user_id, at DESC/,
      /\(asset_id, at DESC/,
      /\(tenant_id, at DESC/,
      /UNIQUE.*\(entry_id\)/,
    ]) {
      assert.ok(
        indexes.some((index) => wanted.test(index)),
        `${wanted} in\n${indexes.join('\n')}`,
      );
    }
  });

  test('know of each user what the tokens said', async () => {
    const tenant = { tenant_id: 'known' };
    const startedMs = Date.now();
    await first.as('ann', tenant).store('image', sample('png', 40));
    await second.as('root', { ...tenant, role: 'admin' }).store('image', sample('png', 41));
    await first.as('ann', { tenant_id: 'known-2' }).store('image', sample('png', 42));
    // One who only asks has stored nothing, and there is nothing to know.
    await first.as('eve', tenant).assets();
    const users = () =>
      query(
        database.adminUrl,
        "SELECT tenant_id, user_id, role, first_seen_at, last_seen_at FROM users WHERE tenant_id LIKE 'known%' ORDER BY 1, 2",
      );
    const found = await users();
    assert.deepEqual(
      found.map(({ tenant_id, user_id, role }) => [tenant_id, user_id, role]),
      [
        ['known', 'ann', 'user'],
        ['known', 'root', 'admin'],
        ['known-2', 'ann', 'user'],
      ],
    );
    for (const { first_seen_at, last_seen_at } of found) {
      assert.ok(Math.abs(Number(first_seen_at) - startedMs) < 60_000, String(first_seen_at));
      assert.ok(Number(last_seen_at) >= Number(first_seen_at));
    }
    // Another role in the token is noted at once.
    await second.as('ann', { ...tenant, role: 'admin' }).store('image', sample('png', 43));
    assert.equal((await users())[0]?.role, 'admin');
  });

  for (const statement of [
    "UPDATE file_access_logs SET user_id = 'somebody else'",
    'DELETE FROM file_access_logs',
    'TRUNCATE file_access_logs',
    'TRUNCATE file_access_logs CASCADE',
  ]) {
    test(`refuse "${statement}" by the role of Stowage`, async () => {
      const count = async () =>
        (await query(database.adminUrl, 'SELECT count(*) AS n FROM file_access_logs'))[0]?.n;
      const before = await count();
      // The owner's own trigger refuses: restrict_violation.
      await assert.rejects(query(database.url, statement), { code: '23001' });
      assert.equal(await count(), before);
    });
  }

  test('betray an entry that was changed behind the trigger: audit verify ends with code 3', async () => {
    const verify = () => runStowage(['audit', 'verify', '--json'], first.environment);
    // Entries are sealed some seconds after they are written; only sealed ones can be proved.
    const whole = await until(
      verify,
      (result) => result.code !== 0 || /"sealed":[1-9]/.test(result.stdout),
      30,
    );
    assert.equal(whole.code, 0, whole.stdout);
    const change = (user: string) =>
      query(
        database.adminUrl,
        `SET session_replication_role = replica; UPDATE file_access_logs SET user_id = ${user}
         WHERE entry_id = (SELECT min(entry_id) FROM file_access_logs WHERE user_id IS NOT NULL)`,
      );
    const [changed] = await query(
      database.adminUrl,
      'SELECT min(entry_id)::text AS id FROM file_access_logs WHERE user_id IS NOT NULL',
    );
    await change("user_id || 'x'");
    const broken = await verify();
    assert.equal(broken.code, 3, broken.stdout + broken.stderr);
    assert.equal(broken.json<{ broken: { entry_id: string } }>().broken.entry_id, changed?.id, 'it is named');
    await change('left(user_id, -1)');
    assert.equal((await verify()).code, 0, 'put back, it is whole again');
  });
});

describe('a database that crashes', () => {
  test('is answered with 503 and Retry-After while it is away, and used again when it is back', async () => {
    const caller = first.as('survivor');
    const asset = await caller.store('image', sample('png', 30));
    let away = true;
    const back = database.crash(1500).finally(() => {
      away = false;
    });
    // Reads, writes and transactions are under way when the connections break.
    const answers: Answer[] = [];
    const targets = ['', '/presigned', '/download'].map((rest) => `/api/assets/${asset.asset_id}${rest}`);
    const uploader = first.as('uploader');
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        while (away) {
          const target = targets[index % 4];
          answers.push(await (target ? caller.get(target) : uploader.upload('image', [sample('png', 31)])));
        }
      }),
    );
    await back;
    assert.equal(first.process.exitCode, null, 'the service lives');
    const failed = answers.filter((answer) => answer.status !== 200 && answer.status !== 429);
    assert.ok(failed.length > 0, 'the database was away');
    for (const answer of failed) {
      assertProblem(answer, 503, 'database_unavailable');
      assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/);
    }
    assert.equal((await first.send('GET', '/api/health')).status, 200, 'health answers all the same');
    const recovered = await until(
      () => caller.get(`/api/assets/${asset.asset_id}`),
      (answer) => answer.status === 200,
      15,
    );
    assert.equal(recovered.status, 200, recovered.text);
    const health = await until(
      async () => (await first.send('GET', '/api/health')).json<Health>(),
      (each) => each.status === 'ok',
      30,
    );
    assert.equal(health.status, 'ok');
  });
});
