import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { getSignedUrl } from '@aws-sdk/cloudfront-signer';
import type { Caller } from '../acceptance/caller.ts';
import type { Answer } from '../acceptance/http.ts';
import { query, startPostgres } from '../acceptance/postgres.ts';
import { png } from '../acceptance/samples/images.ts';
import { freshDirectory, type Service, startService, until } from '../acceptance/service.ts';
import type { Asset } from '../acceptance/wire.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { compileVcl, noVarnish, startVarnish, steadyPort, type Varnish } from '../servers/varnish.ts';

const reason = noVarnish();
if (reason !== false) console.log(`# ${reason}`);

const KEY_ID = 'K2JCJMDEHXQW5F';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
/** Longest wait for a purge, in seconds: it is looked for every two. */
const PURGE_SECONDS_MAX = 60;

test('both configurations compile', { skip: reason }, () => {
  for (const file of ['service.vcl', 'store.vcl']) {
    const { ok, output } = compileVcl(file);
    assert.ok(ok, output);
  }
});

describe('Varnish in front of the service', { skip: reason }, () => {
  let database: Awaited<ReturnType<typeof startPostgres>>;
  let service: Service;
  let proxy: CountingProxy;
  let varnish: Varnish;
  let alice: Caller;
  let seed = 0;

  before(async () => {
    database = await startPostgres();
    const port = await steadyPort();
    const configuration = path.join(freshDirectory(), 'stowage.config.json');
    const poster = {
      accepts: { 'image/png': ['png'] },
      maxSize: '4mb',
      keyTemplate: 'posters/{uuid}.{ext}',
      cacheControl: 'public, max-age=31536000, immutable',
      visibility: 'public',
    };
    writeFileSync(configuration, JSON.stringify({ assetTypes: { poster } }));
    service = await startService(
      {
        DATABASE_URL: database.url,
        STOWAGE_CONFIG: configuration,
        CDN_URL: `http://127.0.0.1:${port}`,
        CDN_PURGE_URL: `http://127.0.0.1:${port}`,
        CDN_KEY_PAIR_ID: KEY_ID,
        CDN_PRIVATE_KEY: privateKey,
        TRUST_PROXY: '127.0.0.1',
      },
      { backend: 'local' },
    );
    proxy = await startCountingProxy(service.origin);
    varnish = await startVarnish({ configuration: 'service', backend: proxy.origin, port });
    alice = service.as('alice');
  });
  after(async () => {
    await varnish?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await service?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const bytes = () => {
    seed += 1;
    return png({ seed, width: 300, height: 300 });
  };
  const store = async (assetType: string, content: Buffer = bytes()): Promise<Asset> =>
    await alice.store(assetType, { filename: `p${seed}.png`, mediaType: 'image/png', bytes: content });
  const ask = (url: string, headers: Record<string, string> = {}) => service.send('GET', url, { headers });
  /** Requests for the bytes of an asset that reached the service. */
  const fetched = (asset: Asset): number =>
    proxy.requests.filter((line) => line.startsWith('GET ') && line.includes(asset.key)).length;
  const signedByAmazon = (asset: Asset, endsAtMs: number): string =>
    getSignedUrl({
      url: asset.presigned_url.split('?')[0] ?? '',
      keyPairId: KEY_ID,
      privateKey,
      dateLessThan: new Date(endsAtMs),
      algorithm: 'SHA256',
    });
  const served = (answer: Answer, expected: string): void => {
    assert.ok(
      answer.status === 200 || answer.status === 206,
      `${answer.status} ${answer.text.slice(0, 300)}`,
    );
    assert.equal(answer.headers['x-cache'], expected);
  };

  test('fetches a private asset once: first a miss, then hits, also for URLs of another time', async () => {
    const content = bytes();
    const asset = await store('image', content);
    assert.ok(asset.presigned_url.startsWith(`${varnish.origin}/cdn/`));
    const first = await ask(asset.presigned_url);
    served(first, 'miss');
    assert.deepEqual(first.body, content);
    const again = await ask(asset.presigned_url);
    served(again, 'hit');
    assert.deepEqual(again.body, content);
    const later = await ask(signedByAmazon(asset, Date.now() + 7_200_000));
    served(later, 'hit');
    assert.deepEqual(later.body, content);
    assert.match(again.headers['cache-control'] ?? '', /^private, max-age=\d+, immutable$/);
    assert.equal(again.headers['content-disposition'], first.headers['content-disposition']);
    assert.equal(again.headers['x-content-type-options'], 'nosniff');
    assert.equal(fetched(asset), 1, 'the bytes were asked for once');
  });

  test('serves ranges and knows what a client has, from the cache', async () => {
    const content = bytes();
    const asset = await store('image', content);
    // The very first request may be for a part.
    const head = await ask(asset.presigned_url, { range: 'bytes=0-9' });
    assert.equal(head.status, 206);
    assert.deepEqual(head.body, content.subarray(0, 10));
    const part = await ask(asset.presigned_url, { range: 'bytes=100-199' });
    served(part, 'hit');
    assert.equal(part.status, 206);
    assert.deepEqual(part.body, content.subarray(100, 200));
    assert.equal(part.headers['content-range'], `bytes 100-199/${content.length}`);
    const same = await ask(asset.presigned_url, { 'if-none-match': `"${asset.content_hash}"` });
    assert.deepEqual([same.status, same.body.length], [304, 0]);
    const sizes = await service.send('HEAD', asset.presigned_url);
    assert.deepEqual([sizes.status, sizes.headers['content-length']], [200, String(content.length)]);
    assert.equal(fetched(asset), 1);
  });

  test('gives nothing private to a stranger, however warm the cache is', async () => {
    const asset = await store('image');
    const other = await store('image');
    served(await ask(asset.presigned_url), 'miss');
    served(await ask(asset.presigned_url), 'hit');
    const bare = asset.presigned_url.split('?')[0] ?? '';
    const strangers: readonly (readonly [string, Record<string, string>, number])[] = [
      [bare, {}, 403],
      [`${bare}?Expires=1999999999&Signature=x&Key-Pair-Id=${KEY_ID}&Hash-Algorithm=SHA256`, {}, 403],
      [asset.presigned_url.replace(/Expires=\d+/, 'Expires=1999999999'), {}, 403],
      [asset.presigned_url.replace(bare, other.presigned_url.split('?')[0] ?? ''), {}, 403],
      [signedByAmazon(asset, Date.now() - 60_000), {}, 410],
      [bare, { 'x-allowed': 'yes', 'x-asked-method': 'GET', 'x-asked-cache-control': 'public' }, 403],
      [bare, { 'x-stowage-origin-secret': 'guessed' }, 403],
      [bare, { authorization: 'Bearer none' }, 403],
      [bare, { range: 'bytes=0-9' }, 403],
    ];
    for (const [url, headers, status] of strangers) {
      const answer = await ask(url, headers);
      assert.equal(answer.status, status, `${url} ${JSON.stringify(headers)}`);
      assert.ok(answer.body.length < 1000);
      assert.notEqual(answer.headers['x-cache'], 'hit');
    }
    served(await ask(asset.presigned_url), 'hit');
  });

  test('keeps an asset of a public type for everybody, until it is deleted', async () => {
    const content = bytes();
    const asset = await store('poster', content);
    assert.ok(asset.presigned_url.startsWith(`${varnish.origin}/public/posters/`));
    served(await ask(asset.presigned_url), 'miss');
    const hit = await ask(asset.presigned_url, { origin: 'https://anywhere.test' });
    served(hit, 'hit');
    assert.deepEqual(hit.body, content);
    assert.equal(fetched(asset), 1);

    const elsewhere = { host: 'made-up.test' };
    served(await ask(asset.presigned_url, elsewhere), 'hit');
    const deleted = await alice.send('DELETE', `/api/assets/${asset.asset_id}`);
    assert.equal(deleted.status, 204);
    const gone = await until(
      () => ask(asset.presigned_url),
      (answer) => answer.status === 404,
      PURGE_SECONDS_MAX,
    );
    assert.equal(gone.status, 404, 'the cache has forgotten it');
    assert.equal((await ask(asset.presigned_url, { range: 'bytes=0-9' })).status, 404);
    assert.equal((await ask(asset.presigned_url, elsewhere)).status, 404, 'under every host');
    const [row] = await until(
      () => query(database.url, `select purged_at, problem from cdn_purges where s3_key = '${asset.key}'`),
      ([purge]) => purge?.purged_at !== null,
      PURGE_SECONDS_MAX,
    );
    assert.ok(row?.purged_at !== null && row?.problem === null, JSON.stringify(row));
  });

  test('gives nobody a private asset that is deleted, even before it is purged', async () => {
    const asset = await store('image');
    served(await ask(asset.presigned_url), 'miss');
    served(await ask(asset.presigned_url), 'hit');
    await alice.send('DELETE', `/api/assets/${asset.asset_id}`);
    assert.equal((await ask(asset.presigned_url)).status, 404);
  });

  test('never keeps an answer of the API, nor an error', async () => {
    const missing = `${varnish.origin}/public/posters/none.png`;
    for (let round = 0; round < 3; round += 1) {
      const health = await ask(`${varnish.origin}/api/health`);
      assert.deepEqual([health.status, health.headers['x-cache']], [200, 'miss']);
      assert.deepEqual([(await ask(missing)).status, (await ask(missing)).headers['x-cache']], [404, 'miss']);
      assert.equal((await ask(`${varnish.origin}/api/assets`)).status, 401);
    }
  });

  test('is purged by the nodes of Stowage alone', async () => {
    const asset = await store('poster');
    served(await ask(asset.presigned_url), 'miss');
    const purge = (localAddress: string) =>
      new Promise<number>((resolve, reject) => {
        const request = http.request(asset.presigned_url, { method: 'PURGE', localAddress }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        });
        request.on('error', reject).end();
      });
    assert.equal(await purge('127.0.0.2'), 403);
    served(await ask(asset.presigned_url), 'hit');
    assert.equal(await purge('127.0.0.1'), 200);
    served(await ask(asset.presigned_url), 'miss');
  });

  test('purges again and again while the cache is away, and says why', async () => {
    const asset = await store('poster');
    await ask(asset.presigned_url);
    const { port } = new URL(varnish.origin);
    await varnish[Symbol.asyncDispose]();
    await alice.send('DELETE', `/api/assets/${asset.asset_id}`);
    const waiting = () =>
      query(
        database.url,
        `select attempts, problem, purged_at from cdn_purges where s3_key = '${asset.key}'`,
      );
    const [failed] = await until(
      waiting,
      ([row]) => Number(row?.attempts) > 0 && row?.problem !== null,
      PURGE_SECONDS_MAX,
    );
    assert.match(String(failed?.problem), /ECONNREFUSED/);
    assert.equal(failed?.purged_at, null);
    varnish = await startVarnish({ configuration: 'service', backend: proxy.origin, port: Number(port) });
    const [done] = await until(waiting, ([row]) => row?.purged_at !== null, PURGE_SECONDS_MAX);
    assert.ok(done?.purged_at !== null, JSON.stringify(done));
  });
});
