import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../catalog/fixtures.ts';
import { openTestCatalog } from '../catalog/testing.ts';
import type { AssetType } from '../core/asset-type.ts';
import type { BackendName } from '../core/backend-name.ts';
import { streamOf } from '../core/bytes.ts';
import { type ObjectKey, parseObjectKey } from '../core/key.ts';
import { silentLog } from '../core/log.ts';
import { type MemoryBackend, openMemoryBackend } from '../storage/index.ts';
import { STORE_OWNER_KEY } from './store-owner.ts';
import type { SweepParts } from './sweep.ts';
import { sweepStores } from './sweep-stores.ts';

const DAY_MS = 86_400_000;
const WRITE = { mode: 'create', contentType: 'image/png', cacheControl: '', metadata: {} } as const;
const APPLY = { apply: true, force: false, ageSecondsMin: 86_400 };
const IMAGE: AssetType = {
  name: 'image',
  accepts: { 'image/png': ['png'] },
  fileBytesMax: 1000,
  keyTemplate: 'images/{uuid}_{filename}',
  cacheControl: '',
  unusedDaysMax: null,
  filesPerRequestMax: 10,
  visibility: 'private',
};

/** A store in memory under the name of another. */
function storeNamed(name: BackendName, clock: { now(): number }): MemoryBackend {
  return new Proxy(openMemoryBackend({ clock }), {
    get(target, property) {
      if (property === 'name') return name;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function openGround() {
  let nowMs = NOON_MS;
  const clock = { now: () => nowMs };
  const database = await openTestCatalog({ clock });
  const stores = new Map(
    (['s3', 'local'] as const).map((name) => [name as BackendName, storeNamed(name, clock)]),
  );
  const storeOf = (name: BackendName): MemoryBackend => {
    const store = stores.get(name);
    if (store === undefined) throw new Error(`There is no store of ${name}.`);
    return store;
  };
  const partsOf = (bucket: MemoryBackend): SweepParts => ({
    bucket,
    stores: { of: async (name) => storeOf(name) },
    catalog: database.catalog,
    assetTypes: new Map([[IMAGE.name, IMAGE]]),
    ...{ listStaleMultipart: null, spoolDir: null, clock, log: silentLog },
  });
  return {
    catalog: database.catalog,
    old: storeOf('local'),
    storeOf,
    advance: (ms: number) => {
      nowMs += ms;
    },
    async putAt(name: BackendName): Promise<ObjectKey> {
      const key = parseObjectKey(`images/${randomUUID()}.png`);
      await storeOf(name).put(key, streamOf(Buffer.from('x')), WRITE);
      return key;
    },
    isAt: (name: BackendName, key: ObjectKey) =>
      storeOf(name)
        .head(key, {})
        .then(
          () => true,
          () => false,
        ),
    sweep: () =>
      sweepStores(
        partsOf(storeOf('s3')),
        [
          { backend: 'local', open: async () => partsOf(storeOf('local')) },
          { backend: 'azure', open: () => Promise.reject(new Error('It does not answer.')) },
        ],
        APPLY,
      ),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

describe('a sweep of several stores', () => {
  test('leaves one alone that this catalog has not claimed, and sweeps it when it has', async () => {
    await using ground = await openGround();
    const [here, there] = [await ground.putAt('s3'), await ground.putAt('local')];
    ground.advance(DAY_MS + 1);
    const first = await ground.sweep();
    assert.deepEqual([first.orphans.removed, first.failures], [1, 1], 'and one store does not answer');
    assert.deepEqual([await ground.isAt('s3', here), await ground.isAt('local', there)], [false, true]);
    await assert.rejects(ground.old.head(STORE_OWNER_KEY, {}), { code: 'object_not_found' });

    const owner = Buffer.from(`${await ground.catalog.catalogId()}\n`);
    await ground.old.put(STORE_OWNER_KEY, streamOf(owner), WRITE);
    assert.equal((await ground.sweep()).orphans.removed, 1);
    assert.equal(await ground.isAt('local', there), false);
  });

  test('keeps the copies of assets that have moved, and finishes their deletes everywhere', async () => {
    await using ground = await openGround();
    const owner = Buffer.from(`${await ground.catalog.catalogId()}\n`);
    await ground.old.put(STORE_OWNER_KEY, streamOf(owner), WRITE);
    const key = await ground.putAt('local');
    const asset = makeAsset({ key, backend: 'local', sizeBytes: 1 });
    await ground.catalog.commitUpload(makeUpload([asset]));
    const copy = { source: 'local', target: 's3', claim: randomUUID() } as const;
    await ground.catalog.claimCopy(asset.assetId, copy, NOON_MS);
    const { body } = await ground.old.get(key, {});
    await ground.storeOf('s3').put(key, body, WRITE);
    await ground.catalog.switchBackend(asset.assetId, copy, NOON_MS);
    ground.advance(2 * DAY_MS);
    const kept = await ground.sweep();
    assert.deepEqual([kept.orphans.found, kept.missing, kept.wrong_size], [0, 0, 0]);
    assert.deepEqual([await ground.isAt('s3', key), await ground.isAt('local', key)], [true, true]);

    await ground.catalog.tombstoneAsset('acme', asset.assetId, makeEntry({ action: 'delete' }));
    assert.equal((await ground.sweep()).tombstones.removed, 1);
    assert.deepEqual([await ground.isAt('s3', key), await ground.isAt('local', key)], [false, false]);
    assert.equal((await ground.catalog.keysInUse([key])).size, 0);
  });
});
