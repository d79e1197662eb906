import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAsset, makeEntry } from '../catalog/fixtures.ts';
import type { CatalogEvent } from '../catalog/watched-catalog.ts';
import { silentLog } from '../core/log.ts';
import { createEventHub, EVENTS_UNDER_WAY_MAX, type EventName } from './events.ts';
import { ALICE, aNote, BOB, openLibraryFixture, refused, textOf } from './library-fixture.ts';

const NAMES: readonly EventName[] = ['stored', 'deleted', 'read', 'url_issued', 'refused'];

describe('events', () => {
  test('tell what was recorded, after the commit, in order', async () => {
    await using fixture = await openLibraryFixture();
    const { stowage } = fixture;
    const told: string[] = [];
    for (const name of NAMES) {
      stowage.on(name, ({ type, entry }) => {
        told.push(`${type} ${entry.userId}`);
      });
    }
    let foundWhenTold: Promise<unknown> | undefined;
    stowage.on('stored', ({ asset }) => {
      foundWhenTold ??= stowage.catalog.findAsset(asset.tenantId, asset.assetId);
    });
    const asset = await stowage.upload(aNote());
    await textOf((await stowage.download(asset.assetId, ALICE)).body);
    await stowage.signedUrl(asset.assetId, ALICE, { lifetimeSeconds: 60 });
    await refused(stowage.find(asset.assetId, BOB), 'forbidden');
    await assert.rejects(
      stowage.upload({
        ...aNote(),
        inTransaction: async () => {
          throw new Error('Never recorded.');
        },
      }),
    );
    await stowage.delete(asset.assetId, ALICE);
    await stowage.close();
    assert.deepEqual(told, [
      'stored alice',
      'read alice',
      'url_issued alice',
      'refused bob',
      'deleted alice',
    ]);
    assert.equal(((await foundWhenTold) as { assetId: string }).assetId, asset.assetId);
  });

  test('of a listener that fails are in the log, and reach the others', async () => {
    await using fixture = await openLibraryFixture();
    const { stowage, problems } = fixture;
    const seen: string[] = [];
    stowage.on('stored', async () => {
      throw new Error('No.');
    });
    stowage.on('stored', ({ asset }) => {
      seen.push(asset.assetId);
    });
    const asset = await stowage.upload(aNote());
    await stowage.close();
    assert.deepEqual(seen, [asset.assetId]);
    assert.match(String(problems[0]?.message), /listener for an event failed/);
  });
});

describe('the hub of events', () => {
  const stored: CatalogEvent = { type: 'stored', asset: makeAsset(), entry: makeEntry() };

  test('calls nobody before the one who tells has gone on, and nobody who has left', async () => {
    const hub = createEventHub(silentLog);
    const calls: string[] = [];
    const stop = hub.on('stored', () => void calls.push('left'));
    hub.on('stored', () => void calls.push('stayed'));
    hub.tell(stored);
    assert.deepEqual(calls, []);
    stop();
    await hub.close();
    assert.deepEqual(calls, ['stayed']);
    hub.tell(stored);
    assert.deepEqual(calls, ['stayed']);
  });

  test('drops what is too much for slow listeners, and says so once', async () => {
    const lines: object[] = [];
    const hub = createEventHub({ ...silentLog, warn: (fields) => void lines.push(fields) });
    const release = Promise.withResolvers<void>();
    let calls = 0;
    hub.on('stored', () => {
      calls += 1;
      return release.promise;
    });
    for (let event = 0; event < EVENTS_UNDER_WAY_MAX + 10; event += 1) hub.tell(stored);
    release.resolve();
    await hub.close();
    assert.equal(calls, EVENTS_UNDER_WAY_MAX);
    assert.deepEqual(lines, [{ dropped: 1 }]);
  });
});
