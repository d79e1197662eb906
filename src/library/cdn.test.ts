import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openTestDatabase, type TestDatabase } from '../catalog/testing.ts';
import { isStowageError } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';
import { decodeFromUrl } from '../delivery/cdn/sign.ts';
import type { Caller } from './callers.ts';
import { createStowage } from './create-stowage.ts';
import type { Stowage } from './stowage.ts';

const ALICE: Caller = { userId: 'alice', tenantId: 'acme' };
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const CDN = { CDN_URL: 'https://cdn.test', CDN_KEY_PAIR_ID: 'K2JCJMDEHXQW5F', CDN_PRIVATE_KEY: privateKey };

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

describe('a library with a CDN', () => {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-library-cdn-'));
  let database: TestDatabase;
  const open = async (env: Record<string, string>, log = silentLog): Promise<Stowage> => {
    const { host, port, user, database: name } = database.app;
    const url = `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`;
    return await createStowage({ cwd: directory, env: { DATABASE_URL: url, ...env }, config: {}, log });
  };
  let stowage: Stowage;
  before(async () => {
    database = await openTestDatabase();
    stowage = await open(CDN);
  });
  after(async () => {
    await stowage.close();
    await database[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  const upload = () =>
    stowage.upload({
      user: ALICE,
      body: bytesOf('Hello.\n'),
      filename: 'a.txt',
      assetType: 'study_material',
    });

  test('signs URLs for it, bound to a time and an address when asked', async () => {
    const asset = await upload();
    const plain = await stowage.signedUrl(asset.assetId, ALICE, { lifetimeSeconds: 600 });
    assert.match(
      plain.url,
      /^https:\/\/cdn\.test\/cdn\/study-materials\/alice\/[^?]+\?Expires=\d+&Key-Pair-Id=/,
    );
    const startsAtMs = Date.now() + 60_000;
    const bound = await stowage.signedUrl(asset.assetId, ALICE, {
      lifetimeSeconds: 600,
      startsAtMs,
      ipRange: '192.0.2.0/24',
    });
    const policy = decodeFromUrl(new URL(bound.url).searchParams.get('Policy') ?? '')?.toString() ?? '';
    assert.match(
      policy,
      new RegExp(`"DateGreaterThan":\\{"AWS:EpochTime":${Math.floor(startsAtMs / 1000)}\\}`),
    );
    assert.match(policy, /"AWS:SourceIp":"192\.0\.2\.0\/24"/);
  });

  test('gives cookies for a folder, and says so in the log', async () => {
    const { cookies, path } = await stowage.signedCookies('study-materials/alice/', ALICE, {
      lifetimeSeconds: 600,
    });
    assert.deepEqual(Object.keys(cookies).sort(), [
      'CloudFront-Hash-Algorithm',
      'CloudFront-Key-Pair-Id',
      'CloudFront-Policy',
      'CloudFront-Signature',
    ]);
    assert.equal(path, '/cdn/study-materials/alice/');
    const all = { userId: 'alice', assetId: null, fromMs: null, toMs: null, cursor: null, limit: 5 };
    const { items } = await stowage.catalog.listAccess({ ...all, tenantId: 'acme', action: 'generate_url' });
    assert.equal(items[0]?.key, 'study-materials/alice/');
    assert.equal(items[0]?.assetId, null);
  });

  test('warns once of cookies for files that retention removes, as it does not see them read', async () => {
    const warned: unknown[] = [];
    const log: Log = { ...silentLog, warn: (fields) => warned.push(fields) };
    await using watched = await open(CDN, log);
    for (const folder of ['study-materials/alice/', 'brand-images/alice/', 'brand-images/bob/'])
      await watched.signedCookies(folder, ALICE, { lifetimeSeconds: 600 });
    assert.deepEqual(
      warned.filter((fields) => JSON.stringify(fields).includes('asset_type')),
      [{ asset_type: 'brand_image' }],
    );
  });

  test('refuses conditions that CloudFront would not understand', async () => {
    const asset = await upload();
    for (const wrong of [
      { ipRange: '2001:db8::/32' },
      { ipRange: '192.0.2.1/33' },
      { ipRange: '' },
      { startsAtMs: 1.5 },
      { lifetimeSeconds: 59 },
    ]) {
      const options = { lifetimeSeconds: 600, ...wrong };
      const refused = (error: unknown) => isStowageError(error, 'invalid_parameter');
      await assert.rejects(stowage.signedUrl(asset.assetId, ALICE, options), refused);
      await assert.rejects(stowage.signedCookies('study-materials/alice/', ALICE, options), refused);
    }
    await assert.rejects(stowage.signedCookies('study', ALICE, { lifetimeSeconds: 600 }), (error) =>
      isStowageError(error, 'invalid_key'),
    );
  });

  test('asks the database for purges while it has caches to purge, and stops when it has none', async () => {
    const caches = async () => {
      const { Client } = await import('pg');
      const client = new Client(database.app);
      await client.connect();
      try {
        return (await client.query('select url from cdn_caches')).rows.map(({ url }) => url);
      } finally {
        await client.end();
      }
    };
    const purging = await open({ ...CDN, CDN_PURGE_URL: 'http://127.0.0.1:9' });
    await purging.close();
    assert.deepEqual(await caches(), ['https://cdn.test']);
    const without = await open({});
    await assert.rejects(
      without.signedCookies('study-materials/alice/', ALICE, { lifetimeSeconds: 600 }),
      (error) => isStowageError(error, 'invalid_parameter'),
    );
    await without.close();
    assert.deepEqual(await caches(), []);

    // One that knows of none takes them from no other for longer than a moment.
    await using purger = await open({ ...CDN, CDN_PURGE_URL: 'http://127.0.0.1:9' });
    await (await open({})).close();
    const untilMs = Date.now() + 60_000;
    while ((await caches()).length === 0 && Date.now() < untilMs) await delay(200);
    assert.deepEqual(await caches(), ['https://cdn.test']);
    assert.ok(purger.url);
  });
});
