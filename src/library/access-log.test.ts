import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  ALICE,
  aNote,
  BOB,
  FOREIGNER,
  type LibraryFixture,
  openLibraryFixture,
  refused,
} from './library-fixture.ts';

describe('the access log in a program', () => {
  let fixture: LibraryFixture;
  before(async () => {
    fixture = await openLibraryFixture();
  });
  after(() => fixture[Symbol.asyncDispose]());

  test('tells who did what with an asset, to its owner and to admins', async () => {
    const { stowage } = fixture;
    const { assetId } = await stowage.upload(aNote(ALICE));
    const other = await stowage.upload(aNote(BOB));
    await stowage.signedUrl(assetId, { ...BOB, role: 'admin' }, { lifetimeSeconds: 60 });
    const { entries } = await stowage.accessLog(ALICE, { assetId });
    assert.deepEqual(
      entries.map((entry) => [entry.action, entry.user_id, entry.asset_id]),
      [
        ['generate_url', 'bob', assetId],
        ['upload', 'alice', assetId],
      ],
    );
    const byBob = await stowage.accessLog({ ...ALICE, role: 'admin' }, { userId: 'bob', action: 'upload' });
    assert.deepEqual(
      byBob.entries.map((entry) => entry.asset_id),
      [other.assetId],
    );
    const before = await stowage.accessLog({ ...ALICE, role: 'admin' }, { toMs: 0 });
    assert.deepEqual(before, { entries: [], next_cursor: null });
  });

  test('comes page by page', async () => {
    const { stowage } = fixture;
    const admin = { ...ALICE, role: 'admin' } as const;
    const all = await stowage.accessLog(admin);
    const first = await stowage.accessLog(admin, { limit: 1 });
    const second = await stowage.accessLog(admin, { limit: 1, cursor: first.next_cursor });
    assert.deepEqual([...first.entries, ...second.entries], all.entries.slice(0, 2));
  });

  test('is nobody else’s: not of the whole tenant, not of another’s asset, not of another tenant', async () => {
    const { stowage } = fixture;
    const { assetId } = await stowage.upload(aNote(ALICE));
    await refused(stowage.accessLog(ALICE), 'forbidden');
    await refused(stowage.accessLog(BOB, { assetId }), 'forbidden');
    await refused(stowage.accessLog(FOREIGNER, { assetId }), 'not_found');
    const foreign = await stowage.accessLog({ ...FOREIGNER, role: 'admin' }, { assetId });
    assert.deepEqual(foreign.entries, []);
    await refused(stowage.accessLog(ALICE, { assetId: 'x' }), 'not_found');
    await refused(stowage.accessLog({ ...ALICE, role: 'admin' }, { limit: 0 }), 'invalid_parameter', /limit/);
  });
});
