import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Asset, Catalog } from '../../catalog/catalog.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../../catalog/fixtures.ts';
import { openTestCatalog, type TestCatalog } from '../../catalog/testing.ts';
import { collectBytes, streamOf } from '../../core/bytes.ts';
import { StowageError } from '../../core/errors.ts';
import { newTimeOrderedUuid } from '../../core/ids.ts';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { Bucket, openLocalBackend, openMemoryBackend } from '../../storage/index.ts';
import { STORE_OWNER_KEY } from '../store-owner.ts';
import { type MoveOptions, type MoveParts, moveAssets } from './move.ts';
import { hasMoveFindings } from './report.ts';

const HOUR_MS = 3_600_000;
const FACTS = { uploaded_by: '0123456789abcdef', content_hash: 'as it was' };
const WRITE = { mode: 'create', contentType: 'image/png', cacheControl: 'private', metadata: FACTS } as const;
const APPLY: MoveOptions = {
  ...{ apply: true, deleteSource: false, keepMs: HOUR_MS, bytesPerSecond: null },
  ...{ filesAtOnce: 4, retryDelayMsMax: 1, signal: new AbortController().signal },
};

const directory = mkdtempSync(join(tmpdir(), 'stowage-move-'));
let database: TestCatalog;
let nowMs = NOON_MS;
const clock = { now: () => nowMs };
before(async () => {
  database = await openTestCatalog({ clock });
});
after(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** A move from a store in memory to one on disk, with a catalog of its own of which nothing is left of earlier tests. */
async function openGround(changes: { catalog?: (catalog: Catalog) => Catalog } = {}) {
  const source = new Bucket(openMemoryBackend({ clock }));
  const root = join(directory, randomUUID());
  const target = new Bucket(
    await openLocalBackend({
      root,
      publicUrl: 'http://files.test',
      signingSecrets: ['a secret for tests, thirty-two bytes or more'],
      freeBytesMin: 0,
      clock,
    }),
  );
  const { catalog } = database;
  for (let page = await all(); page.length > 0; page = await all()) {
    for (const { tenantId, assetId } of page) {
      await catalog.tombstoneAsset(tenantId, assetId, makeEntry({ action: 'delete' }));
      await catalog.forgetAsset(assetId);
    }
  }
  const parts: MoveParts = {
    ...{ source, target, clock, log: silentLog },
    stores: { of: async (backend) => (backend === 'memory' ? source : target) },
    catalog: changes.catalog?.(catalog) ?? catalog,
  };
  return {
    parts,
    source,
    target,
    catalog,
    async store(bytes = randomBytes(1000)): Promise<Asset> {
      const key = parseObjectKey(`images/${randomUUID()}.png`);
      await source.put(key, streamOf(bytes), WRITE);
      const contentHash = createHash('sha256').update(bytes).digest('hex');
      const asset = makeAsset({
        ...{ assetId: newTimeOrderedUuid(nowMs), key, backend: 'memory', contentHash },
        ...{ sizeBytes: bytes.byteLength, createdAtMs: nowMs },
      });
      await catalog.commitUpload(makeUpload([asset]));
      return asset;
    },
    backendOf: async (asset: Asset) => (await catalog.findAsset(asset.tenantId, asset.assetId))?.backend,
    [Symbol.asyncDispose]: () => target.close(),
  };

  function all() {
    return catalog.walkAssets({ backend: null, afterId: null, limit: 500 });
  }
}

async function hashAt(store: Bucket, asset: Asset): Promise<string | undefined> {
  try {
    const { body } = await store.get(asset.key, {});
    return createHash('sha256')
      .update(await collectBytes(body, 1e6))
      .digest('hex');
  } catch {
    return undefined;
  }
}

describe('a move', () => {
  test('changes nothing unasked, and says what there is', async () => {
    await using ground = await openGround();
    const asset = await ground.store();
    const report = await moveAssets(ground.parts, { ...APPLY, apply: false });
    assert.deepEqual(report.found, { files: 1, bytes: 1000 });
    assert.deepEqual([report.applied, report.left.files, hasMoveFindings(report)], [false, 1, false]);
    assert.equal(await ground.backendOf(asset), 'memory');
    assert.equal(await hashAt(ground.target, asset), undefined);
    await assert.rejects(ground.target.head(STORE_OWNER_KEY, {}), { code: 'object_not_found' });
  });

  test('brings bytes, type, caching and facts, and switches the record; the source keeps its copy', async () => {
    await using ground = await openGround();
    const assets = await Promise.all(Array.from({ length: 9 }, () => ground.store()));
    const report = await moveAssets(ground.parts, APPLY);
    assert.deepEqual(
      [report.moved, report.reused, report.left.files, report.copies.left.files],
      [{ files: 9, bytes: 9000 }, 0, 0, 9],
    );
    assert.equal(hasMoveFindings(report), false);
    for (const asset of assets) {
      assert.equal(await ground.backendOf(asset), 'local');
      assert.equal(await hashAt(ground.target, asset), asset.contentHash);
      assert.equal(await hashAt(ground.source, asset), asset.contentHash);
      const { contentType, cacheControl, metadata } = await ground.target.head(asset.key, {});
      assert.deepEqual([contentType, cacheControl, { ...metadata }], ['image/png', 'private', FACTS]);
    }
    assert.equal((await moveAssets(ground.parts, APPLY)).found.files, 0);
  });

  test('never switches to bytes that are not those of the record, and lists them', async () => {
    await using ground = await openGround();
    const [good, other, short, lost] = await Promise.all([1, 2, 3, 4].map(() => ground.store()));
    assert.ok(good && other && short && lost);
    const replace = { ...WRITE, mode: 'replace' } as const;
    await ground.source.put(other.key, streamOf(randomBytes(1000)), replace);
    await ground.source.put(short.key, streamOf(randomBytes(10)), replace);
    await ground.source.delete(lost.key, {});
    const dry = await moveAssets(ground.parts, { ...APPLY, apply: false });
    assert.deepEqual(dry.differences, { hash_mismatch: 1, missing: 1 }, 'by size alone');
    const report = await moveAssets(ground.parts, APPLY);
    assert.deepEqual(report.differences, { hash_mismatch: 2, missing: 1 });
    assert.deepEqual([report.moved.files, report.left.files, hasMoveFindings(report)], [1, 3, true]);
    assert.deepEqual(
      report.differing.map(({ asset_id }) => asset_id).sort(),
      [other, short, lost].map(({ assetId }) => assetId).sort(),
    );
    for (const asset of [other, short]) {
      assert.equal(await ground.backendOf(asset), 'memory');
      assert.equal(await hashAt(ground.target, asset), undefined);
    }
  });

  test('takes what an interrupted one has copied, once it is verified, and mends what is not right', async () => {
    await using ground = await openGround();
    const [whole, torn, bare] = await Promise.all([1, 2, 3].map(() => ground.store()));
    assert.ok(whole && torn && bare);
    const { body } = await ground.source.get(whole.key, {});
    await ground.target.put(whole.key, body, WRITE);
    await ground.target.put(torn.key, streamOf(randomBytes(1000)), WRITE);
    const again = await ground.source.get(bare.key, {});
    await ground.target.put(bare.key, again.body, { ...WRITE, metadata: {} });
    const report = await moveAssets(ground.parts, APPLY);
    assert.deepEqual([report.moved.files, report.reused], [3, 1]);
    assert.equal(await hashAt(ground.target, torn), torn.contentHash);
    assert.deepEqual({ ...(await ground.target.head(bare.key, {})).metadata }, FACTS);
  });

  test('needs no source for what is right at the target', async () => {
    await using ground = await openGround();
    const asset = await ground.store();
    const { body } = await ground.source.get(asset.key, {});
    await ground.target.put(asset.key, body, WRITE);
    await ground.source.delete(asset.key, {});
    assert.equal((await moveAssets(ground.parts, APPLY)).reused, 1);
    assert.equal(await ground.backendOf(asset), 'local');
  });

  test('leaves no bytes of an asset that is deleted while it is copied', async () => {
    await using ground = await openGround({
      catalog: (catalog) => ({
        ...catalog,
        // The delete comes between the copy and the switch, and its bytes are removed before ours have come.
        async switchBackend(assetId, copy, atMs) {
          await catalog.tombstoneAsset('acme', assetId, makeEntry({ action: 'delete', assetId }));
          await catalog.forgetAsset(assetId);
          return await catalog.switchBackend(assetId, copy, atMs);
        },
      }),
    });
    const asset = await ground.store();
    const report = await moveAssets(ground.parts, APPLY);
    assert.deepEqual([report.gone, report.moved.files, hasMoveFindings(report)], [1, 0, false]);
    assert.equal(await hashAt(ground.target, asset), undefined);
  });

  test('finds what is uploaded to the source while it runs', async () => {
    let isLate = false;
    await using ground = await openGround({
      catalog: (catalog) => ({
        ...catalog,
        async switchBackend(assetId, copy, atMs) {
          // An id older than the place where the walk has come to.
          if (!isLate) {
            isLate = true;
            nowMs -= 60_000;
            await ground.store();
            nowMs += 60_000;
          }
          return await catalog.switchBackend(assetId, copy, atMs);
        },
      }),
    });
    await ground.store();
    const report = await moveAssets(ground.parts, { ...APPLY, filesAtOnce: 1 });
    assert.deepEqual([report.moved.files, report.left.files], [2, 0]);
  });

  test('tries again when the target fails, and gives up when it fails always', async () => {
    await using ground = await openGround();
    const assets = await Promise.all(Array.from({ length: 12 }, () => ground.store()));
    let faults = 3;
    const down = new StowageError('storage_unavailable', 'The store is down.');
    const faulty: MoveParts['target'] = {
      name: ground.target.name,
      capabilities: ground.target.capabilities,
      check: (options) => ground.target.check(options),
      head: (key, options) => ground.target.head(key, options),
      get: (key, options) => ground.target.get(key, options),
      delete: (key, options) => ground.target.delete(key, options),
      put: (key, body, options) => {
        if (key === STORE_OWNER_KEY || faults-- <= 0) return ground.target.put(key, body, options);
        return Promise.reject(down);
      },
    };
    const parts = { ...ground.parts, target: faulty };
    const report = await moveAssets(parts, { ...APPLY, filesAtOnce: 1 });
    assert.deepEqual([report.moved.files, report.differences], [assets.length, {}]);

    await Promise.all(Array.from({ length: 12 }, () => ground.store()));
    faults = Number.POSITIVE_INFINITY;
    await assert.rejects(moveAssets(parts, APPLY), { code: 'storage_unavailable' });
    faults = 0;
    assert.equal((await moveAssets(parts, APPLY)).moved.files, 12);
  });

  test('stops at a store that belongs to another catalog', async () => {
    await using ground = await openGround();
    const asset = await ground.store();
    await ground.target.put(STORE_OWNER_KEY, streamOf(Buffer.from(randomUUID())), WRITE);
    const report = await moveAssets(ground.parts, APPLY);
    assert.match(report.stopped ?? '', /^local: The store belongs to another catalog/);
    assert.deepEqual([report.applied, hasMoveFindings(report)], [false, true]);
    assert.equal(await ground.backendOf(asset), 'memory');
  });

  test('ends when it is told to', async () => {
    await using ground = await openGround();
    await ground.store();
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(moveAssets(ground.parts, { ...APPLY, signal: stop.signal }), { code: 'aborted' });
  });
});

describe('the copies at the source', () => {
  const RELEASE = { ...APPLY, deleteSource: true };

  test('stay for a while after a move, and go when they are asked for then', async () => {
    await using ground = await openGround();
    const asset = await ground.store();
    const first = await moveAssets(ground.parts, RELEASE);
    assert.deepEqual([first.copies.removed.files, first.copies.left.files], [0, 1]);
    nowMs += HOUR_MS + 1;
    assert.equal((await moveAssets(ground.parts, { ...RELEASE, apply: false })).copies.removed.files, 0);
    const second = await moveAssets(ground.parts, RELEASE);
    assert.deepEqual([second.copies.removed, second.copies.left.files], [{ files: 1, bytes: 1000 }, 0]);
    assert.equal(await hashAt(ground.source, asset), undefined);
    assert.equal(await hashAt(ground.target, asset), asset.contentHash);
  });

  test('stay when the file is lost or damaged where it is read', async () => {
    await using ground = await openGround();
    const [lost, damaged] = await Promise.all([ground.store(), ground.store()]);
    await moveAssets(ground.parts, APPLY);
    await ground.target.delete(lost.key, {});
    await ground.target.put(damaged.key, streamOf(randomBytes(1000)), { ...WRITE, mode: 'replace' });
    nowMs += HOUR_MS + 1;
    const report = await moveAssets(ground.parts, RELEASE);
    assert.deepEqual(report.differences, { target_missing: 1, target_mismatch: 1 });
    assert.deepEqual([report.copies.removed.files, report.copies.left.files], [0, 2]);
    assert.equal(await hashAt(ground.source, lost), lost.contentHash);
  });

  test('are taken back by a move the other way, also when it comes between', async () => {
    await using ground = await openGround();
    const asset = await ground.store();
    await moveAssets(ground.parts, APPLY);
    const back = { ...ground.parts, source: ground.target, target: ground.source };
    const report = await moveAssets(back, APPLY);
    assert.deepEqual([report.moved.files, report.reused], [1, 1]);
    assert.equal(await ground.backendOf(asset), 'memory');
    nowMs += HOUR_MS + 1;
    // The copies at what is the source now are those of the first move's target.
    assert.equal((await moveAssets(back, RELEASE)).copies.removed.files, 1);
    assert.equal(await hashAt(ground.source, asset), asset.contentHash);
    assert.equal(await hashAt(ground.target, asset), undefined);
  });
});
