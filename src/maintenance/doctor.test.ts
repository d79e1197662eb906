import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Client } from 'pg';
import { openTestDatabase } from '../catalog/testing.ts';
import { GIB, KIB } from '../core/bytes.ts';
import { systemClock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import { openMemoryBackend } from '../storage/index.ts';
import { haveFree } from '../storage/local/test-store.ts';
import { askDatabase } from './ask-database.ts';
import { type DatabaseFacts, type DoctorParts, examine } from './doctor.ts';

const directory = mkdtempSync(join(tmpdir(), 'stowage-doctor-'));
chmodSync(directory, 0o700);
after(() => rmSync(directory, { recursive: true, force: true }));

const WELL: DatabaseFacts = {
  version: '18.4',
  major: 18,
  role: 'stowage_app',
  isSuperuser: false,
  pendingMigrations: [],
  oldestPurge: null,
  nowMs: 1_000,
};

function parts(given: Partial<DoctorParts> = {}): DoctorParts {
  return {
    nodeVersion: '24.0.0',
    environment: 'development',
    settingWarnings: [],
    publicUrl: null,
    dataDir: directory,
    secretFiles: [],
    secrets: new Map([['JWT_SECRET', ['q8Z0m1xK3vN5bC7dF9gH2jL4pR6sT8wY']]]),
    storageDir: null,
    askDatabase: async () => WELL,
    openBucket: async () => openMemoryBackend(),
    askStore: async () => [],
    clock: { now: () => 1_000 },
    ...given,
  };
}

async function verdicts(given: Partial<DoctorParts>): Promise<Map<string, string>> {
  return new Map((await examine(parts(given))).map(({ check, status }) => [check, status]));
}

/** So many bytes at each of these directories, and at no other. */
const bytesAt = (freeBytes: Readonly<Record<string, number>>) => (path: string) => {
  const bytes = freeBytes[path];
  assert.ok(bytes !== undefined, path);
  return bytes;
};

describe('the doctor', () => {
  test('finds nothing wrong where nothing is', async () => {
    for (const diagnosis of await examine(parts())) {
      if (diagnosis.check !== 'free_space') assert.equal(diagnosis.status, 'ok', diagnosis.detail);
      assert.equal(diagnosis.mend === null, diagnosis.status === 'ok');
    }
  });

  for (const [title, given, check, status] of [
    ['a Node that is too old', { nodeVersion: '22.17.1' }, 'node', 'fail'],
    ['a warning of the settings', { settingWarnings: ['Files are local.'] }, 'settings', 'warn'],
    ['no public URL in production', { environment: 'production' }, 'public_url', 'warn'],
    [
      'plain http in production',
      { environment: 'production', publicUrl: 'http://a.example' },
      'public_url',
      'warn',
    ],
    [
      'a secret that was typed',
      { secrets: new Map([['SIGNING_SECRET', ['aaaaaaaabbbbbbbbaaaaaaaabbbbbbbb']]]) },
      'secrets',
      'warn',
    ],
    ['an old database', { askDatabase: async () => ({ ...WELL, major: 14 }) }, 'database', 'fail'],
    ['a superuser', { askDatabase: async () => ({ ...WELL, isSuperuser: true }) }, 'database_role', 'warn'],
    [
      'a missing migration',
      { askDatabase: async () => ({ ...WELL, pendingMigrations: ['0009_x.sql'] }) },
      'migrations',
      'fail',
    ],
    [
      'a cache that does not answer',
      {
        askDatabase: async () => ({
          ...WELL,
          oldestPurge: { requestedMs: 1_000 - 900_000, problem: 'refused' },
        }),
      },
      'cdn_purges',
      'warn',
    ],
    ['clocks that differ', { askDatabase: async () => ({ ...WELL, nowMs: 9_000 }) }, 'clock', 'warn'],
  ] as const) {
    test(`sees ${title}`, async () => {
      assert.equal((await verdicts(given)).get(check), status);
    });
  }

  for (const [title, freeBytes, status] of [
    ['a disk with room', 5 * GIB, 'ok'],
    ['a disk that fills up', 5 * GIB - 4 * KIB, 'warn'],
    ['a disk that is nearly full', GIB, 'warn'],
    ['a full disk', GIB - 4 * KIB, 'fail'],
  ] as const) {
    test(`sees ${title}`, async (context) => {
      haveFree(context, bytesAt({ [directory]: freeBytes }));
      assert.equal((await verdicts({})).get('free_space'), status);
    });
  }

  test('looks at the disk of the store and at that of the data, and names them', async (context) => {
    haveFree(context, bytesAt({ '/store': 0, [directory]: 2 * GIB }));
    const diagnoses = await examine(parts({ storageDir: '/store' }));
    assert.deepEqual(
      diagnoses.filter(({ check }) => check === 'free_space'),
      [
        { check: 'free_space', status: 'fail', detail: '0 bytes free at /store.', mend: 'Free some space.' },
        {
          check: 'free_space',
          status: 'warn',
          detail: `2 GiB free at ${directory}.`,
          mend: 'Free some space soon.',
        },
      ],
    );
  });

  test('goes on when the database and the store do not answer, and says what to check', async () => {
    const refuse = async () => {
      throw new StowageError('database_unavailable', 'The database does not answer.', {
        cause: new Error('connect ECONNREFUSED'),
      });
    };
    const diagnoses = await examine(parts({ askDatabase: refuse, openBucket: refuse }));
    const failed = diagnoses.filter(({ status }) => status === 'fail');
    assert.deepEqual(
      failed.map(({ check }) => check),
      ['database', 'storage'],
    );
    assert.match(failed[0]?.detail ?? '', /ECONNREFUSED/);
    assert.match(failed[0]?.mend ?? '', /DATABASE_URL/);
  });

  test('sees a secrets file and a data directory that others can read', async () => {
    const file = join(directory, 'secrets.json');
    writeFileSync(file, '{}');
    chmodSync(file, 0o640);
    assert.equal((await verdicts({ secretFiles: [file] })).get('secret_file'), 'fail');
    chmodSync(file, 0o600);
    assert.equal((await verdicts({ secretFiles: [file] })).get('secret_file'), 'ok');
    chmodSync(directory, 0o755);
    assert.equal((await verdicts({})).get('data_dir'), 'warn');
    chmodSync(directory, 0o711);
    assert.equal((await verdicts({})).get('data_dir'), 'ok');
  });

  test('leaves nothing in the store', async () => {
    const bucket = openMemoryBackend();
    await examine(parts({ openBucket: async () => bucket }));
    assert.deepEqual((await bucket.list({ prefix: '', cursor: null, limit: 10 })).entries, []);
  });
});

test('a database tells its version, role, migrations and time', async () => {
  await using database = await openTestDatabase();
  const facts = await askDatabase(database.app);
  assert.equal(facts.major, 18);
  assert.equal(facts.isSuperuser, false);
  assert.deepEqual(facts.pendingMigrations, []);
  assert.equal(facts.oldestPurge, null);
  assert.ok(Math.abs(facts.nowMs - systemClock.now()) < 60_000);
  assert.equal((await askDatabase(database.setup)).isSuperuser, true);
});

test('a database tells which purge has waited longest, and why', async () => {
  await using database = await openTestDatabase();
  const client = new Client(database.app);
  await client.connect();
  await client.query(`insert into cdn_purges (s3_key, asset_id, requested_at, due_at, problem) values
    ('b', gen_random_uuid(), now(), now(), null), ('a', gen_random_uuid(), '2026-01-02T03:04:05Z', now(), 'away')`);
  await client.end();
  const requestedMs = Date.parse('2026-01-02T03:04:05Z');
  assert.deepEqual((await askDatabase(database.app)).oldestPurge, { requestedMs, problem: 'away' });
});

test('an empty database lacks every migration', async () => {
  await using database = await openTestDatabase({ empty: true });
  const facts = await askDatabase(database.owner);
  assert.equal(facts.pendingMigrations[0]?.slice(0, 5), '0001_');
});
