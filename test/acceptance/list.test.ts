import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Caller } from './caller.ts';
import { assertProblem } from './http.ts';
import { sample } from './samples/index.ts';
import { type Service, startService, until } from './service.ts';
import type { Asset, AssetPage, LogPage } from './wire.ts';

let service: Service;
before(async () => {
  service = await startService();
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** Stores so many pictures, a few at a time, oldest first as far as the service can tell. */
async function storeMany(caller: Caller, count: number): Promise<readonly Asset[]> {
  const stored: Asset[] = [];
  for (let start = 0; start < count; start += 5) {
    const batch = Array.from({ length: Math.min(5, count - start) }, (_, index) =>
      sample('png', start + index + 1),
    );
    stored.push(...(await Promise.all(batch.map((file) => caller.store('image', file)))));
  }
  return stored;
}

/** All pages; `between` runs after each. */
async function walk(caller: Caller, query: string, between = async () => {}): Promise<readonly Asset[]> {
  const seen: Asset[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < 100; page++) {
    const target: string = `/api/assets?${query}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const answer = await caller.get(target);
    assert.equal(answer.status, 200, answer.text);
    const { assets, next_cursor }: AssetPage = answer.json<AssetPage>();
    seen.push(...assets);
    cursor = next_cursor;
    if (cursor === null) return seen;
    await between();
  }
  throw new Error('The pages do not end.');
}

describe('a list', () => {
  test('of nothing is empty and has no next page', async () => {
    const answer = await service.as('nobody').get('/api/assets');
    assert.deepEqual(answer.json<AssetPage>(), { assets: [], next_cursor: null });
  });

  test('comes newest first, in pages, without loss or repeats while others are stored and deleted', async () => {
    const caller = service.as('walker');
    const stored = await storeMany(caller, 23);
    let seed = 1000;
    const seen = await walk(caller, 'limit=4', async () => {
      seed += 1;
      const fresh = await caller.store('image', sample('png', seed));
      if (seed % 2 === 0) await caller.send('DELETE', `/api/assets/${fresh.asset_id}`);
    });
    const ids = seen.map((asset) => asset.asset_id);
    assert.equal(new Set(ids).size, ids.length, 'nothing comes twice');
    for (const asset of stored) assert.ok(ids.includes(asset.asset_id), `${asset.asset_id} is missing`);
    const times = seen.map((asset) => Date.parse(asset.created_at));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
    );
  });

  test('has pages of 50 by default and of 200 at most', async () => {
    const caller = service.as('many');
    for (let request = 0; request < 6; request++) {
      const files = Array.from({ length: 10 }, (_, index) => sample('png', request * 10 + index + 1));
      assert.equal((await caller.upload('image', files)).status, 200);
    }
    const first = (await caller.get('/api/assets')).json<AssetPage>();
    assert.equal(first.assets.length, 50);
    assert.ok(first.next_cursor);
    const second = (
      await caller.get(`/api/assets?cursor=${encodeURIComponent(first.next_cursor)}`)
    ).json<AssetPage>();
    assert.equal(second.assets.length, 10);
    assert.equal(second.next_cursor, null);
    assert.equal((await caller.assets()).length, 60);
    const exact = (await caller.get('/api/assets?limit=60')).json<AssetPage>();
    assert.equal(exact.assets.length, 60);
    assert.equal(exact.next_cursor, null);
  });

  test('is narrowed by asset type', async () => {
    const caller = service.as('narrow');
    await caller.store('image', sample('png', 1));
    await caller.store('invoice', sample('pdf', 1));
    await caller.store('invoice', sample('pdf', 2));
    const invoices = await walk(caller, 'asset_type=invoice&limit=1');
    assert.equal(invoices.length, 2);
    assert.ok(invoices.every((asset) => asset.asset_type === 'invoice'));
  });

  test('gives URLs that work', async () => {
    const caller = service.as('narrow');
    const [asset] = await caller.assets();
    assert.ok(asset);
    assert.equal((await service.send('GET', asset.presigned_url)).body.length, asset.size_bytes);
  });

  test('does not take another user’s cursor for a key to his list', async () => {
    const caller = service.as('many');
    const { next_cursor } = (await caller.get('/api/assets?limit=1')).json<AssetPage>();
    const answer = await service
      .as('thief')
      .get(`/api/assets?cursor=${encodeURIComponent(next_cursor ?? '')}`);
    if (answer.status === 200) assert.deepEqual(answer.json<AssetPage>().assets, []);
    else assertProblem(answer, 400, 'invalid_parameter');
  });
});

describe('a delete', () => {
  test('removes record, bytes and URLs; a second one finds nothing', async () => {
    const caller = service.as('deleter');
    const asset = await caller.store('image', sample('png', 1));
    const target = `/api/assets/${asset.asset_id}`;
    const before = (await service.storedFiles()).length;
    const answer = await caller.send('DELETE', target);
    assert.equal(answer.status, 204);
    assert.equal(answer.body.length, 0);
    assertProblem(await caller.send('DELETE', target), 404, 'not_found');
    assertProblem(await caller.get(target), 404, 'not_found');
    assertProblem(await caller.get(`${target}/download`), 404, 'not_found');
    assertProblem(await caller.get(`${target}/presigned`), 404, 'not_found');
    assert.deepEqual(await caller.assets(), []);
    assert.deepEqual(await caller.usage(), { files: 0, bytes: 0 });
    const left = await until(
      async () => (await service.storedFiles()).length,
      (count) => count < before,
      5,
    );
    assert.ok(left < before, 'the bytes are gone from the disk');
  });

  test('of ten at once of the same asset succeeds once', async () => {
    const caller = service.as('deleter');
    const asset = await caller.store('image', sample('png', 2));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => caller.send('DELETE', `/api/assets/${asset.asset_id}`)),
    );
    const statuses = answers.map((answer) => answer.status).sort();
    assert.deepEqual(statuses, [204, ...Array<number>(9).fill(404)]);
  });

  test('by an admin of the tenant works and is logged under his name', async () => {
    const caller = service.as('victim', { tenant_id: 'acme' });
    const admin = service.as('root', { tenant_id: 'acme', role: 'admin' });
    const asset = await caller.store('image', sample('png', 3));
    assert.equal((await admin.send('DELETE', `/api/assets/${asset.asset_id}`)).status, 204);
    assert.deepEqual(await caller.assets(), []);
    const log = await admin.get(`/api/access-log?asset_id=${asset.asset_id}&action=delete`);
    assert.deepEqual(
      log.json<LogPage>().entries.map((entry) => [entry.user_id, entry.outcome]),
      [['root', 'ok']],
    );
  });
});

describe('erasing a user', () => {
  test('removes all of his assets and nobody else’s; the log keeps that it happened', async () => {
    const tenant = { tenant_id: 'erase' };
    const victim = service.as('victim', tenant);
    const other = service.as('other', tenant);
    const admin = service.as('root', { ...tenant, role: 'admin' });
    const namesake = service.as('victim', { tenant_id: 'elsewhere' });
    const stored = await storeMany(victim, 12);
    const kept = await other.store('image', sample('png', 99));
    await namesake.store('image', sample('png', 98));

    assertProblem(await victim.send('DELETE', '/api/users/victim'), 403, 'forbidden');
    assert.equal((await admin.send('DELETE', '/api/users/victim')).status, 202);

    const left = await until(
      () => victim.assets(),
      (assets) => assets.length === 0,
      10,
    );
    assert.deepEqual(left, []);
    assert.deepEqual(await victim.usage(), { files: 0, bytes: 0 });
    assert.equal((await other.assets()).length, 1);
    assert.equal((await namesake.assets()).length, 1);
    assert.equal((await service.send('GET', kept.presigned_url)).status, 200);
    for (const asset of stored.slice(0, 3)) {
      assert.ok([403, 404, 410].includes((await service.send('GET', asset.presigned_url)).status));
    }
    const log = await admin.get(`/api/access-log?asset_id=${stored[0]?.asset_id}`);
    const actions = log.json<{ entries: { action: string }[] }>().entries.map((entry) => entry.action);
    assert.ok(actions.includes('upload') && actions.includes('delete'), JSON.stringify(actions));
  });
});

describe('usage', () => {
  test('follows what is stored and deleted; an admin sees the tenant', async () => {
    const tenant = { tenant_id: 'usage' };
    const [one, two] = [service.as('one', tenant), service.as('two', tenant)];
    const admin = service.as('root', { ...tenant, role: 'admin' });
    const first = await one.store('image', sample('png', 1));
    const second = await two.store('image', sample('jpg', 2));
    assert.deepEqual(await one.usage(), { files: 1, bytes: first.size_bytes });
    assert.deepEqual(await admin.usage(), { files: 2, bytes: first.size_bytes + second.size_bytes });
    await one.send('DELETE', `/api/assets/${first.asset_id}`);
    assert.deepEqual(await one.usage(), { files: 0, bytes: 0 });
    assert.deepEqual(await admin.usage(), { files: 1, bytes: second.size_bytes });
  });
});
