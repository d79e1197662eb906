import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { singleStore } from '../storage/stores.ts';
import { ALICE, formRequest, type IntakeFixture, note, openIntakeFixture } from './intake-fixture.ts';
import { createRemoval, ERASURES_WAITING_MAX } from './remove.ts';
import { type RemovalOptions, removeAssetsOfUser } from './remove-asset.ts';

const ADMIN: Principal = { userId: 'root', tenantId: 'acme', role: 'admin' };
const ORIGIN = { requestId: 'r2', ipAddress: '192.0.2.2', userAgent: null };

function removalOf(fixture: IntakeFixture, changes: Partial<RemovalOptions> = {}) {
  const errors: string[] = [];
  const log: Log = {
    debug() {},
    info() {},
    warn() {},
    error: (_fields, message) => void errors.push(message),
  };
  const { catalog } = fixture;
  const stores = singleStore(fixture.backend);
  const options: RemovalOptions = { stores, catalog, clock: { now: () => 5 }, log, ...changes };
  return { removal: createRemoval(options), options, errors };
}

async function upload(fixture: IntakeFixture, count: number, principal = ALICE): Promise<string[]> {
  const ids: string[] = [];
  for (let file = 0; file < count; file += 1) {
    const parts = [{ name: 'asset_type', value: 'note' }, note('a.txt')];
    const { assets } = await fixture.intake.receiveForm(formRequest(parts, { principal }));
    ids.push(...assets.map(({ assetId }) => assetId));
  }
  return ids;
}

describe('removing an asset', () => {
  it('takes its row and its bytes, and leaves an entry', async () => {
    await using fixture = await openIntakeFixture();
    const [id = ''] = await upload(fixture, 2);
    const key = fixture.catalog.assets.get(id)?.key;
    const { removal } = removalOf(fixture);
    await removal.removeAsset(id, ADMIN, ORIGIN);
    assert.equal((await fixture.keys()).length, 1);
    assert.deepEqual([fixture.catalog.assets.size, fixture.catalog.tombstones.size], [1, 0]);
    assert.deepEqual(fixture.catalog.entries.at(-1), {
      action: 'delete',
      outcome: 'ok',
      reason: null,
      tenantId: 'acme',
      userId: 'root',
      assetId: id,
      assetType: 'note',
      key,
      ipAddress: '192.0.2.2',
      userAgent: null,
      storageBackend: 'memory',
      requestId: 'r2',
      atMs: 5,
    });
  });

  it('a second time, or of another tenant, finds none', async () => {
    await using fixture = await openIntakeFixture();
    const [id = ''] = await upload(fixture, 1);
    const { removal } = removalOf(fixture);
    const stranger = { ...ADMIN, tenantId: 'other' };
    await assert.rejects(removal.removeAsset(id, stranger, ORIGIN), (error) =>
      isStowageError(error, 'not_found'),
    );
    await removal.removeAsset(id, ADMIN, ORIGIN);
    await assert.rejects(removal.removeAsset(id, ADMIN, ORIGIN), (error) =>
      isStowageError(error, 'not_found'),
    );
  });

  it('succeeds while the store is down: the tombstone stays for the sweeper', async () => {
    await using fixture = await openIntakeFixture();
    const down = new StowageError('storage_unavailable', 'The store is down.');
    const buckets: Pick<StorageBackend, 'deleteMany'>[] = [
      { deleteMany: () => Promise.reject(down) },
      { deleteMany: async (keys) => keys.map((key) => ({ key, error: down })) },
    ];
    for (const [index, bucket] of buckets.entries()) {
      const [id = ''] = await upload(fixture, 1);
      const { removal, errors } = removalOf(fixture, { stores: { of: async () => bucket } });
      await removal.removeAsset(id, ADMIN, ORIGIN);
      assert.equal(fixture.catalog.tombstones.size, index + 1);
      assert.equal(errors.length, 1);
    }
  });
});

describe('erasing a user', () => {
  it('takes all their assets and nobody else’s, with an entry for each', async () => {
    await using fixture = await openIntakeFixture({ uploadLimit: { filesMax: 500, windowSeconds: 60 } });
    await upload(fixture, 120);
    await upload(fixture, 2, { ...ALICE, userId: 'bob' });
    await upload(fixture, 2, { ...ALICE, tenantId: 'other' });
    const { removal } = removalOf(fixture);
    removal.eraseUser('alice', ADMIN, ORIGIN);
    removal.eraseUser('alice', ADMIN, ORIGIN);
    removal.eraseUser('nobody', ADMIN, ORIGIN);
    await removal.idle();
    assert.equal((await fixture.keys()).length, 4);
    assert.deepEqual([fixture.catalog.assets.size, fixture.catalog.tombstones.size], [4, 0]);
    assert.equal(fixture.catalog.entries.filter(({ action }) => action === 'delete').length, 120);
  });

  it('goes on with the next user when one fails, and can be asked for again', async () => {
    await using fixture = await openIntakeFixture();
    await upload(fixture, 2);
    await upload(fixture, 2, { ...ALICE, userId: 'bob' });
    let calls = 0;
    const catalog = {
      findAsset: fixture.catalog.findAsset.bind(fixture.catalog),
      forgetAsset: fixture.catalog.forgetAsset.bind(fixture.catalog),
      listAssetsOfUser: fixture.catalog.listAssetsOfUser.bind(fixture.catalog),
      tombstoneAsset: async (...args: Parameters<typeof fixture.catalog.tombstoneAsset>) => {
        calls += 1;
        if (calls === 2) throw new StowageError('database_unavailable', 'The database is down.');
        return fixture.catalog.tombstoneAsset(...args);
      },
    };
    const { removal, errors } = removalOf(fixture, { catalog });
    removal.eraseUser('alice', ADMIN, ORIGIN);
    removal.eraseUser('bob', ADMIN, ORIGIN);
    await removal.idle();
    assert.equal(errors.length, 1);
    assert.equal(fixture.catalog.tombstones.size, 0);
    assert.equal((await fixture.keys()).length, 1);
    assert.deepEqual(
      [...fixture.catalog.assets.values()].map(({ userId }) => userId),
      ['alice'],
    );
    removal.eraseUser('alice', ADMIN, ORIGIN);
    await removal.idle();
    assert.equal(fixture.catalog.assets.size, 0);
  });

  it('waits in a queue that has an end', async () => {
    await using fixture = await openIntakeFixture();
    const { removal } = removalOf(fixture);
    for (let user = 0; user < ERASURES_WAITING_MAX; user += 1) removal.eraseUser(`u${user}`, ADMIN, ORIGIN);
    assert.throws(
      () => removal.eraseUser('one more', ADMIN, ORIGIN),
      (error) => isStowageError(error, 'conflict'),
    );
    await removal.close();
    assert.throws(
      () => removal.eraseUser('late', ADMIN, ORIGIN),
      (error) => isStowageError(error, 'conflict'),
    );
  });

  it('stops between two batches when it is told to', async () => {
    await using fixture = await openIntakeFixture();
    await upload(fixture, 1);
    const { options } = removalOf(fixture);
    const request = { principal: ADMIN, origin: ORIGIN, signal: AbortSignal.abort() };
    await assert.rejects(removeAssetsOfUser(options, 'alice', request), (error) =>
      isStowageError(error, 'aborted'),
    );
    assert.equal(fixture.catalog.assets.size, 1);
  });
});
