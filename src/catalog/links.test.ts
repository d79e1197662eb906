import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import type { RecordName } from './asset-links.ts';
import type { Asset } from './catalog.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from './fixtures.ts';
import { openTestCatalog, type TestCatalog } from './testing.ts';
import { inTransaction, isEndUnknown } from './transaction.ts';

const BRAND: RecordName = { tenantId: 'acme', recordType: 'brand', recordId: '7' };

let store: TestCatalog;
before(async () => {
  store = await openTestCatalog();
});
after(() => store[Symbol.asyncDispose]());

const OPTIONS = { nowMs: NOON_MS, isNew: false };

async function stored(changes: Partial<Asset> = {}): Promise<string> {
  const asset = makeAsset(changes);
  await store.catalog.commitUpload(makeUpload([asset]));
  return asset.assetId;
}

const link = (assetId: string, record: RecordName = BRAND, position: number | null = null) =>
  inTransaction(store.database.pool, (client) =>
    store.catalog.addLink(client, { ...record, assetId, role: '', position }, OPTIONS),
  );

const linked = async (record: RecordName = BRAND) =>
  (await store.catalog.listLinked(record, null)).map(({ asset }) => asset.assetId);

const tombstone = (assetId: string, options: { cutLinks?: boolean } = {}) =>
  store.catalog.tombstoneAsset(
    'acme',
    assetId,
    makeEntry({ action: 'delete', assetId, atMs: NOON_MS }),
    options,
  );

describe('links between assets and records', () => {
  test('are listed by position, and a second link of the same gives another position', async () => {
    const record = { ...BRAND, recordId: 'order' };
    const [a, b, c] = [await stored(), await stored(), await stored()];
    assert.ok(await link(a, record));
    assert.ok(await link(b, record, 2));
    assert.ok(await link(c, record, 1));
    assert.deepEqual(await linked(record), [c, b, a]);
    assert.ok(await link(b, record, 0));
    assert.deepEqual(await linked(record), [b, c, a]);
    assert.deepEqual(await store.catalog.listLinks('acme', b), [
      { ...record, assetId: b, role: '', position: 0 },
    ]);
    assert.deepEqual(await store.catalog.listLinks('globex', b), []);
  });

  test('lead only to stored assets of the tenant', async () => {
    const record = { ...BRAND, recordId: 'none' };
    assert.equal(await link('no id', record), false);
    assert.equal(await link(makeAsset().assetId, record), false);
    assert.equal(await link(await stored(), { ...record, tenantId: 'globex' }), false);
    const gone = await stored();
    await tombstone(gone);
    assert.equal(await link(gone, record), false);
    assert.deepEqual(await linked(record), []);
  });

  test('keep an asset from being deleted until they are cut', async () => {
    const record = { ...BRAND, recordId: 'kept' };
    const assetId = await stored();
    await link(assetId, record);
    await assert.rejects(tombstone(assetId), (error) => {
      assert.ok(isStowageError(error, 'conflict'));
      assert.match(error.message, /linked to brand kept/);
      return true;
    });
    assert.equal((await store.catalog.findAsset('acme', assetId))?.assetId, assetId);
    assert.equal((await tombstone(assetId, { cutLinks: true }))?.assetId, assetId);
    assert.deepEqual(await linked(record), []);
    await store.catalog.forgetAsset(assetId);
  });

  test('win or lose against a delete at the same moment, and never point at a deleted asset', async () => {
    for (let round = 0; round < 10; round += 1) {
      const record = { ...BRAND, recordId: `race ${round}` };
      const assetId = await stored();
      const [isLinked, removed] = await Promise.all([
        link(assetId, record),
        tombstone(assetId).catch((error: unknown) => {
          assert.ok(isStowageError(error, 'conflict'));
          return undefined;
        }),
      ]);
      assert.equal(isLinked, removed === undefined);
      assert.deepEqual(await linked(record), isLinked ? [assetId] : []);
    }
  });

  test('make an asset one that is used: retention leaves it alone', async () => {
    const assetType = 'linked_type';
    const [used, unused] = [await stored({ assetType }), await stored({ assetType })];
    await link(used, { ...BRAND, recordId: 'used' });
    const found = await store.catalog.listUnused({
      assetType,
      backend: 'local',
      beforeMs: NOON_MS + 90 * 86_400_000,
      after: null,
      limit: 10,
    });
    assert.deepEqual(
      found.map(({ assetId }) => assetId),
      [unused],
    );
  });

  test('are counted by role while nobody else can change them', async () => {
    const record = { ...BRAND, recordId: 'counted' };
    const assets = await Promise.all(Array.from({ length: 6 }, () => stored()));
    // Each links its asset only while there are fewer than three: all at once, exactly three may.
    await Promise.all(
      assets.map((assetId) =>
        inTransaction(store.database.pool, async (client) => {
          const counts = await store.catalog.lockLinks(client, record);
          if ((counts.get('') ?? 0) >= 3) return;
          await store.catalog.addLink(client, { ...record, assetId, role: '', position: null }, OPTIONS);
        }),
      ),
    );
    assert.equal((await linked(record)).length, 3);
  });

  test('are removed one by one, by role, or all of a record', async () => {
    const record = { ...BRAND, recordId: 'removed' };
    const [a, b] = [await stored(), await stored()];
    await link(a, record);
    await link(b, record);
    const remove = (which: { assetId: string | null; role: string | null }) =>
      inTransaction(store.database.pool, (client) => store.catalog.removeLinks(client, record, which));
    assert.deepEqual(await remove({ assetId: null, role: 'logo' }), []);
    assert.deepEqual(await remove({ assetId: a, role: null }), [a]);
    assert.deepEqual(await remove({ assetId: null, role: null }), [b]);
  });
});

describe('an upload in a transaction of somebody else', () => {
  test('is recorded with what else the transaction wrote, or not at all', async () => {
    const record = { ...BRAND, recordId: 'together' };
    const { pool } = store.database;
    const commit = (assetId: string, failure: Error | null) => {
      const upload = makeUpload([makeAsset({ assetId })]);
      return store.catalog.commitUpload(upload, (work) =>
        inTransaction(pool, async (client) => {
          // The asset is not there yet: the link is checked at the end.
          const asLink = { ...record, assetId, role: '', position: null };
          assert.ok(await store.catalog.addLink(client, asLink, { ...OPTIONS, isNew: true }));
          const result = await work(client);
          if (failure !== null) throw failure;
          return result;
        }),
      );
    };
    const [kept, lost] = [makeAsset().assetId, makeAsset().assetId];
    assert.equal((await commit(kept, null)).outcome, 'recorded');
    const failure = new Error('The application says no.');
    await assert.rejects(commit(lost, failure), (error) => error === failure && !isEndUnknown(error));
    assert.deepEqual(await linked(record), [kept]);
    assert.equal(await store.catalog.findAsset('acme', lost), undefined);
  });

  test('takes the rest with it when the limit is reached', async () => {
    const { pool } = store.database;
    await pool.query(`create schema if not exists app`);
    await pool.query('create table if not exists app.notes (text text)');
    const upload = makeUpload([makeAsset({ userId: 'limited' })], {
      limit: { filesMax: 0, windowSeconds: 60 },
    });
    const answer = await store.catalog.commitUpload(upload, (work) =>
      inTransaction(pool, async (client) => {
        await client.query(`insert into app.notes values ('never')`);
        return await work(client);
      }),
    );
    assert.equal(answer.outcome, 'rate_limited');
    assert.equal((await pool.query('select from app.notes')).rowCount, 0);
  });

  test('that ignores a failed statement is not taken for recorded', async () => {
    const asset = makeAsset();
    await assert.rejects(
      store.catalog.commitUpload(makeUpload([asset]), (work) =>
        inTransaction(store.database.pool, async (client) => {
          const result = await work(client);
          await client.query('select nonsense').catch(() => undefined);
          return result;
        }),
      ),
      /nothing was recorded/,
    );
    assert.equal(await store.catalog.findAsset('acme', asset.assetId), undefined);
  });
});
