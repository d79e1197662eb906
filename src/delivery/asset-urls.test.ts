import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Asset } from '../catalog/catalog.ts';
import type { AssetType } from '../core/asset-type.ts';
import { parseObjectKey } from '../core/key.ts';
import { openMemoryBackend } from '../storage/index.ts';
import { singleStore } from '../storage/stores.ts';
import { AssetFacts } from './asset-facts.ts';
import { createAssetUrls, publicAssetUrl } from './asset-urls.ts';

const ASSET: Asset = {
  assetId: '00000000-0000-4000-8000-000000000001',
  tenantId: 'acme',
  userId: 'alice',
  assetType: 'note',
  key: parseObjectKey('notes/a b/ключ.txt'),
  backend: 'memory',
  filename: 'a.txt',
  sizeBytes: 5,
  mediaType: 'text/plain',
  contentHash: 'ab'.repeat(32),
  metadata: {},
  createdAtMs: 0,
  state: 'stored',
};
const READER = { userId: 'bob', tenantId: 'acme', role: 'admin' } as const;
const type = (name: string, visibility: AssetType['visibility']): AssetType => ({
  name,
  accepts: { 'text/plain': ['txt'] },
  fileBytesMax: 10,
  keyTemplate: '{uuid}',
  cacheControl: '',
  unusedDaysMax: null,
  filesPerRequestMax: 1,
  visibility,
});

const START_MS = 1_800_000_000_000;
let nowMs = START_MS;
const stores = singleStore(openMemoryBackend());
const urls = createAssetUrls({
  stores,
  assetTypes: new Map([type('note', 'private'), type('notice', 'public')].map((each) => [each.name, each])),
  recordUrlSeconds: 3600,
  publicUrl: () => 'https://files.test/base',
  cdn: null,
  clock: { now: () => nowMs },
});

describe('the URL of an asset', () => {
  test('is the same within a window, and another after it', async () => {
    const first = await urls.forRecord(ASSET, READER);
    nowMs = START_MS + 299_000;
    assert.deepEqual(await urls.forRecord(ASSET, READER), first);
    nowMs = START_MS + 300_000;
    assert.notDeepEqual(await urls.forRecord(ASSET, READER), first);
    nowMs = START_MS;
    assert.equal(first.expiresAtMs, START_MS + 3_600_000);
  });

  test('is another for another reader', async () => {
    const other = await urls.forRecord(ASSET, { ...READER, userId: 'carol' });
    assert.notEqual(other.url, (await urls.forRecord(ASSET, READER)).url);
  });

  test('of a public type is permanent, segment by segment encoded', async () => {
    assert.deepEqual(await urls.forRecord({ ...ASSET, assetType: 'notice' }, READER), {
      storageUrl: `memory://${ASSET.key}`,
      url: 'https://files.test/base/public/notes/a%20b/%D0%BA%D0%BB%D1%8E%D1%87.txt',
      expiresAtMs: null,
    });
    assert.equal(publicAssetUrl('http://x', parseObjectKey('a/b?c#d')), 'http://x/public/a/b%3Fc%23d');
    assert.equal(publicAssetUrl('http://x', parseObjectKey('a/(b)')), 'http://x/public/a/%28b%29');
  });

  test('lives as long as asked, but never longer than the store can sign', async () => {
    assert.equal((await urls.signed(ASSET, READER, 7200)).expiresAtMs, START_MS + 7_200_000);
    const longest = await urls.signed(ASSET, READER, Number.MAX_SAFE_INTEGER);
    assert.equal(longest.expiresAtMs, START_MS + stores.main.capabilities.signedUrlSecondsMax * 1000);
  });
});

describe('the facts of assets', () => {
  test('are asked once, by id and by key, and again when forgotten', async () => {
    const asked: string[] = [];
    const facts = new AssetFacts({
      findAsset: async (tenantId, assetId) => {
        asked.push(`${tenantId} ${assetId}`);
        return tenantId === ASSET.tenantId && assetId === ASSET.assetId ? ASSET : undefined;
      },
      findAssetByKey: async (key) => {
        asked.push(key);
        return key === ASSET.key ? ASSET : undefined;
      },
    });
    for (let round = 0; round < 3; round += 1) {
      assert.equal(await facts.byId('acme', ASSET.assetId), ASSET);
      assert.equal(await facts.byKey(ASSET.key), ASSET);
    }
    assert.equal(asked.length, 2);
    assert.equal(await facts.byId('globex', ASSET.assetId), undefined, 'another tenant is told nothing');
    facts.forget(ASSET);
    await facts.byId('acme', ASSET.assetId);
    await facts.byKey(ASSET.key);
    assert.equal(asked.length, 4);
    await facts.byId('acme', 'missing');
    await facts.byId('acme', 'missing');
    assert.equal(asked.length, 6, 'what is not there may come to be');
  });
});
