import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Caller } from '../acceptance/caller.ts';
import type { Answer } from '../acceptance/http.ts';
import { send } from '../acceptance/http.ts';
import { png } from '../acceptance/samples/images.ts';
import { type Service, startService, until } from '../acceptance/service.ts';
import type { Asset } from '../acceptance/wire.ts';
import { startAzurite } from '../servers/azurite.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { startS3Server } from '../servers/s3/server.ts';
import { OWNER, USERS } from '../servers/s3/test-users.ts';
import { noVarnish, startVarnish, steadyPort, type Varnish } from '../servers/varnish.ts';

const reason = noVarnish();
if (reason !== false) console.log(`# ${reason}`);

const PURGE_SECONDS_MAX = 60;
const { accessKeyId, secretAccessKey } = OWNER;

/** A service whose clients reach the store by way of Varnish. */
interface Stand extends AsyncDisposable {
  readonly service: Service;
  readonly varnish: Varnish;
  /** What Varnish asked the store. */
  readonly proxy: CountingProxy;
  /** The URL of a record as clients would use it. */
  readonly throughVarnish: (url: string) => string;
  readonly client: S3Client | null;
  readonly bucket: string;
}

async function openS3(): Promise<Stand> {
  const ceph = process.env.TEST_CEPH_ENDPOINT;
  const server = ceph === undefined ? await startS3Server({ users: USERS }) : null;
  const endpoint = ceph ?? server?.origin ?? '';
  const bucket = `cdn-${randomUUID()}`;
  const client = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const port = await steadyPort();
  const service = await startService(
    {
      STORAGE_BACKEND: 's3',
      S3_BUCKET_NAME: bucket,
      S3_REGION: 'us-east-1',
      S3_ENDPOINT: endpoint,
      S3_PUBLIC_ENDPOINT: `http://127.0.0.1:${port}`,
      S3_ACCESS_KEY: accessKeyId,
      S3_SECRET_KEY: secretAccessKey,
      CDN_URL: `http://127.0.0.1:${port}/${bucket}`,
      CDN_ORIGIN: 'store',
      CDN_PURGE_URL: `http://127.0.0.1:${port}`,
    },
    { backend: 'local' },
  );
  const proxy = await startCountingProxy(endpoint);
  const varnish = await startVarnish({ configuration: 'store', backend: proxy.origin, port });
  return {
    ...{ service, varnish, proxy, client, bucket },
    throughVarnish: (url) => url,
    async [Symbol.asyncDispose]() {
      await varnish[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
      client.destroy();
      await server?.[Symbol.asyncDispose]();
    },
  };
}

async function openAzure(): Promise<Stand> {
  const azurite = await startAzurite();
  const bucket = `cdn-${randomUUID()}`;
  const { origin, pathname } = new URL(azurite.accountUrl);
  const port = await steadyPort();
  const service = await startService(
    {
      STORAGE_BACKEND: 'azure',
      AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
      AZURE_CONTAINER_NAME: bucket,
      CDN_URL: `http://127.0.0.1:${port}${pathname}/${bucket}`,
      CDN_ORIGIN: 'store',
      CDN_PURGE_URL: `http://127.0.0.1:${port}`,
    },
    { backend: 'local' },
  );
  const proxy = await startCountingProxy(origin);
  const varnish = await startVarnish({ configuration: 'store', backend: proxy.origin, port });
  return {
    ...{ service, varnish, proxy, client: null, bucket },
    // A SAS does not cover the host: a custom domain in front of an account changes nothing in it.
    throughVarnish: (url) => url.replace(origin, varnish.origin),
    async [Symbol.asyncDispose]() {
      await varnish[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
      await azurite[Symbol.asyncDispose]();
    },
  };
}

const S3_NAME = process.env.TEST_CEPH_ENDPOINT === undefined ? 'the small S3 server' : 'a Ceph gateway';
for (const [name, open] of [
  [S3_NAME, openS3],
  ['Azurite', openAzure],
] as const) {
  describe(`Varnish in front of ${name}`, { skip: reason }, () => {
    let stand: Stand;
    let alice: Caller;
    let seed = 0;
    before(async () => {
      stand = await open();
      alice = stand.service.as('alice');
    });
    after(() => stand?.[Symbol.asyncDispose]());

    const store = async (): Promise<{ asset: Asset; url: string; content: Buffer }> => {
      seed += 1;
      const content = png({ seed, width: 300, height: 300 });
      const file = { filename: `p${seed}.png`, mediaType: 'image/png', bytes: content };
      const asset = await alice.store('image', file);
      return { asset, content, url: stand.throughVarnish(asset.presigned_url) };
    };
    const fetched = ({ key }: Asset): number =>
      stand.proxy.requests.filter((line) => line.startsWith('GET ') && line.includes(key)).length;
    const served = (answer: Answer, expected: string): void => {
      assert.ok([200, 206].includes(answer.status), `${answer.status} ${answer.text.slice(0, 300)}`);
      assert.equal(answer.headers['x-cache'], expected);
    };

    test('fetches once: first a miss, then a hit, and ranges from the cache', async () => {
      const { asset, url, content } = await store();
      const first = await send('GET', url);
      served(first, 'miss');
      assert.deepEqual(first.body, content);
      const again = await send('GET', url);
      served(again, 'hit');
      assert.deepEqual(again.body, content);
      assert.equal(again.headers['content-disposition'], first.headers['content-disposition']);
      assert.equal(again.headers['content-type'], 'image/png');
      const part = await send('GET', url, { headers: { range: 'bytes=100-199' } });
      served(part, 'hit');
      assert.equal(part.status, 206);
      assert.deepEqual(part.body, content.subarray(100, 200));
      assert.equal(fetched(asset), 1);
    });

    test('gives nothing to who has no signature of their own, however warm the cache is', async () => {
      const { asset, url } = await store();
      const other = await store();
      served(await send('GET', url), 'miss');
      served(await send('GET', url), 'hit');
      const [bare = '', query = ''] = url.split('?');
      const strangers = [
        bare,
        `${bare}?${query.replace(/((?:X-Amz-Signature|sig)=).{4}/, '$1AAAA')}`,
        `${other.url.split('?')[0]}?${query}`,
        `${bare}?${query.replace(/response-content-type=[^&]*|rsct=[^&]*/, (text) => `${text}x`)}`,
      ];
      for (const each of strangers) {
        const answer = await send('GET', each);
        assert.ok(answer.status === 403 || answer.status === 404, `${answer.status} ${each}`);
        assert.notEqual(answer.headers['x-cache'], 'hit');
        assert.ok(answer.body.length < 2000);
      }
      assert.ok(fetched(asset) > 1, 'they were all sent on to the store');
      served(await send('GET', url), 'hit');
    });

    test('forgets what is deleted', async () => {
      const { asset, url } = await store();
      served(await send('GET', url), 'miss');
      served(await send('GET', url), 'hit');
      const deleted = await alice.send('DELETE', `/api/assets/${asset.asset_id}`);
      assert.equal(deleted.status, 204);
      const gone = await until(
        () => send('GET', url),
        (answer) => answer.status === 404,
        PURGE_SECONDS_MAX,
      );
      assert.equal(gone.status, 404);
      assert.equal((await send('GET', url, { headers: { range: 'bytes=0-9' } })).status, 404);
    });

    // Stowage signs for a minute at least, which is too long for a test: Amazon's own client signs for three seconds.
    if (open !== openS3) return;
    test('keeps nothing longer than its URL lives', async (context) => {
      if (stand.client === null)
        return context.skip('Stowage signs for a minute at least; S3 URLs show the rule');
      const { client, bucket: Bucket, varnish } = stand;
      assert.ok(client);
      const Key = `plain/${randomUUID()}.txt`;
      await client.send(
        new PutObjectCommand({ Bucket, Key, Body: 'hello', CacheControl: 'max-age=31536000' }),
      );
      // Signed for the address that clients use: the host is part of it.
      const outside = new S3Client({
        ...{ endpoint: varnish.origin, region: 'us-east-1', forcePathStyle: true },
        credentials: { accessKeyId, secretAccessKey },
      });
      const url = await getSignedUrl(outside, new GetObjectCommand({ Bucket, Key }), { expiresIn: 3 });
      outside.destroy();
      const signedMs = Date.now();
      const first = await send('GET', url);
      const wasInTime = Date.now() - signedMs < 2_000;
      if (wasInTime) assert.equal(first.status, 200, first.text);
      await wait(Math.max(0, signedMs + 4_500 - Date.now()));
      const late = await send('GET', url);
      assert.equal(late.status, 403);
      assert.notEqual(late.headers['x-cache'], 'hit');
    });
  });
}
