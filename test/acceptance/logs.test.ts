import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Caller, filePart } from './caller.ts';
import { backendOfRun, onlyOnLocalDisk } from './clouds.ts';
import { assertProblem } from './http.ts';
import { type Sample, sample } from './samples/index.ts';
import { type Service, startService, until } from './service.ts';
import type { Asset, LogEntry, LogPage, Presigned } from './wire.ts';

let service: Service;
let alice: Caller;
let admin: Caller;
before(async () => {
  service = await startService();
  alice = service.as('alice', { tenant_id: 'acme' });
  admin = service.as('root', { tenant_id: 'acme', role: 'admin' });
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** The entries that an admin finds, once there are enough: the log may be written a moment after the answer. */
async function entries(query: string, least = 0, who: Caller = admin): Promise<readonly LogEntry[]> {
  return await until(
    async () => {
      const answer = await who.get(`/api/access-log?${query}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json<LogPage>().entries;
    },
    (found) => found.length >= least,
    3,
  );
}

const actions = (found: readonly LogEntry[]) =>
  found.map((entry) => `${entry.action} ${entry.outcome}`).sort();

const BY_STORE = onlyOnLocalDisk('a store answers its own URLs: Stowage sees no such read');

describe('an entry', () => {
  let asset: Asset;
  before(async () => {
    const answer = await alice.upload(
      'image',
      [sample('png', 71)],
      {},
      { 'user-agent': 'acceptance/1.0 (test)' },
    );
    asset = answer.json<{ uploads: [Asset] }>().uploads[0];
  });

  test('of an upload has every field of the design', async () => {
    const [entry] = (await entries(`asset_id=${asset.asset_id}&action=upload`, 1)) as [LogEntry];
    assert.deepEqual(Object.keys(entry).sort(), [
      ...[
        'action',
        'asset_id',
        'asset_type',
        'at',
        'entry_id',
        'ip_address',
        'key',
        'outcome',
        'reason',
        'request_id',
      ],
      ...['storage_backend', 'user_agent', 'user_id'],
    ]);
    assert.equal(entry.action, 'upload');
    assert.equal(entry.outcome, 'ok');
    assert.equal(entry.reason, null);
    assert.equal(entry.user_id, 'alice');
    assert.equal(entry.asset_id, asset.asset_id);
    assert.equal(entry.asset_type, 'image');
    assert.equal(entry.key, asset.key);
    assert.equal(entry.ip_address, '127.0.0.1');
    assert.equal(entry.user_agent, 'acceptance/1.0 (test)');
    assert.equal(entry.storage_backend, backendOfRun());
    assert.ok(entry.request_id);
    assert.match(entry.at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(Math.abs(Date.parse(entry.at) - Date.now()) < 60_000);
  });

  test(
    'is written for a URL that was issued, for a download through Stowage and for one by the URL',
    BY_STORE,
    async () => {
      const presigned = await alice.get(`/api/assets/${asset.asset_id}/presigned`);
      await alice.get(`/api/assets/${asset.asset_id}/download`);
      await service.send('GET', presigned.json<Presigned>().presigned_url, {
        headers: { 'user-agent': 'a browser without a token' },
      });
      const found = await entries(`asset_id=${asset.asset_id}`, 4);
      assert.ok(
        actions(found).filter((action) => action === 'generate_url ok').length >= 1,
        JSON.stringify(actions(found)),
      );
      const downloads = found.filter((entry) => entry.action === 'download');
      assert.equal(downloads.length, 2);
      assert.ok(downloads.every((entry) => entry.user_id === 'alice' && entry.outcome === 'ok'));
      assert.ok(downloads.some((entry) => entry.user_agent === 'a browser without a token'));
    },
  );

  test('of a read by a signed URL has the user whom the URL was issued to', BY_STORE, async () => {
    const presigned = await admin.get(`/api/assets/${asset.asset_id}/presigned`);
    await service.send('GET', presigned.json<Presigned>().presigned_url);
    const found = await until(
      () => entries(`asset_id=${asset.asset_id}&action=download&user_id=root`),
      (list) => list.length >= 1,
      3,
    );
    assert.equal(found.length, 1);
  });

  test('is written for every kind of refusal, with its code', async () => {
    const bob = service.as('bob', { tenant_id: 'acme' });
    assertProblem(await bob.get(`/api/assets/${asset.asset_id}/download`), 403, 'forbidden');
    assertProblem(await bob.get(`/api/assets/${asset.asset_id}/presigned`), 403, 'forbidden');
    assertProblem(await bob.send('DELETE', `/api/assets/${asset.asset_id}`), 403, 'forbidden');
    const html: Sample = { filename: 'a.png', mediaType: 'image/png', bytes: Buffer.from('<html>') };
    const { code } = assertProblem(await bob.upload('image', [html]), 400);
    const found = await entries('user_id=bob', 4);
    assert.deepEqual(actions(found), [
      'delete refused',
      'download refused',
      'generate_url refused',
      'upload refused',
    ]);
    for (const entry of found) {
      assert.equal(entry.reason, entry.action === 'upload' ? code : 'forbidden');
      assert.equal(entry.ip_address, '127.0.0.1');
    }
  });

  test('of a refusal to another tenant is in that tenant’s log, not in the owner’s', async () => {
    const eve = service.as('eve', { tenant_id: 'globex' });
    assertProblem(await eve.get(`/api/assets/${asset.asset_id}/download`), 404, 'not_found');
    const globex = service.as('root', { tenant_id: 'globex', role: 'admin' });
    assert.deepEqual(await entries('user_id=eve'), []);
    assert.ok((await entries('', 0, globex)).every((entry) => entry.user_id !== 'alice'));
  });

  test('of a delete stays when the asset is gone', async () => {
    const doomed = await alice.store('image', sample('png', 72));
    assert.equal((await alice.send('DELETE', `/api/assets/${doomed.asset_id}`)).status, 204);
    const found = await entries(`asset_id=${doomed.asset_id}`, 2);
    assert.ok(actions(found).includes('delete ok'), JSON.stringify(actions(found)));
    assert.ok(actions(found).includes('upload ok'));
    assert.ok(found.every((entry) => entry.key === doomed.key));
  });

  test('is shown to the owner of the asset', async () => {
    const own = await alice.log(asset.asset_id);
    assert.ok(own.some((entry) => entry.action === 'upload'));
    assert.ok(own.every((entry) => entry.asset_id === asset.asset_id));
  });

  test('never holds a signed URL, a token or a file’s name', async () => {
    const text = JSON.stringify(await entries(''));
    assert.ok(!text.includes(alice.token));
    assert.doesNotMatch(text, /https?:\/\/|signature=/i);
  });
});

describe('the address of the client', () => {
  test('is the socket’s: X-Forwarded-For is not believed', async () => {
    const caller = service.as('forwarded', { tenant_id: 'acme' });
    await caller.upload(
      'image',
      [sample('png', 73)],
      {},
      { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6' },
    );
    const [entry] = await entries('user_id=forwarded', 1);
    assert.equal(entry?.ip_address, '127.0.0.1');
  });

  test('is the proxy’s word when TRUST_PROXY names the proxy, and only its last unknown hop', async () => {
    await using behindProxy = await startService({ TRUST_PROXY: '127.0.0.1,10.0.0.0/8' });
    const caller = behindProxy.as('forwarded');
    const root = behindProxy.as('root', { role: 'admin' });
    const seen = async (forwardedFor: string, seed: number) => {
      const answer = await caller.upload(
        'image',
        [sample('png', seed)],
        {},
        { 'x-forwarded-for': forwardedFor },
      );
      const [asset] = answer.json<{ uploads: [Asset] }>().uploads;
      return (await entries(`asset_id=${asset.asset_id}`, 1, root))[0]?.ip_address;
    };
    assert.equal(await seen('203.0.113.9', 1), '203.0.113.9');
    assert.equal(await seen('6.6.6.6, 203.0.113.9, 10.1.2.3', 2), '203.0.113.9');
    assert.equal(await seen('2001:db8::7', 3), '2001:db8::7');
    assert.equal(await seen("evil'; DROP TABLE assets;--", 4), '127.0.0.1');
  });
});

describe('the admin’s view', () => {
  let caller: Caller;
  const stored: Asset[] = [];
  before(async () => {
    caller = service.as('paged', { tenant_id: 'paged' });
    for (let index = 0; index < 7; index++)
      stored.push(await caller.store('image', sample('png', 80 + index)));
    await entries('user_id=paged', 7, service.as('root', { tenant_id: 'paged', role: 'admin' }));
  });
  const pagedAdmin = () => service.as('root', { tenant_id: 'paged', role: 'admin' });

  test('comes in pages without loss or repeats', async () => {
    const seen: LogEntry[] = [];
    let cursor: string | null = null;
    do {
      const query = cursor === null ? 'limit=3' : `limit=3&cursor=${encodeURIComponent(cursor)}`;
      const answer = await pagedAdmin().get(`/api/access-log?action=upload&${query}`);
      assert.equal(answer.status, 200, answer.text);
      const page: LogPage = answer.json<LogPage>();
      assert.ok(page.entries.length <= 3);
      seen.push(...page.entries);
      cursor = page.next_cursor;
    } while (cursor !== null && seen.length < 50);
    assert.equal(seen.length, 7);
    assert.equal(new Set(seen.map((entry) => entry.entry_id)).size, 7);
    const times = seen.map((entry) => Date.parse(entry.at));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
      'newest first',
    );
  });

  test('is narrowed by user, asset, action and time', async () => {
    const root = pagedAdmin();
    const [first] = stored;
    assert.ok(first);
    assert.equal((await entries('user_id=nobody', 0, root)).length, 0);
    assert.ok(
      (await entries(`asset_id=${first.asset_id}`, 1, root)).every(
        (entry) => entry.asset_id === first.asset_id,
      ),
    );
    assert.equal((await entries('action=delete', 0, root)).length, 0);
    const all = await entries('action=upload&limit=200', 7, root);
    const middle = all[3]?.at ?? '';
    const later = await entries(`action=upload&from=${encodeURIComponent(middle)}`, 0, root);
    const earlier = await entries(`action=upload&to=${encodeURIComponent(middle)}`, 0, root);
    assert.ok(later.length >= 1 && later.length <= 7 && later.every((entry) => entry.at >= middle));
    assert.ok(earlier.every((entry) => entry.at <= middle));
    assert.ok(later.length + earlier.length >= 7);
  });

  for (const query of [
    'action=nonsense',
    'from=yesterday',
    'to=2026-13-45',
    'asset_id=7',
    'limit=0',
    'limit=100000',
    'cursor=nonsense',
  ]) {
    test(`${query} is invalid_parameter`, async () => {
      assertProblem(await pagedAdmin().get(`/api/access-log?${query}`), 400, 'invalid_parameter');
    });
  }

  test('is for admins of the tenant only', async () => {
    assertProblem(await caller.get('/api/access-log'), 403, 'forbidden');
    const other = await entries('', 0, service.as('root', { tenant_id: 'empty', role: 'admin' }));
    assert.deepEqual(other, []);
  });

  test('of an asset has pages as well', async () => {
    const [asset] = stored;
    assert.ok(asset);
    for (let index = 0; index < 4; index++) await caller.get(`/api/assets/${asset.asset_id}/download`);
    await entries(`asset_id=${asset.asset_id}`, 5, pagedAdmin());
    const page = (await caller.get(`/api/assets/${asset.asset_id}/access-log?limit=2`)).json<LogPage>();
    assert.equal(page.entries.length, 2);
    assert.ok(page.next_cursor);
  });
});

test('the service’s own log names each attempt and no secret', async () => {
  const caller = service.as('logged', { tenant_id: 'acme' });
  await caller.post([{ name: 'asset_type', body: 'image' }, filePart(sample('png', 90))]);
  const output = await until(
    async () => service.output(),
    (text) => text.includes('logged'),
    3,
  );
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  assert.ok(lines.length > 0, 'the log is lines of JSON');
  for (const line of lines) JSON.parse(line);
  assert.ok(!output.includes(caller.token), 'a token is in the log');
  assert.ok(
    !output.includes(String(service.environment.JWT_SECRET)),
    'the secret of the tokens is in the log',
  );
  assert.ok(
    !output.includes(String(service.environment.SIGNING_SECRET)),
    'the secret of the URLs is in the log',
  );
  assert.doesNotMatch(output, /[?&](signature|sig)=[A-Za-z0-9_-]{20}/);
});
