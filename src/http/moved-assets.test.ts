import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { parseObjectKey } from '../core/key.ts';
import type { AssetJson, PresignedJson } from '../protocol/index.ts';
import { Bucket, openMemoryBackend } from '../storage/index.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

const ALICE = { userId: 'alice' };

/** A server whose new files go to local disk, and another store that it can read. */
const other = new Bucket(openMemoryBackend());
let server: ServerFixture;
before(async () => {
  server = await openServerFixture({ otherStore: other });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

/** Moves an asset as a move in another process does: this one is not told. */
async function moveAway(asset: AssetJson, removeCopy: boolean): Promise<void> {
  const key = parseObjectKey(asset.key);
  const { info, body } = await server.bucket.get(key, {});
  await other.put(key, body, { ...info, mode: 'create' });
  const copy = { source: 'local', target: 'memory', claim: randomUUID() } as const;
  const nowMs = server.options.clock.now();
  assert.ok(await server.catalog.claimCopy(asset.asset_id, copy, nowMs));
  assert.ok(await server.catalog.switchBackend(asset.asset_id, copy, nowMs));
  if (removeCopy) await server.bucket.delete(key, {});
}

describe('an asset that has moved to another backend', () => {
  test('is read there, by what a server remembers of it and by URLs of local disk that are out', async () => {
    // Larger than what is kept in memory, so that the store is asked.
    const text = 'moved '.repeat(20_000);
    const asset = await server.store(ALICE, { text });
    for (const removeCopy of [false, true]) {
      const target = `/api/assets/${asset.asset_id}/download`;
      assert.equal(await (await server.ask(ALICE, target)).text(), text);
      if (!removeCopy) await moveAway(asset, false);
      else await server.bucket.delete(parseObjectKey(asset.key), {});
      assert.equal(await (await server.ask(ALICE, target)).text(), text);
      assert.equal(await (await server.ask(null, asset.presigned_url)).text(), text);
      const part = await server.ask(ALICE, target, { headers: { range: 'bytes=6-10' } });
      assert.deepEqual([part.status, await part.text()], [206, 'moved']);
    }
    const log = await server.ask(ALICE, `/api/assets/${asset.asset_id}/access-log`);
    const { entries } = (await log.json()) as { entries: { action: string; storage_backend: string }[] };
    const backends = entries
      .filter(({ action }) => action === 'download')
      .map((each) => each.storage_backend);
    assert.deepEqual([backends.at(-1), backends[0]], ['local', 'memory']);
  });

  test('gets URLs of the store that holds it, also from a server that remembers the other one', async () => {
    const asset = await server.store(ALICE);
    const record = async () =>
      (await (await server.ask(ALICE, `/api/assets/${asset.asset_id}`)).json()) as AssetJson;
    assert.equal((await record()).storage_url, `local://${asset.key}`);
    await moveAway(asset, true);
    const presigned = await server.ask(ALICE, `/api/assets/${asset.asset_id}/presigned`);
    const { presigned_url: url } = (await presigned.json()) as PresignedJson;
    assert.ok(url.startsWith('memory://') || !url.startsWith('http://files.test/'), url);
    assert.equal((await record()).storage_url, `memory://${asset.key}`);
    const page = await server.ask(ALICE, '/api/assets');
    const { assets } = (await page.json()) as { assets: AssetJson[] };
    assert.equal(
      assets.find(({ asset_id }) => asset_id === asset.asset_id)?.storage_url,
      `memory://${asset.key}`,
    );
  });

  test('is removed from both when it is deleted', async () => {
    const asset = await server.store(ALICE);
    await moveAway(asset, false);
    const gone = await server.ask(ALICE, `/api/assets/${asset.asset_id}`, { method: 'DELETE' });
    assert.equal(gone.status, 204);
    const key = parseObjectKey(asset.key);
    for (const store of [server.bucket, other]) {
      await assert.rejects(store.head(key, {}), { code: 'object_not_found' });
    }
    assert.equal((await server.catalog.keysInUse([key])).size, 0);
  });
});
