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

let fixture: LibraryFixture;
before(async () => {
  fixture = await openLibraryFixture();
});
after(() => fixture[Symbol.asyncDispose]());

const upload = async (): Promise<string> => (await fixture.stowage.upload(aNote(ALICE, 'short'))).assetId;
const many = (count: number): Promise<string[]> => Promise.all(Array.from({ length: count }, upload));

/** Links images to a brand, all in one transaction. */
const linkAll = (recordId: string, assetIds: readonly string[]) =>
  fixture.stowage.transaction(async (tx) => {
    for (const [position, assetId] of assetIds.entries()) {
      await tx.link({ recordType: 'brand', recordId, role: 'product_image', assetId, position }, ALICE);
    }
  });

const linked = async (recordId: string) =>
  (await fixture.stowage.linked({ recordType: 'brand', recordId }, ALICE)).map(({ asset }) => asset.assetId);

describe('a record with two to four images', () => {
  test('takes two to four, and neither one nor five', async () => {
    const images = await many(5);
    await refused(linkAll('new', images.slice(0, 1)), 'invalid_parameter', /at least 2 product_image/);
    await refused(linkAll('new', images), 'invalid_parameter', /at most 4 product_image.*would have 5/);
    assert.deepEqual(await linked('new'), []);
    await linkAll('new', images.slice(0, 4));
    assert.deepEqual(await linked('new'), images.slice(0, 4));
    await refused(linkAll('new', images.slice(4)), 'invalid_parameter', /at most 4/);
  });

  test('keeps its images in order, and an image gets another place', async () => {
    const [first = '', second = ''] = await many(2);
    await linkAll('order', [first, second]);
    await fixture.stowage.link(
      { recordType: 'brand', recordId: 'order', role: 'product_image', assetId: first, position: 9 },
      ALICE,
    );
    assert.deepEqual(await linked('order'), [second, first]);
  });

  test('does not lose the last but one, by unlinking or by deleting', async () => {
    const { stowage } = fixture;
    const [first = '', second = '', third = ''] = await many(3);
    await linkAll('keeps', [first, second, third]);
    await refused(stowage.delete(first, ALICE), 'conflict', /linked to brand keeps/);
    const { entries } = await stowage.accessLog(ALICE, { assetId: first });
    assert.deepEqual(
      entries.filter(({ action }) => action === 'delete').map(({ outcome, reason }) => [outcome, reason]),
      [['refused', 'conflict']],
    );
    await stowage.delete(first, ALICE, { unlink: true });
    assert.deepEqual(await linked('keeps'), [second, third]);
    await refused(stowage.delete(second, ALICE, { unlink: true }), 'conflict', /at least 2/);
    await refused(
      stowage.unlink({ recordType: 'brand', recordId: 'keeps', assetId: second }, ALICE),
      'conflict',
      /would have 1/,
    );
    assert.deepEqual(await linked('keeps'), [second, third]);
    assert.equal((await stowage.find(second, ALICE)).assetId, second);
  });

  test('lets only as many of several deletes at once pass as it can bear', async () => {
    const images = await many(4);
    await linkAll('race', images);
    const results = await Promise.allSettled(
      images.map((assetId) => fixture.stowage.delete(assetId, ALICE, { unlink: true })),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2);
    assert.equal((await linked('race')).length, 2);
  });

  test('exchanges an image in one transaction', async () => {
    const { stowage } = fixture;
    const [first = '', second = '', third = ''] = await many(3);
    await linkAll('swap', [first, second]);
    const brand = { recordType: 'brand', recordId: 'swap' } as const;
    await stowage.transaction(async (tx) => {
      assert.deepEqual(await tx.unlink({ ...brand, assetId: first }, ALICE), [first]);
      await tx.link({ ...brand, role: 'product_image', assetId: third, position: 0 }, ALICE);
      assert.deepEqual(
        (await tx.linked(brand, ALICE)).map(({ asset }) => asset.assetId),
        [third, second],
      );
    });
    assert.deepEqual(await linked('swap'), [third, second]);
    await stowage.delete(first, ALICE);
  });

  test('may go as a whole', async () => {
    const { stowage } = fixture;
    const images = await many(2);
    await linkAll('goes', images);
    const brand = { recordType: 'brand', recordId: 'goes' } as const;
    assert.deepEqual((await stowage.unlink(brand, ALICE)).toSorted(), images.toSorted());
    assert.deepEqual(await linked('goes'), []);
    for (const assetId of images) await stowage.delete(assetId, ALICE);
  });
});

describe('a link', () => {
  test('is made with the upload itself', async () => {
    const { stowage } = fixture;
    const task = { recordType: 'task', recordId: '1' } as const;
    const asset = await stowage.upload({
      ...aNote(),
      inTransaction: (tx, { assetId }) => tx.link({ ...task, role: 'attachment', assetId }, ALICE),
    });
    const [only, ...others] = await stowage.linked(task, ALICE);
    assert.deepEqual([only?.asset.assetId, only?.role, others.length], [asset.assetId, 'attachment', 0]);
  });

  test('is made by who may reach the asset, and seen within the tenant alone', async () => {
    const { stowage } = fixture;
    const task = { recordType: 'task', recordId: '2', role: 'attachment' } as const;
    const assetId = await upload();
    await refused(stowage.link({ ...task, assetId }, BOB), 'forbidden');
    await refused(stowage.link({ ...task, assetId }, FOREIGNER), 'not_found');
    await refused(stowage.link({ ...task, assetId: 'none' }, ALICE), 'not_found');
    await stowage.link({ ...task, assetId }, { ...BOB, role: 'admin' });
    assert.equal((await stowage.linked(task, BOB)).length, 1);
    assert.equal((await stowage.linked(task, FOREIGNER)).length, 0);
    assert.deepEqual(await stowage.unlink(task, FOREIGNER), []);
  });

  test('has names that the rules know', async () => {
    const { stowage } = fixture;
    const assetId = await upload();
    const link = (names: { recordType: string; recordId: string; role?: string; position?: number }) =>
      // As a program without types would call it.
      stowage.link({ ...names, assetId } as Parameters<typeof stowage.link>[0], ALICE);
    for (const names of [
      { recordType: 'brnad', recordId: '1', role: 'logo' },
      { recordType: 'brand', recordId: '1', role: 'lgoo' },
      { recordType: 'brand', recordId: '1' },
      { recordType: 'brand', recordId: '', role: 'logo' },
      { recordType: 'brand', recordId: 'x'.repeat(256), role: 'logo' },
      { recordType: 'brand', recordId: '1', role: 'logo', position: 1.5 },
    ]) {
      await refused(link(names), 'invalid_parameter');
    }
  });

  test('is cut when all that a user has is erased', async () => {
    const { stowage } = fixture;
    const user = { userId: 'leaves', tenantId: 'acme' };
    const asset = await stowage.upload({
      ...aNote(user),
      inTransaction: (tx, { assetId }) =>
        tx.link({ recordType: 'task', recordId: 'erased', role: 'attachment', assetId }, user),
    });
    const listed = await stowage.linked({ recordType: 'task', recordId: 'erased' }, user);
    assert.equal(listed[0]?.asset.assetId, asset.assetId);
    const gone = Promise.withResolvers<string>();
    stowage.on('deleted', (event) => gone.resolve(event.asset.assetId));
    await refused(stowage.eraseUser('leaves', user), 'forbidden');
    await stowage.eraseUser('leaves', { userId: 'root', tenantId: 'acme', role: 'admin' });
    assert.equal(await gone.promise, asset.assetId);
    assert.deepEqual(await stowage.linked({ recordType: 'task', recordId: 'erased' }, user), []);
  });
});
