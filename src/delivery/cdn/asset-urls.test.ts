import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Asset } from '../../catalog/catalog.ts';
import type { AssetType } from '../../core/asset-type.ts';
import { isStowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { openMemoryBackend } from '../../storage/index.ts';
import { createAssetUrls } from '../asset-urls.ts';
import { type Cdn, openCdn } from './cdn.ts';
import { decodeFromUrl } from './sign.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const keyPair = { id: 'K2JCJMDEHXQW5F', privateKey };
const NOW_MS = 1_800_000_000_000;
const ALICE = { userId: 'alice', tenantId: 'acme', role: 'user' } as const;
const BOB = { ...ALICE, userId: 'bob', role: 'admin' } as const;

const ASSET: Asset = {
  assetId: '00000000-0000-4000-8000-000000000001',
  tenantId: 'acme',
  userId: 'alice',
  assetType: 'note',
  key: parseObjectKey('notes/a.txt'),
  backend: 'memory',
  filename: 'a.txt',
  sizeBytes: 5,
  mediaType: 'text/plain',
  contentHash: 'ab'.repeat(32),
  metadata: {},
  createdAtMs: 0,
  state: 'stored',
};
const NOTE: AssetType = {
  name: 'note',
  accepts: { 'text/plain': ['txt'] },
  fileBytesMax: 10,
  keyTemplate: '{uuid}',
  cacheControl: '',
  unusedDaysMax: null,
  filesPerRequestMax: 1,
  visibility: 'private',
};

const memory = openMemoryBackend();
const urlsWith = (cdn: Cdn | null) =>
  createAssetUrls({
    // Two backends, as while assets move from one to the other.
    stores: { main: memory, of: async () => memory },
    assetTypes: new Map([
      ['note', NOTE],
      ['notice', { ...NOTE, name: 'notice', visibility: 'public' }],
    ]),
    recordUrlSeconds: 3600,
    publicUrl: () => 'https://files.test',
    cdn,
    clock: { now: () => NOW_MS },
  });
const inFrontOf = (origin: 'store' | 'service') => openCdn({ url: 'https://cdn.test', origin, keyPair });

describe('the URL of an asset with a CDN', () => {
  test('is the same for every reader', async () => {
    const urls = urlsWith(inFrontOf('store'));
    const record = await urls.forRecord(ASSET, ALICE);
    assert.deepEqual(record, await urls.forRecord(ASSET, BOB));
    assert.match(record.url, /^https:\/\/cdn\.test\/notes\/a\.txt\?response-content-disposition=attachment/);
    assert.equal(record.expiresAtMs, NOW_MS + 3_600_000);
    assert.equal(record.storageUrl, `${memory.storageUrlBase}notes/a.txt`);
  });

  test('lives a week at most', async () => {
    const { expiresAtMs } = await urlsWith(inFrontOf('service')).signed(ASSET, ALICE, 10_000_000);
    assert.equal(expiresAtMs, NOW_MS + 604_800_000);
  });

  test('goes to the store where a CDN in front of a bucket has no such file', async () => {
    const elsewhere: Asset = { ...ASSET, backend: 'local' };
    const behindBucket = urlsWith(inFrontOf('store'));
    assert.doesNotMatch((await behindBucket.forRecord(elsewhere, ALICE)).url, /cdn\.test/);
    assert.equal(
      (await behindBucket.forRecord({ ...elsewhere, assetType: 'notice' }, ALICE)).url,
      'https://files.test/public/notes/a.txt',
    );
    assert.match((await urlsWith(inFrontOf('service')).forRecord(elsewhere, ALICE)).url, /cdn\.test\/cdn\//);
  });

  test('of a public type is permanent there, with or without a key pair', async () => {
    const notice = { ...ASSET, assetType: 'notice' };
    const unsigned = openCdn({ url: 'https://cdn.test', origin: 'store', keyPair: null });
    for (const cdn of [unsigned, inFrontOf('store')]) {
      const { url, expiresAtMs } = await urlsWith(cdn).forRecord(notice, ALICE);
      assert.deepEqual({ url, expiresAtMs }, { url: 'https://cdn.test/notes/a.txt', expiresAtMs: null });
    }
    assert.doesNotMatch((await urlsWith(unsigned).forRecord(ASSET, ALICE)).url, /cdn\.test/);
  });

  test('is bound to a time and an address when asked, which only a key pair can do', async () => {
    const conditions = { startsAtMs: NOW_MS + 1000, ipRange: '192.0.2.1' };
    const { url } = await urlsWith(inFrontOf('service')).signed(ASSET, ALICE, 3600, conditions);
    const policy = decodeFromUrl(new URL(url).searchParams.get('Policy') ?? '')?.toString() ?? '';
    assert.match(policy, /"AWS:SourceIp":"192\.0\.2\.1\/32"/);
    assert.match(policy, /"DateGreaterThan":\{"AWS:EpochTime":1800000001\}/);
    for (const cdn of [null, openCdn({ url: 'https://cdn.test', origin: 'store', keyPair: null })]) {
      await assert.rejects(urlsWith(cdn).signed(ASSET, ALICE, 3600, conditions), (error) =>
        isStowageError(error, 'invalid_parameter'),
      );
    }
  });
});
