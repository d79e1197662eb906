import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Client } from 'pg';
import type { Asset, Catalog } from '../catalog/catalog.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from '../catalog/fixtures.ts';
import { openTestCatalog, type TestCatalog } from '../catalog/testing.ts';
import type { AssetType } from '../core/asset-type.ts';
import { streamOf } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';
import { newTimeOrderedUuid, newUuid } from '../core/ids.ts';
import { parseObjectKey } from '../core/key.ts';
import { silentLog } from '../core/log.ts';
import { type MemoryBackend, openMemoryBackend } from '../storage/index.ts';
import { singleStore } from '../storage/stores.ts';
import { sweptPrefixes } from './find-orphans.ts';
import { STORE_OWNER_KEY } from './store-owner.ts';
import {
  hasFindings,
  SWEEP_AGE_SECONDS_DEFAULT,
  type SweepOptions,
  type SweepParts,
  sweep,
} from './sweep.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CREATE = { mode: 'create', contentType: 'image/png', cacheControl: '', metadata: {} } as const;
const DRY: SweepOptions = { apply: false, force: false, ageSecondsMin: SWEEP_AGE_SECONDS_DEFAULT };
const APPLY: SweepOptions = { ...DRY, apply: true };

function imageType(given: Partial<AssetType> = {}): AssetType {
  return {
    name: 'image',
    accepts: { 'image/png': ['png'] },
    fileBytesMax: 1000,
    keyTemplate: 'images/{uuid}_{filename}',
    cacheControl: '',
    unusedDaysMax: null,
    filesPerRequestMax: 10,
    visibility: 'private',
    ...given,
  };
}

/** A store in memory and a catalog on PostgreSQL under one clock that only the test moves. */
interface Ground extends AsyncDisposable {
  readonly owner: TestCatalog['owner'];
  readonly parts: SweepParts & { readonly bucket: MemoryBackend; readonly catalog: Catalog };
  advance(durationMs: number): void;
  putBytes(text?: string, prefix?: string): Promise<Asset>;
  store(given?: Partial<Asset>): Promise<Asset>;
  exists(asset: Asset): Promise<boolean>;
}

async function openGround(
  assetTypes: readonly AssetType[] = [imageType()],
  spoolDir: string | null = null,
): Promise<Ground> {
  let nowMs = NOON_MS;
  const clock = { now: () => nowMs };
  const database: TestCatalog = await openTestCatalog({ clock });
  const bucket = openMemoryBackend({ clock });
  const parts = {
    bucket,
    stores: singleStore(bucket),
    catalog: database.catalog,
    assetTypes: new Map(assetTypes.map((assetType) => [assetType.name, assetType])),
    listStaleMultipart: null,
    spoolDir,
    clock,
    log: silentLog,
  };
  async function putBytes(text = 'x'.repeat(100), prefix = 'images'): Promise<Asset> {
    const key = parseObjectKey(`${prefix}/${newUuid()}.png`);
    await bucket.put(key, streamOf(Buffer.from(text)), CREATE);
    return makeAsset({
      assetId: newTimeOrderedUuid(nowMs),
      key,
      backend: 'memory',
      sizeBytes: Buffer.byteLength(text),
      createdAtMs: nowMs,
    });
  }
  return {
    parts,
    owner: database.owner,
    advance(durationMs) {
      nowMs += durationMs;
    },
    putBytes,
    async store(given = {}) {
      const asset = { ...(await putBytes()), ...given };
      await parts.catalog.commitUpload(makeUpload([asset]));
      return asset;
    },
    exists: (asset) =>
      bucket.head(asset.key, {}).then(
        () => true,
        () => false,
      ),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

describe('a sweep', () => {
  test('reports orphans, removes nothing unasked, and removes them when asked', async () => {
    await using ground = await openGround();
    const kept = await ground.store();
    const orphan = await ground.putBytes('12345');
    ground.advance(DAY_MS + 1);
    const dry = await sweep(ground.parts, DRY);
    assert.deepEqual(dry.orphans, { found: 1, bytes: 5, removed: 0 });
    assert.deepEqual(dry.orphan_keys, [orphan.key]);
    assert.ok(hasFindings(dry));
    assert.ok(await ground.exists(orphan));
    const applied = await sweep(ground.parts, APPLY);
    assert.deepEqual(applied.orphans, { found: 1, bytes: 5, removed: 1 });
    assert.equal(await ground.exists(orphan), false);
    assert.ok(await ground.exists(kept));
    assert.equal(hasFindings(await sweep(ground.parts, DRY)), false);
  });

  test('leaves objects younger than the minimum age alone, by the clock of the store', async () => {
    await using ground = await openGround();
    const young = await ground.putBytes();
    ground.advance(DAY_MS);
    assert.equal((await sweep(ground.parts, APPLY)).orphans.found, 0);
    ground.advance(1);
    assert.equal((await sweep(ground.parts, APPLY)).orphans.removed, 1);
    assert.equal(await ground.exists(young), false);
  });

  test('goes by the clock of the store, whatever the clock of this machine says', async () => {
    await using ground = await openGround([imageType({ unusedDaysMax: 30 })]);
    const old = await ground.putBytes();
    ground.advance(2 * DAY_MS);
    const fresh = await ground.putBytes();
    const read = await ground.store();
    for (const skewMs of [-40 * DAY_MS, 40 * DAY_MS]) {
      const warnings: string[] = [];
      const skewed = {
        ...ground.parts,
        clock: { now: () => ground.parts.clock.now() + skewMs },
        log: { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) },
      };
      const report = await sweep(skewed, APPLY);
      assert.equal(await ground.exists(fresh), true, `${skewMs}`);
      assert.equal(await ground.exists(old), false, `${skewMs}`);
      assert.equal(await ground.exists(read), true, `${skewMs}`);
      assert.equal(report.unused.found, 0);
      assert.equal(report.stopped, null);
      assert.match(warnings.join(), /clocks/);
    }
    const page = await ground.parts.bucket.list({ prefix: 'incoming/', cursor: null, limit: 10 });
    assert.deepEqual(page.entries, [], 'no marker is left');
  });

  test('that removes nothing needs no right to write', async () => {
    await using ground = await openGround();
    await ground.putBytes();
    ground.advance(2 * DAY_MS);
    const { bucket } = ground.parts;
    const denied = async () => Promise.reject(new StowageError('storage_denied', 'Read only.'));
    const readOnly: SweepParts['bucket'] = {
      ...{ name: bucket.name, put: denied, delete: denied, deleteMany: denied },
      ...{ list: bucket.list.bind(bucket), head: bucket.head.bind(bucket), get: bucket.get.bind(bucket) },
      resumeMultipart: bucket.resumeMultipart.bind(bucket),
    };
    const parts = { ...ground.parts, bucket: readOnly };
    assert.equal((await sweep(parts, DRY)).orphans.found, 1);
    await assert.rejects(sweep(parts, APPLY), { code: 'storage_denied' });
  });

  test('leaves what lies outside the prefixes of our asset types alone', async () => {
    await using ground = await openGround();
    const foreign = await ground.putBytes('theirs', 'backups');
    const incoming = await ground.putBytes('half', 'incoming');
    ground.advance(2 * DAY_MS);
    assert.equal((await sweep(ground.parts, APPLY)).orphans.removed, 1);
    assert.ok(await ground.exists(foreign));
    assert.equal(await ground.exists(incoming), false);
  });

  test('is not held up by tombstones and unused assets of another store, however many', async () => {
    await using ground = await openGround([imageType({ unusedDaysMax: 1 })]);
    const { catalog } = ground.parts;
    const many = (state: string) =>
      Array.from({ length: 501 }, () =>
        makeAsset({
          assetId: newTimeOrderedUuid(NOON_MS - 1000),
          createdAtMs: NOON_MS - 1000,
          backend: 's3',
          filename: state,
        }),
      );
    const [deleted, unused] = [many('deleted'), many('unused')];
    for (const assets of [deleted, unused]) await catalog.commitUpload(makeUpload(assets));
    for (const { assetId } of deleted) {
      await catalog.tombstoneAsset('acme', assetId, makeEntry({ action: 'delete', atMs: NOON_MS }));
    }
    const interrupted = await ground.store();
    await catalog.tombstoneAsset('acme', interrupted.assetId, makeEntry({ action: 'delete', atMs: NOON_MS }));
    const ours = await ground.store();
    ground.advance(2 * DAY_MS);
    const report = await sweep(ground.parts, { ...APPLY, force: true });
    assert.deepEqual([report.tombstones.removed, report.unused.removed, report.failures], [1, 1, 0]);
    assert.equal(await ground.exists(interrupted), false);
    assert.equal(await ground.exists(ours), false);
  });

  test('does not remove an object whose row appears between the listing and the removal', async () => {
    await using ground = await openGround();
    const late = await ground.putBytes();
    ground.advance(2 * DAY_MS);
    const { catalog } = ground.parts;
    let asked = 0;
    const report = await sweep(
      {
        ...ground.parts,
        catalog: {
          ...bound(catalog),
          async keysInUse(keys) {
            const answer = await catalog.keysInUse(keys);
            asked += 1;
            if (asked === 1) await catalog.commitUpload(makeUpload([late]));
            return answer;
          },
        },
      },
      APPLY,
    );
    assert.deepEqual([report.orphans.found, report.orphans.removed], [1, 0]);
    assert.ok(await ground.exists(late));
  });

  test('reports rows without bytes or of another size, and never removes them', async () => {
    await using ground = await openGround();
    const missing = await ground.store();
    const cut = await ground.store({ sizeBytes: 7 });
    await ground.parts.bucket.delete(missing.key, {});
    const report = await sweep(ground.parts, APPLY);
    assert.deepEqual([report.missing, report.wrong_size, report.assets], [1, 1, 2]);
    assert.deepEqual(
      new Map(report.damaged.map(({ asset_id, problem }) => [asset_id, problem])),
      new Map([
        [missing.assetId, 'missing'],
        [cut.assetId, 'wrong_size'],
      ]),
    );
    assert.ok(hasFindings(report));
    assert.notEqual(await ground.parts.catalog.findAsset('acme', missing.assetId), undefined);
  });

  test('goes on past an object that the store finds damaged, and names its record', async () => {
    await using ground = await openGround();
    const damaged = await ground.store();
    await ground.store();
    const orphan = await ground.putBytes();
    ground.advance(DAY_MS + 1);
    const { bucket } = ground.parts;
    const head = bucket.head.bind(bucket);
    bucket.head = async (key, options) => {
      if (key === damaged.key) throw new StowageError('object_corrupt', 'The stored object has no end mark.');
      return await head(key, options);
    };
    const report = await sweep(ground.parts, APPLY);
    assert.deepEqual([report.unreadable, report.missing, report.wrong_size], [1, 0, 0]);
    const { assetId: asset_id, key } = damaged;
    assert.deepEqual(report.damaged, [{ asset_id, key, problem: 'unreadable' }]);
    assert.ok(hasFindings(report));
    assert.equal(await ground.exists(orphan), false);
    assert.notEqual(await ground.parts.catalog.findAsset('acme', damaged.assetId), undefined);
  });

  test('finishes deletes that were interrupted before or after their bytes were gone', async () => {
    await using ground = await openGround();
    const first = await ground.store();
    const second = await ground.store();
    for (const asset of [first, second]) {
      await ground.parts.catalog.tombstoneAsset('acme', asset.assetId, makeEntry({ action: 'delete' }));
    }
    await ground.parts.bucket.delete(second.key, {});
    assert.equal((await sweep(ground.parts, DRY)).tombstones.found, 2);
    const report = await sweep(ground.parts, APPLY);
    assert.equal(report.tombstones.removed, 2);
    assert.equal(report.missing, 0);
    assert.equal(await ground.exists(first), false);
    assert.equal((await ground.parts.catalog.keysInUse([first.key, second.key])).size, 0);
  });

  test('removes assets past the retention of their type with an entry in the access log, and no others', async () => {
    await using ground = await openGround([imageType({ unusedDaysMax: 90 })]);
    const unused = await ground.store();
    const read = await ground.store();
    ground.advance(89 * DAY_MS);
    const readEntry = makeEntry({ assetId: read.assetId, atMs: ground.parts.clock.now() });
    await ground.parts.catalog.recordRead({ ...readEntry, assetId: read.assetId });
    assert.equal((await sweep(ground.parts, APPLY)).unused.found, 0);
    ground.advance(2 * DAY_MS);
    const report = await sweep(ground.parts, APPLY);
    assert.deepEqual([report.unused.found, report.unused.removed], [1, 1]);
    assert.equal(await ground.exists(unused), false);
    assert.ok(await ground.exists(read));
    const log = await ground.parts.catalog.listAccess({
      ...{
        tenantId: 'acme',
        userId: null,
        assetId: unused.assetId,
        action: 'delete',
        fromMs: null,
        toMs: null,
      },
      ...{ limit: 10, cursor: null },
    });
    assert.equal(log.items.length, 1);
  });

  test('stops when unusually much would go, and goes on when forced', async () => {
    await using ground = await openGround();
    await ground.store();
    for (let count = 0; count < 11; count += 1) await ground.putBytes();
    ground.advance(2 * DAY_MS);
    const stopped = await sweep(ground.parts, APPLY);
    assert.match(stopped.stopped ?? '', /11 of 12/);
    assert.deepEqual([stopped.orphans.found, stopped.orphans.removed], [11, 0]);
    assert.equal((await sweep(ground.parts, { ...APPLY, force: true })).orphans.removed, 11);
  });

  test('removes nothing in the store of another catalog, forced or not, and leaves its mark out of the count', async () => {
    await using ground = await openGround([imageType({ keyTemplate: '{uuid}' })]);
    await using other = await openGround();
    await ground.store();
    ground.advance(2 * DAY_MS);
    assert.equal((await sweep(ground.parts, APPLY)).stopped, null);
    await otherIdentity(other);
    const stray = await ground.putBytes();
    ground.advance(2 * DAY_MS);
    const parts = { ...ground.parts, catalog: other.parts.catalog };
    for (const options of [DRY, APPLY, { ...APPLY, force: true }]) {
      const report = await sweep(parts, options);
      assert.match(report.stopped ?? '', /belongs to another catalog/);
      assert.deepEqual([report.objects, report.orphans.removed, report.applied], [2, 0, false]);
      assert.ok(hasFindings(report));
    }
    assert.equal((await sweep(ground.parts, APPLY)).orphans.removed, 1);
    assert.equal(await ground.exists(stray), false);
  });

  test('does not claim a store for a catalog that does not fit it', async () => {
    await using ground = await openGround();
    for (let count = 0; count < 11; count += 1) await ground.putBytes();
    ground.advance(2 * DAY_MS);
    await sweep(ground.parts, APPLY);
    await sweep(ground.parts, { ...DRY, force: true });
    await assert.rejects(ground.parts.bucket.head(STORE_OWNER_KEY, {}), { code: 'object_not_found' });
  });

  test('stops beside a catalog without any asset: that is the wrong database', async () => {
    await using ground = await openGround();
    for (let count = 0; count < 11; count += 1) await ground.putBytes();
    ground.advance(2 * DAY_MS);
    const report = await sweep(ground.parts, APPLY);
    assert.match(report.stopped ?? '', /no asset at all/);
    assert.equal(report.orphans.removed, 0);
  });

  test('aborts multi-part uploads that were begun long ago', async () => {
    await using ground = await openGround();
    const key = parseObjectKey(`images/${newUuid()}.png`);
    const upload = await ground.parts.bucket.beginMultipart(key, CREATE);
    await upload.putPart(1, streamOf(Buffer.from('part')), { sizeBytes: 4 });
    const parts: SweepParts = {
      ...ground.parts,
      listStaleMultipart: async () => [{ key, uploadId: upload.uploadId, startedAtMs: NOON_MS }],
    };
    assert.equal((await sweep(parts, DRY)).stale_uploads.found, 1);
    assert.equal((await sweep(parts, APPLY)).stale_uploads.removed, 1);
    await assert.rejects(upload.complete([], { mode: 'create' }));
  });

  test('stops at once when its signal fires', async () => {
    await using ground = await openGround();
    await assert.rejects(sweep(ground.parts, { ...APPLY, signal: AbortSignal.abort() }), { code: 'aborted' });
  });
});

describe('direct uploads', () => {
  const BOUNDS = { limit: { filesMax: 10, windowSeconds: 3 * 86_400 }, openMax: 10 };
  const OWNER = { tenantId: 'acme', userId: 'ada' };

  async function reserve(ground: Ground, lifetimeMs: number, storeUploadId: string | null = null) {
    const nowMs = ground.parts.clock.now();
    const uploadId = newTimeOrderedUuid(nowMs);
    const incomingKey = parseObjectKey(`incoming/${uploadId}`);
    await ground.parts.catalog.reserveUpload(
      {
        ...{ ...OWNER, uploadId, incomingKey, assetType: 'image', filename: 'a.png', declaredType: null },
        ...{ sizeBytes: 5, sha256: null, fields: {}, metadata: {}, backend: 'memory', partBytes: null },
        ...{ createdAtMs: nowMs, expiresAtMs: nowMs + lifetimeMs },
      },
      BOUNDS,
    );
    if (storeUploadId !== null) await ground.parts.catalog.noteStoreUpload(uploadId, storeUploadId);
    return { uploadId, incomingKey };
  }
  const remaining = async (ground: Ground) =>
    (await ground.parts.catalog.uploadAllowance(OWNER, BOUNDS.limit, ground.parts.clock.now())).remaining;

  test('that expired lose their bytes and give their place back, asked or not', async () => {
    await using ground = await openGround();
    const { uploadId, incomingKey } = await reserve(ground, HOUR_MS);
    await ground.parts.bucket.put(incomingKey, streamOf(Buffer.from('12345')), CREATE);
    assert.deepEqual((await sweep(ground.parts, APPLY)).expired_uploads, { found: 0, bytes: 0, removed: 0 });
    ground.advance(HOUR_MS);
    const dry = await sweep(ground.parts, DRY);
    assert.deepEqual(dry.expired_uploads, { found: 1, bytes: 5, removed: 0 });
    assert.ok(hasFindings(dry));
    assert.equal(await remaining(ground), 9);
    const applied = await sweep(ground.parts, APPLY);
    assert.deepEqual(applied.expired_uploads, { found: 1, bytes: 5, removed: 1 });
    assert.equal((await ground.parts.catalog.findUpload('acme', uploadId))?.state, 'expired');
    await assert.rejects(ground.parts.bucket.head(incomingKey, {}), { code: 'object_not_found' });
    assert.equal(await remaining(ground), 10);
  });

  test('that are open keep their bytes and parts, however old and however small the minimum age', async () => {
    await using ground = await openGround();
    const key = parseObjectKey(`incoming/${newUuid()}`);
    const multipart = await ground.parts.bucket.beginMultipart(key, CREATE);
    const { incomingKey } = await reserve(ground, 3 * DAY_MS, multipart.uploadId);
    await ground.parts.bucket.put(incomingKey, streamOf(Buffer.from('12345')), CREATE);
    ground.advance(2 * DAY_MS);
    const parts: SweepParts = {
      ...ground.parts,
      listStaleMultipart: async () => [
        { key: incomingKey, uploadId: multipart.uploadId, startedAtMs: NOON_MS },
      ],
    };
    const report = await sweep(parts, { ...APPLY, ageSecondsMin: 0 });
    assert.deepEqual(
      [report.orphans.found, report.stale_uploads.found, report.expired_uploads.found],
      [0, 0, 0],
    );
    await ground.parts.bucket.head(incomingKey, {});
  });

  test('that ended leave what still arrives to the orphans', async () => {
    await using ground = await openGround();
    const { incomingKey } = await reserve(ground, HOUR_MS);
    ground.advance(HOUR_MS);
    await sweep(ground.parts, APPLY);
    await ground.parts.bucket.put(incomingKey, streamOf(Buffer.from('12345')), CREATE);
    ground.advance(2 * DAY_MS);
    assert.deepEqual((await sweep(ground.parts, APPLY)).orphans, { found: 1, bytes: 5, removed: 1 });
  });

  test('that expired are removed once by two sweeps at a time', async () => {
    await using ground = await openGround();
    for (let count = 0; count < 5; count += 1) await reserve(ground, HOUR_MS);
    ground.advance(HOUR_MS);
    const reports = await Promise.all([sweep(ground.parts, APPLY), sweep(ground.parts, APPLY)]);
    const removed = reports.reduce((sum, report) => sum + report.expired_uploads.removed, 0);
    assert.deepEqual([removed, await remaining(ground)], [5, 10]);
  });
});

describe('files in the spool', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'stowage-spool-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('are removed when they are older than any request', async () => {
    await using ground = await openGround([imageType()], directory);
    ground.advance(2 * DAY_MS);
    const ageOf = { old: 2 * DAY_MS, fresh: HOUR_MS };
    for (const [name, ageMs] of Object.entries(ageOf)) {
      writeFileSync(join(directory, name), 'left');
      const time = (ground.parts.clock.now() - ageMs - 1) / 1000;
      utimesSync(join(directory, name), time, time);
    }
    const report = await sweep(ground.parts, APPLY);
    assert.deepEqual(report.spool_files, { found: 1, bytes: 4, removed: 1 });
  });
});

test('swept prefixes are the fixed beginnings of key templates, none inside another', () => {
  const types = (...templates: string[]) =>
    new Map(templates.map((keyTemplate, index) => [String(index), imageType({ keyTemplate })]));
  assert.deepEqual(sweptPrefixes(types('images/{uuid}', 'images/public/{uuid}', 'a/b-{uuid}')), [
    'a/',
    'images/',
    'incoming/',
  ]);
  assert.deepEqual(sweptPrefixes(types('{user_id}/{uuid}', 'images/{uuid}')), ['']);
});

type Step =
  | { readonly kind: 'upload' | 'crash' | 'wait' | 'sweep' }
  | { readonly kind: 'delete' | 'halfDelete'; readonly which: number };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('upload' as const, 'crash' as const, 'wait' as const, 'sweep' as const),
    }),
    fc.record({ kind: fc.constantFrom('delete' as const, 'halfDelete' as const), which: fc.nat() }),
  ),
  { minLength: 10, maxLength: 40 },
);

test('whatever happens, no object goes that a row names or that is too young', {
  timeout: 120_000,
}, async () => {
  await using ground = await openGround();
  const stored = new Map<string, Asset>();
  const young = new Map<string, { readonly asset: Asset; readonly atMs: number }>();
  const play = async (step: Step): Promise<void> => {
    const { catalog, bucket, clock } = ground.parts;
    if (step.kind === 'upload') {
      const asset = await ground.store();
      stored.set(asset.key, asset);
    } else if (step.kind === 'crash') {
      const asset = await ground.putBytes();
      young.set(asset.key, { asset, atMs: clock.now() });
    } else if (step.kind === 'wait') ground.advance(9 * HOUR_MS);
    else if (step.kind === 'sweep') {
      await sweep(ground.parts, { ...APPLY, force: true });
      for (const asset of stored.values()) assert.ok(await ground.exists(asset), `${asset.key} has a row`);
      for (const [key, { asset, atMs }] of young) {
        const isYoung = clock.now() - atMs <= DAY_MS;
        assert.equal(await ground.exists(asset), isYoung, `${key} is ${isYoung ? 'young' : 'dead'}`);
        if (!isYoung) young.delete(key);
      }
    } else if ('which' in step) {
      const asset = [...stored.values()][step.which % Math.max(1, stored.size)];
      if (asset === undefined) return;
      await catalog.tombstoneAsset('acme', asset.assetId, makeEntry({ action: 'delete', atMs: clock.now() }));
      stored.delete(asset.key);
      if (step.kind === 'halfDelete') return;
      await bucket.delete(asset.key, {});
      await catalog.forgetAsset(asset.assetId);
    }
  };
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      for (const step of sequence) await play(step);
      await play({ kind: 'sweep' });
    }),
    { numRuns: 15 },
  );
});

/** Test databases are copies of one; this one becomes a catalog of its own. */
async function otherIdentity(ground: Ground): Promise<void> {
  const client = new Client(ground.owner);
  await client.connect();
  await client.query('update catalog_identity set catalog_id = gen_random_uuid()');
  await client.end();
}

/** The methods of a catalog as a plain object, so that one of them can be watched. */
function bound(catalog: Catalog): Catalog {
  return Object.fromEntries(
    Object.entries(catalog).map(([name, value]) => [
      name,
      typeof value === 'function' ? value.bind(catalog) : value,
    ]),
  ) as unknown as Catalog;
}
