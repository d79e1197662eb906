import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { makeAsset, makeEntry, makeUpload, NOON_MS } from './fixtures.ts';
import { emptyTestDatabase, openTestCatalog } from './testing.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test('every position comes back from its cursor', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), fc.uuid(), (atMs, id) => {
      assert.deepEqual(decodeCursor(encodeCursor({ atMs, id }), UUID), { atMs, id });
    }),
  );
});

test('any other text is refused as invalid_parameter, and never anything worse', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (text) => {
      assert.throws(() => decodeCursor(text, UUID), { code: 'invalid_parameter' });
    }),
  );
});

test('pages hold every asset once, in order, whatever the times and page sizes, while others are added and deleted', async () => {
  await using store = await openTestCatalog({ clock: { now: () => NOON_MS } });
  const { catalog } = store;
  const scenario = fc.record({
    // Few different milliseconds, so that many assets share one.
    times: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 }),
    limit: fc.integer({ min: 1, max: 7 }),
    deleted: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ times, limit, deleted }) => {
      await emptyTestDatabase(store);
      const assets = times.map((offset) => makeAsset({ createdAtMs: NOON_MS + offset }));
      await catalog.commitUpload(makeUpload(assets));
      const expected = [...assets]
        .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.assetId < b.assetId ? 1 : -1))
        .map(({ assetId }) => assetId);
      const removed = expected[deleted % expected.length] ?? '';
      const seen: string[] = [];
      for (let cursor: string | null = null, page = 0; ; page += 1) {
        const found: Awaited<ReturnType<typeof catalog.listAssets>> = await catalog.listAssets({
          tenantId: 'acme',
          userId: 'ada',
          assetType: null,
          limit,
          cursor,
        });
        seen.push(...found.items.map(({ assetId }) => assetId));
        if (page === 0) {
          await catalog.commitUpload(makeUpload([makeAsset({ createdAtMs: NOON_MS + 9 })]));
          await catalog.tombstoneAsset('acme', removed, makeEntry({ action: 'delete', assetId: removed }));
        }
        if (found.nextCursor === null) break;
        cursor = found.nextCursor;
      }
      const firstPage = seen.slice(0, limit);
      assert.deepEqual(
        seen,
        expected.filter((id) => id !== removed || firstPage.includes(id)),
      );
    }),
    { numRuns: 25 },
  );
});
