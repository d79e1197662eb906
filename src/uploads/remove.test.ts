import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { singleStore } from '../storage/stores.ts';
import { ALICE, formRequest, type IntakeFixture, note, openIntakeFixture, TYPE } from './intake-fixture.ts';
import { type RemovalOptions, removeAsset } from './remove-asset.ts';

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
  const remove = (id: string, principal: Principal) =>
    removeAsset(options, id, { principal, origin: ORIGIN });
  return { remove, errors };
}

async function upload(fixture: IntakeFixture, count: number, principal = ALICE): Promise<string[]> {
  const ids: string[] = [];
  for (let file = 0; file < count; file += 1) {
    const parts = [TYPE, note('a.txt')];
    const { assets } = await fixture.intake.receiveForm(formRequest(parts, { principal }));
    ids.push(...assets.map(({ assetId }) => assetId));
  }
  return ids;
}

/** How many of Alice's assets are gone but for their bytes. */
async function tombstones(fixture: IntakeFixture): Promise<number> {
  return (await fixture.catalog.listTombstonesOfUser(ALICE, { afterId: null, limit: 9 })).length;
}

describe('removing an asset', () => {
  it('takes its row and its bytes, and leaves an entry', async () => {
    await using fixture = await openIntakeFixture();
    const [id = ''] = await upload(fixture, 2);
    const { key } = (await fixture.catalog.findAsset('acme', id)) ?? assert.fail();
    const { remove } = removalOf(fixture);
    await remove(id, ADMIN);
    assert.equal((await fixture.keys()).length, 1);
    assert.deepEqual([(await fixture.assets()).length, await tombstones(fixture)], [1, 0]);
    assert.deepEqual((await fixture.entries()).at(-1), {
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
    const { remove } = removalOf(fixture);
    const stranger = { ...ADMIN, tenantId: 'other' };
    await assert.rejects(remove(id, stranger), (error) => isStowageError(error, 'not_found'));
    await remove(id, ADMIN);
    await assert.rejects(remove(id, ADMIN), (error) => isStowageError(error, 'not_found'));
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
      const { remove, errors } = removalOf(fixture, { stores: { of: async () => bucket } });
      await remove(id, ADMIN);
      assert.equal(await tombstones(fixture), index + 1);
      assert.equal(errors.length, 1);
    }
  });
});
