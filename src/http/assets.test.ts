import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AssetJson, AssetPageJson, LogPageJson, PresignedJson, ProblemJson } from '../protocol/index.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

let server: ServerFixture;
before(async () => {
  server = await openServerFixture();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const json = async <Body>(answer: Response, status = 200): Promise<Body> => {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return JSON.parse(text) as Body;
};
const code = async (answer: Response): Promise<string> => ((await answer.json()) as ProblemJson).code;
const logOf = async (asset: AssetJson) =>
  (await json<LogPageJson>(await server.ask({}, `/api/assets/${asset.asset_id}/access-log?limit=200`)))
    .entries;

describe('a list', () => {
  test('has every asset once, newest first, page by page', async () => {
    const who = { userId: 'lister' };
    const stored: string[] = [];
    for (let index = 0; index < 5; index += 1) stored.push((await server.store(who)).asset_id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: AssetPageJson = await json(await server.ask(who, `/api/assets?limit=2${query}`));
      seen.push(...page.assets.map((asset) => asset.asset_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    assert.deepEqual(seen, stored.toReversed());
  });

  test('logs each URL it hands out once while it stays the same', async () => {
    const who = { userId: 'viewer' };
    const asset = await server.store(who);
    const count = async () => {
      const entries = await json<LogPageJson>(
        await server.ask(who, `/api/assets/${asset.asset_id}/access-log`),
      );
      return entries.entries.filter((entry) => entry.action === 'generate_url').length;
    };
    const first = await json<AssetPageJson>(await server.ask(who, '/api/assets'));
    const second = await json<AssetPageJson>(await server.ask(who, '/api/assets'));
    const isSame = first.assets[0]?.presigned_url === second.assets[0]?.presigned_url;
    assert.equal(await count(), isSame ? 1 : 2);
    server.advance(301_000);
    await server.ask(who, '/api/assets');
    assert.equal(await count(), isSame ? 2 : 3);
  });

  test('does not take an asset type that is none', async () => {
    assert.equal(await code(await server.ask({}, '/api/assets?asset_type=nonsense')), 'unknown_asset_type');
  });

  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=',
    'limit=1.5',
    'limit=1&limit=2',
    'cursor=',
    'cursor=x',
  ]) {
    test(`does not take ${query}, and names the parameter`, async () => {
      const answer = await server.ask({}, `/api/assets?${query}`);
      const problem = await json<ProblemJson>(answer, 400);
      assert.equal(problem.code, 'invalid_parameter');
      if (query.startsWith('limit')) assert.equal(problem.parameter, 'limit');
    });
  }
});

describe('/presigned', () => {
  test('gives a URL that reads the asset, the same one again, and logs each time', async () => {
    const asset = await server.store({});
    const target = `/api/assets/${asset.asset_id}/presigned?expiration_hours=2`;
    const first = await json<PresignedJson>(await server.ask({}, target));
    await json<PresignedJson>(await server.ask({}, target));
    assert.equal(await (await server.ask(null, first.presigned_url)).text(), 'Hello, world.');
    const lifeMs = Date.parse(first.expiration_at) - server.options.clock.now();
    assert.ok(lifeMs > 6_800_000 && lifeMs <= 7_200_000, `${lifeMs}`);
    const actions = (await logOf(asset)).map((entry) => entry.action);
    assert.deepEqual(actions, ['download', 'generate_url', 'generate_url', 'upload']);
  });

  for (const hours of ['0', '169', 'x', '1.5', '', '1e2', '0x10', '%205', '-1']) {
    test(`does not take ${JSON.stringify(hours)} hours`, async () => {
      const asset = await server.store({});
      const answer = await server.ask(
        {},
        `/api/assets/${asset.asset_id}/presigned?expiration_hours=${hours}`,
      );
      const problem = await json<ProblemJson>(answer, 400);
      assert.deepEqual([problem.code, problem.parameter], ['invalid_parameter', 'expiration_hours']);
    });
  }

  test('knows an id in capitals, and no id that is none', async () => {
    const asset = await server.store({});
    assert.equal((await server.ask({}, `/api/assets/${asset.asset_id.toUpperCase()}`)).status, 200);
    for (const id of ['7', '%00', 'x'.repeat(3000), '..%2f..', "';--"]) {
      assert.equal((await server.ask({}, `/api/assets/${id}/presigned`)).status, 404, id);
    }
  });
});

describe('a download', () => {
  test('is logged before a byte is sent; a 304 is a read, a HEAD and a 416 are none', async () => {
    const asset = await server.store({});
    const target = `/api/assets/${asset.asset_id}/download`;
    const etag = `"${asset.content_hash}"`;
    const head = await server.ask({}, target, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), '13');
    assert.equal(head.headers.get('etag'), etag);
    const unsatisfied = await server.ask({}, target, { headers: { range: 'bytes=99-' } });
    assert.equal(unsatisfied.headers.get('content-range'), 'bytes */13');
    assert.equal(await code(unsatisfied), 'range_not_satisfiable');
    assert.equal((await logOf(asset)).length, 1);
    const unchanged = await server.ask({}, target, { headers: { 'if-none-match': etag } });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.headers.get('etag'), etag);
    const part = await server.ask({}, target, { headers: { range: 'bytes=7-' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), 'bytes 7-12/13');
    assert.equal(await part.text(), 'world.');
    assert.deepEqual(
      (await logOf(asset)).map((entry) => entry.action),
      ['download', 'download', 'upload'],
    );
  });

  test('carries the name as it was given, and what keeps browsers from running it', async () => {
    const asset = await server.store({}, { name: 'отчёт «итог».txt' });
    const answer = await server.ask({}, `/api/assets/${asset.asset_id}/download?disposition=inline`);
    const disposition = answer.headers.get('content-disposition') ?? '';
    assert.match(disposition, /^attachment/, 'text is never inline');
    assert.ok(disposition.includes(`filename*=UTF-8''${encodeURIComponent('отчёт «итог».txt')}`));
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-security-policy') ?? '', /sandbox/);
    assert.equal(answer.headers.get('cache-control'), 'private, no-cache');
    assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.ok(answer.headers.get('x-request-id'));
    await answer.text();
  });

  test('of an asset that was removed is not found, also where its facts are remembered', async () => {
    const asset = await server.store({});
    const target = `/api/assets/${asset.asset_id}/download`;
    assert.equal((await server.ask({}, target)).status, 200);
    // Another node removes it: this server's memory still has it.
    await server.options.removal.removeAsset(
      asset.asset_id,
      { userId: 'alice', tenantId: 'acme', role: 'user' },
      { requestId: 'r', ipAddress: '127.0.0.1', userAgent: null },
    );
    for (const path of [target, `/api/assets/${asset.asset_id}/presigned`, `/api/assets/${asset.asset_id}`]) {
      assert.equal(await code(await server.ask({}, path)), 'not_found');
    }
    assert.equal((await server.ask({}, target, { method: 'HEAD' })).status, 404);
    assert.equal(await code(await server.ask(null, asset.presigned_url)), 'not_found');
    assert.equal((await server.ask(null, asset.presigned_url, { method: 'HEAD' })).status, 404);
    assert.equal(
      await code(await server.ask({}, target.replace('/download', ''), { method: 'DELETE' })),
      'not_found',
    );
    // Each of them is in the log, under the user who was refused.
    const log = await server.ask(
      { role: 'admin', userId: 'root' },
      `/api/access-log?asset_id=${asset.asset_id}`,
    );
    const refused = (await json<LogPageJson>(log)).entries.filter((entry) => entry.outcome === 'refused');
    assert.deepEqual(
      refused.map(({ action, reason, user_id }) => [action, reason, user_id]).toReversed(),
      [...['download', 'generate_url', 'generate_url', 'download', 'download', 'download', 'delete']].map(
        (action) => [action, 'not_found', 'alice'],
      ),
    );
  });

  test('of two deletes at once one is refused, and that is logged too', async () => {
    const asset = await server.store({});
    const target = `/api/assets/${asset.asset_id}`;
    const answers = await Promise.all([1, 2, 3].map(() => server.ask({}, target, { method: 'DELETE' })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 404, 404]);
    const log = await server.ask(
      { role: 'admin' },
      `/api/access-log?asset_id=${asset.asset_id}&action=delete`,
    );
    const { entries } = await json<LogPageJson>(log);
    assert.deepEqual(entries.map(({ outcome }) => outcome).sort(), ['ok', 'refused', 'refused']);
  });

  test('serves a large file whole', async () => {
    const text = 'All work and no play makes Jack a dull boy.\n'.repeat(40_000);
    const asset = await server.store({}, { text });
    assert.equal(await (await server.ask({}, `/api/assets/${asset.asset_id}/download`)).text(), text);
  });
});

describe('a signed URL', () => {
  test('that is altered, expired or used to write opens nothing', async () => {
    const asset = await server.store({ userId: 'signer' });
    const url = asset.presigned_url;
    assert.equal(await code(await server.ask(null, url.replace('user=signer', 'user=root'))), 'forbidden');
    assert.equal(await code(await server.ask(null, `${url}&x=1`)), 'forbidden');
    assert.equal(await code(await server.ask(null, url.split('?')[0] ?? '')), 'forbidden');
    assert.equal(await code(await server.ask(null, url, { method: 'PUT', body: 'x' })), 'forbidden');
    assert.equal(await (await server.ask(null, url)).text(), 'Hello, world.');
    server.advance(3_700_000);
    assert.equal(await code(await server.ask(null, url)), 'expired');
  });

  test('is logged under the user it was issued to, with the client that used it', async () => {
    const asset = await server.store({ userId: 'issuer' });
    const admin = { userId: 'root', role: 'admin' } as const;
    const issued = await json<AssetJson>(await server.ask(admin, `/api/assets/${asset.asset_id}`));
    await server.ask(null, issued.presigned_url, { headers: { 'user-agent': 'a browser' } });
    const page = await json<LogPageJson>(
      await server.ask(admin, `/api/access-log?asset_id=${asset.asset_id}&action=download`),
    );
    assert.deepEqual(
      page.entries.map((entry) => [entry.user_id, entry.user_agent, entry.asset_type, entry.key]),
      [['root', 'a browser', 'note', asset.key]],
    );
  });

  test('that has expired leaves a refusal in the log, and a forged one nothing', async () => {
    const asset = await server.store({ userId: 'issuer' });
    await server.ask(null, asset.presigned_url.replace('user=issuer', 'user=mallory'));
    server.advance(3_700_000);
    await server.ask(null, asset.presigned_url.replace('expires=', 'expires=9'));
    const late = await server.ask(null, asset.presigned_url, { headers: { 'user-agent': 'a browser' } });
    assert.equal(late.status, 410);
    const page = await json<LogPageJson>(
      await server.ask(
        { userId: 'root', role: 'admin' },
        `/api/access-log?asset_id=${asset.asset_id}&action=download`,
      ),
    );
    assert.deepEqual(
      page.entries.map((entry) => [entry.outcome, entry.reason, entry.user_id, entry.user_agent, entry.key]),
      [['refused', 'expired', 'issuer', 'a browser', asset.key]],
    );
  });

  test('that has expired is refused each time, and that is in the log once a day for each client', async () => {
    const who = { userId: 'forgetful' };
    const asset = await server.store(who);
    const other = await server.store(who);
    server.advance(3_700_000);
    const rows = async (of: AssetJson) => {
      const admin = { userId: 'root', role: 'admin' } as const;
      const target = `/api/access-log?asset_id=${of.asset_id}&action=download`;
      return (await json<LogPageJson>(await server.ask(admin, target))).entries.length;
    };
    const ask = async (url: string, init: RequestInit = {}) => {
      const answer = await server.ask(null, url, init);
      await answer.arrayBuffer();
      assert.equal(answer.status, 410);
    };
    const url = asset.presigned_url;
    await Promise.all([1, 2, 3, 4].map(() => ask(url)));
    await ask(url, { method: 'HEAD' });
    await ask(url, { headers: { 'user-agent': 'another browser', range: 'bytes=0-1' } });
    await ask(url.replace('hello', '%68%65llo'));
    assert.equal(await rows(asset), 1, 'another spelling is the same URL');
    await ask(other.presigned_url);
    assert.equal(await rows(other), 1, 'another URL is another use');
    server.advance(24 * 3_600_000);
    await ask(url);
    await ask(url);
    assert.equal(await rows(asset), 2, 'a day later it is worth a row again');
  });

  test('for writing opens only what is incoming', async () => {
    const { bucket } = server;
    const { clock } = server.options;
    const options = {
      nowMs: clock.now(),
      lifetimeSeconds: 600,
      contentType: 'text/plain',
      cacheControl: '',
      metadata: {},
      sizeBytes: 5,
      sha256: null,
    };
    const put = async (key: string, body: string) => {
      const { url, headers } = await bucket.signWrite(key as Parameters<typeof bucket.signWrite>[0], options);
      return await server.ask(null, url, { method: 'PUT', body, headers });
    };
    assert.equal(await code(await put('notes/alice/hello.txt', 'hello')), 'forbidden');
    assert.equal(await code(await put('incoming/1', 'hello')), 'expired', 'no upload waits there');
    const begun = await server.ask({}, '/api/uploads', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ filename: 'a.txt', size_bytes: 5, asset_type: 'note' }),
    });
    const { upload_id: uploadId } = (await begun.json()) as { upload_id: string };
    assert.notEqual((await put(`incoming/${uploadId}`, 'hello, hello')).status, 200);
    assert.equal((await put(`incoming/${uploadId}`, 'hello')).status, 200);
    assert.equal((await server.ask(null, `/public/incoming/${uploadId}`)).status, 404);
  });
});

describe('/public', () => {
  test('serves assets of public types to everybody, cacheable, without a log entry', async () => {
    const asset = await server.store({}, { assetType: 'notice', name: 'a b.txt' });
    assert.equal(asset.expiration_at, null);
    assert.match(asset.presigned_url, /^http:\/\/files\.test\/public\/notices\//);
    const answer = await server.ask(null, asset.presigned_url);
    assert.equal(await answer.text(), 'Hello, world.');
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(answer.headers.get('cross-origin-resource-policy'), 'cross-origin');
    const headers = { 'if-none-match': answer.headers.get('etag') ?? '' };
    assert.equal((await server.ask(null, asset.presigned_url, { headers })).status, 304);
    assert.equal((await logOf(asset)).length, 1);
  });

  test('knows no private asset and no odd path', async () => {
    const asset = await server.store({});
    for (const path of [asset.key, `${asset.key}?x`, '', '..%2f..%2fetc%2fpasswd', 'a//b', '%ff', 'a%2fb']) {
      const answer = await server.ask(null, `/public/${path}`);
      assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
      await answer.text();
    }
  });
});

describe('removing', () => {
  test('an asset takes its record and bytes, once', async () => {
    const asset = await server.store({});
    const target = `/api/assets/${asset.asset_id}`;
    assert.equal((await server.ask({}, target, { method: 'DELETE' })).status, 204);
    assert.equal(await code(await server.ask({}, target, { method: 'DELETE' })), 'not_found');
    assert.equal(await code(await server.ask({}, target)), 'not_found');
  });

  test('a user’s assets is accepted, and done', async () => {
    const who = { userId: 'gone user/ü' };
    const asset = await server.store(who);
    const answer = await server.ask({ role: 'admin' }, `/api/users/${encodeURIComponent(who.userId)}`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
    });
    assert.deepEqual(await json(answer, 202), { user_id: who.userId, status: 'accepted' });
    await (server.options.removal as { idle?: () => Promise<void> }).idle?.();
    assert.equal(await code(await server.ask(who, `/api/assets/${asset.asset_id}`)), 'not_found');
  });
});

describe('usage', () => {
  test('counts one’s own; for admins, the tenant’s', async () => {
    const tenantId = 'counted';
    await server.store({ tenantId, userId: 'one' });
    await server.store({ tenantId, userId: 'two' });
    const of = async (userId: string, role: 'user' | 'admin') =>
      await json(await server.ask({ tenantId, userId, role }, '/api/usage'));
    assert.deepEqual(await of('one', 'user'), { files: 1, bytes: 13 });
    assert.deepEqual(await of('three', 'user'), { files: 0, bytes: 0 });
    assert.deepEqual(await of('root', 'admin'), { files: 2, bytes: 26 });
  });
});

describe('the access log of the tenant', () => {
  const ask = (query: string) => server.ask({ role: 'admin', tenantId: 'timed' }, `/api/access-log?${query}`);

  test('is narrowed by time', async () => {
    await server.store({ tenantId: 'timed' });
    const now = server.options.clock.now();
    const at = (ms: number) => encodeURIComponent(new Date(now + ms).toISOString());
    const found = async (query: string) => (await json<LogPageJson>(await ask(query))).entries.length;
    assert.equal(await found(`from=${at(-60_000)}&to=${at(60_000)}`), 1);
    assert.equal(await found(`from=${at(60_000)}`), 0);
    assert.equal(await found(`to=${at(-60_000)}`), 0);
    assert.equal(await found('from=2020-01-01'), 1);
    assert.equal(await found('from=2020-01-01T00:00:00+02:00'), 1);
    assert.equal(await found('from=2020-02-29&to=9999-12-31T23:59:59.999Z'), 1);
  });

  for (const query of [
    'from=yesterday',
    'to=2020-13-01',
    'from=2026-02-30',
    'from=2026-02-30T00:00:00Z',
    'from=2026-02-30t00:00:00z',
    'to=2025-02-29',
    'to=2026-04-31T12:00:00%2B02:00',
    'to=2026-02-01T24:00:00Z',
    'from=1',
    'action=steal',
    'asset_id=7',
    'user_id=',
    'limit=999',
  ]) {
    test(`does not take ${query}`, async () => {
      assert.equal(await code(await ask(query)), 'invalid_parameter');
    });
  }
});
