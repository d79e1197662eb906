import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Asset } from '../catalog/catalog.ts';
import { openTestDatabase, type TestDatabase } from '../catalog/testing.ts';
import { type ErrorCode, isStowageError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import type { Caller } from './callers.ts';
import { createStowage } from './create-stowage.ts';
import type { Stowage } from './stowage.ts';

const TEXT = 'Hello, library.\n';
const ALICE: Caller = { userId: 'alice', tenantId: 'acme' };
const BOB: Caller = { userId: 'bob', tenantId: 'acme' };
const FOREIGNER: Caller = { userId: 'alice', tenantId: 'globex' };
const ADMIN: Caller = { userId: 'root', tenantId: 'acme', role: 'admin' };

const directory = mkdtempSync(join(tmpdir(), 'stowage-library-'));
let database: TestDatabase;
let stowage: Stowage;
before(async () => {
  database = await openTestDatabase();
  const { host, port, user, database: name } = database.app;
  const url = `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`;
  stowage = await createStowage({
    cwd: directory,
    env: { DATABASE_URL: url },
    config: { port: 0 },
    listen: true,
  });
});
after(async () => {
  await stowage.close();
  await database[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

const upload = async (caller: Caller): Promise<Asset> =>
  await stowage.upload({
    user: caller,
    body: bytesOf(TEXT),
    filename: 'hello.txt',
    assetType: 'study_material',
  });

const refused = (act: () => Promise<unknown>, code: ErrorCode) =>
  assert.rejects(act, (error) => isStowageError(error, code));

/** What the log has of an asset in the caller's tenant, oldest first. */
async function logOf(asset: Asset, { tenantId = 'default' }: Caller): Promise<string[]> {
  const all = { userId: null, action: null, fromMs: null, toMs: null, cursor: null };
  const page = await stowage.catalog.listAccess({ ...all, tenantId, assetId: asset.assetId, limit: 50 });
  return page.items
    .map(({ action, outcome, reason, userId }) => [userId, action, reason ?? outcome].join(' '))
    .reverse();
}

describe('a program', () => {
  test('uploads, finds, reads, shares and removes, and each of it is in the log', async () => {
    const asset = await upload(ALICE);
    assert.equal((await stowage.find(asset.assetId.toUpperCase(), ALICE)).contentHash, asset.contentHash);
    assert.equal((await stowage.find(asset.assetId, ADMIN)).assetId, asset.assetId);
    const { body } = await stowage.download(asset.assetId, ALICE);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk.slice());
    assert.equal(Buffer.concat(chunks).toString(), TEXT);

    const { url, expiresAtMs } = await stowage.signedUrl(asset.assetId, ALICE, { lifetimeSeconds: 60 });
    assert.ok(expiresAtMs > Date.now());
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), TEXT);

    await stowage.delete(asset.assetId, ALICE);
    await refused(() => stowage.find(asset.assetId, ALICE), 'not_found');
    assert.equal((await fetch(url)).status, 404);
    const entries = await logOf(asset, ALICE);
    assert.deepEqual(
      entries.filter((entry) => entry.startsWith('alice')),
      [
        'alice upload ok',
        'alice download ok',
        'alice generate_url ok',
        'alice download ok',
        'alice delete ok',
        'alice generate_url not_found',
        // By the URL of before, which names whom it was issued to.
        'alice download not_found',
      ],
    );
  });

  test('reaches no asset of another user or tenant, and the refusals are in the log', async () => {
    const asset = await upload(ALICE);
    for (const [caller, code] of [
      [BOB, 'forbidden'],
      [FOREIGNER, 'not_found'],
    ] as const) {
      await refused(() => stowage.find(asset.assetId, caller), code);
      await refused(() => stowage.signedUrl(asset.assetId, caller, { lifetimeSeconds: 60 }), code);
      await refused(() => stowage.download(asset.assetId, caller), code);
      await refused(() => stowage.delete(asset.assetId, caller), code);
      const refusals = (await logOf(asset, caller)).filter((entry) => entry.endsWith(code));
      assert.deepEqual(
        refusals,
        ['generate_url', 'generate_url', 'download', 'delete'].map(
          (action) => `${caller.userId} ${action} ${code}`,
        ),
      );
    }
    await refused(() => stowage.find('no id', ALICE), 'not_found');
    await refused(() => stowage.find(newUuid(), ALICE), 'not_found');
    assert.equal((await stowage.find(asset.assetId, ALICE)).assetId, asset.assetId);
  });

  test('is refused an asset that somebody else deletes at the same time, and that is in the log', async () => {
    const asset = await upload(ALICE);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => stowage.delete(asset.assetId, ALICE)));
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    assert.equal(reasons.length, 2);
    for (const reason of reasons) assert.ok(isStowageError(reason, 'not_found'), String(reason));
    const deletes = (await logOf(asset, ALICE)).filter((entry) => entry.includes(' delete '));
    assert.deepEqual(deletes.sort(), ['alice delete not_found', 'alice delete not_found', 'alice delete ok']);
  });

  test('is told of names and lifetimes that can’t be', async () => {
    const asset = await upload(ALICE);
    for (const caller of [
      { userId: '' },
      { userId: 'a\u0000' },
      { userId: 'a'.repeat(256) },
      { userId: 'alice', tenantId: '' },
      { userId: 'alice', tenantId: 'a\n' },
    ]) {
      await refused(() => stowage.find(asset.assetId, caller), 'invalid_parameter');
      await refused(() => upload(caller), 'invalid_parameter');
      await refused(() => stowage.delete(asset.assetId, caller), 'invalid_parameter');
    }
    for (const lifetimeSeconds of [59, 604_801, 60.5, Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      await refused(() => stowage.signedUrl(asset.assetId, ALICE, { lifetimeSeconds }), 'invalid_parameter');
    }
    const saved = await stowage.signedUrl(asset.assetId, ALICE, {
      lifetimeSeconds: 60,
      disposition: 'attachment',
    });
    assert.match((await fetch(saved.url)).headers.get('content-disposition') ?? '', /^attachment/);
    const bound = { lifetimeSeconds: 60, ipRange: '192.0.2.0/24' };
    await refused(() => stowage.signedUrl(asset.assetId, ALICE, bound), 'invalid_parameter');
    const longest = await stowage.signedUrl(asset.assetId, ALICE, { lifetimeSeconds: 604_800 });
    assert.equal((await fetch(longest.url)).status, 200);
  });
});
