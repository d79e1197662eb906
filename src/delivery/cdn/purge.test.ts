import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { makeAsset, makeEntry, makeUpload } from '../../catalog/fixtures.ts';
import { emptyTestDatabase, openTestCatalog, type TestCatalog } from '../../catalog/testing.ts';
import { collectBytes, MIB } from '../../core/bytes.ts';
import { silentLog } from '../../core/log.ts';
import { type LoopbackServer, listenOnLoopback } from '../../storage/conformance/loopback-server.ts';
import { openCloudFrontPurger } from './cloudfront-purger.ts';
import { openHttpPurger } from './http-purger.ts';
import { type Purger, purgeDue } from './purge.ts';

/** What a cache was asked: method, path, and the headers that matter. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly authorization: string;
  readonly body: string;
}

let store: TestCatalog;
let cache: LoopbackServer;
let asked: Asked[] = [];
let answer: (request: Asked) => readonly [status: number, body: string] = () => [200, ''];

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const seen: Asked = {
    method: request.method ?? '',
    path: request.url ?? '',
    host: request.headers.host ?? '',
    authorization: request.headers.authorization ?? '',
    body: (await collectBytes(request, MIB)).toString(),
  };
  asked.push(seen);
  const [status, body] = answer(seen);
  response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
}

before(async () => {
  store = await openTestCatalog();
  cache = await listenOnLoopback((request, response) => void respond(request, response));
});
after(async () => {
  await cache[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await emptyTestDatabase(store);
  await store.catalog.noteCaches(['https://cdn.test'], 0);
  asked = [];
  answer = () => [200, ''];
});

/** Deletes an asset as everybody does. @returns its key. */
async function deleteOne(): Promise<string> {
  const asset = makeAsset();
  await store.catalog.commitUpload(makeUpload([asset]));
  const entry = makeEntry({ action: 'delete', assetId: asset.assetId });
  await store.catalog.tombstoneAsset('acme', asset.assetId, entry);
  await store.catalog.forgetAsset(asset.assetId);
  return asset.key;
}

const never = new AbortController().signal;
const partsOf = (purgers: readonly Purger[], aheadMs = 60_000) => ({
  ...{ catalog: store.catalog, purgers, log: silentLog },
  clock: { now: () => Date.now() + aheadMs },
});
const httpPurger = (origin: 'store' | 'service', url = 'https://cdn.test') =>
  openHttpPurger({ cache: cache.origin, url, origin });

describe('a cache that understands PURGE', () => {
  test('is told every path of what was deleted, under the host that clients name', async () => {
    const key = await deleteOne();
    const purger = httpPurger('service');
    assert.equal(await purgeDue(partsOf([purger]), never), 1);
    assert.deepEqual(asked.map(({ method, path, host }) => `${method} ${host}${path}`).sort(), [
      `PURGE cdn.test/cdn/${key}`,
      `PURGE cdn.test/public/${key}`,
    ]);
    assert.equal(await purgeDue(partsOf([purger]), never), 0, 'once');
    assert.equal((await store.catalog.purgeBacklog()).waiting, 0);
    await purger.close();
  });

  test('has the path of the bucket where it is in front of one', async () => {
    const key = await deleteOne();
    const purger = httpPurger('store', 'https://cdn.test/bucket');
    await purgeDue(partsOf([purger]), never);
    assert.deepEqual(
      asked.map(({ path }) => path),
      [`/bucket/${key}`],
    );
    await purger.close();
  });

  test('that refuses is asked again later, and why is on record', async () => {
    await deleteOne();
    const purger = httpPurger('service');
    answer = () => [403, ''];
    assert.equal(await purgeDue(partsOf([purger]), never), 0);
    assert.match((await store.catalog.purgeBacklog()).problem ?? '', /the cache answered 403 to a PURGE/);
    answer = () => [404, ''];
    assert.equal(await purgeDue(partsOf([purger]), never), 0, 'not before its time');
    assert.equal(await purgeDue(partsOf([purger], 120_000), never), 1, 'and what it does not have is gone');
    await purger.close();
  });

  test('that always refuses one key forgets the others that were deleted with it', async () => {
    const keys = [await deleteOne(), await deleteOne(), await deleteOne()];
    const purger = httpPurger('store');
    answer = ({ path }) => [path === `/${keys[0]}` ? 400 : 200, ''];
    for (let attempt = 1; attempt <= 3; attempt += 1)
      assert.equal(await purgeDue(partsOf([purger], attempt * 3_600_000), never), 0);
    assert.equal(await purgeDue(partsOf([purger], 4 * 3_600_000), never), 2);
    const { waiting, problem } = await store.catalog.purgeBacklog();
    assert.equal(waiting, 1);
    assert.match(problem ?? '', /answered 400/);
    answer = () => [200, ''];
    assert.equal(await purgeDue(partsOf([purger], 5 * 3_600_000), never), 1);
    await purger.close();
  });

  test('is told of many in bounded batches', async () => {
    for (let index = 0; index < 120; index += 1) await deleteOne();
    const purger = httpPurger('store');
    assert.equal(await purgeDue(partsOf([purger]), never), 120);
    assert.equal(new Set(asked.map(({ path }) => path)).size, 120);
    await purger.close();
  });
});

describe('CloudFront', () => {
  const created =
    '<?xml version="1.0"?><Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I2J0I21PCUYOIK</Id><Status>InProgress</Status></Invalidation>';
  const open = (origin: 'store' | 'service') =>
    openCloudFrontPurger({
      ...{ distributionId: 'E2EXAMPLE1234', origin, url: 'https://cdn.test' },
      credentials: { accessKeyId: 'TESTKEY', secretAccessKey: 'test-secret', sessionToken: null },
      endpoint: cache.origin,
    });

  test('is asked for an invalidation of every variant of the path, and its id is kept', async () => {
    const key = await deleteOne();
    answer = () => [201, created];
    const purger = open('store');
    assert.equal(await purgeDue(partsOf([purger]), never), 1);
    assert.equal(asked[0]?.method, 'POST');
    assert.equal(asked[0]?.path, '/2020-05-31/distribution/E2EXAMPLE1234/invalidation');
    assert.match(
      asked[0]?.authorization ?? '',
      /^AWS4-HMAC-SHA256 Credential=TESTKEY\/\d{8}\/us-east-1\/cloudfront\/aws4_request, /,
    );
    assert.match(
      asked[0]?.body ?? '',
      new RegExp(`<Paths><Quantity>1</Quantity><Items><Path>/${key}\\*</Path></Items></Paths>`),
    );
    assert.match(asked[0]?.body ?? '', /<CallerReference>[0-9a-f-]{36}<\/CallerReference>/);
    const row = await store.database.pool.query('select receipt from cdn_purges');
    assert.deepEqual(row.rows, [{ receipt: 'I2J0I21PCUYOIK' }]);
    await purger.close();
  });

  test('gets no more paths at a time than it takes', async () => {
    for (let index = 0; index < 20; index += 1) await deleteOne();
    answer = () => [201, created];
    const purger = open('service');
    assert.equal(await purgeDue(partsOf([purger]), never), 20);
    const counts = asked.map(({ body }) => Number(/<Quantity>(\d+)</.exec(body)?.[1]));
    assert.deepEqual(counts, [14, 14, 12]);
    await purger.close();
  });

  test('that has too much to do already is asked again later', async () => {
    await deleteOne();
    answer = () => [
      400,
      '<ErrorResponse><Error><Type>Sender</Type><Code>TooManyInvalidationsInProgress</Code><Message>Processing your request will cause you to exceed the maximum number of in-progress wildcard invalidations.</Message></Error></ErrorResponse>',
    ];
    const purger = open('store');
    assert.equal(await purgeDue(partsOf([purger]), never), 0);
    assert.match(
      (await store.catalog.purgeBacklog()).problem ?? '',
      /CloudFront E2EXAMPLE1234: Processing your request/,
    );
    answer = () => [201, created];
    assert.equal(await purgeDue(partsOf([purger], 120_000), never), 1);
    await purger.close();
  });
});

test('of two caches both must forget', async () => {
  await deleteOne();
  const [good, bad] = [httpPurger('store'), httpPurger('store', 'https://cdn.test/other')];
  answer = ({ path }) => [path.startsWith('/other') ? 500 : 200, ''];
  assert.equal(await purgeDue(partsOf([good, bad]), never), 0);
  assert.equal((await store.catalog.purgeBacklog()).waiting, 1);
  answer = () => [200, ''];
  assert.equal(await purgeDue(partsOf([good, bad], 120_000), never), 1);
  await Promise.all([good.close(), bad.close()]);
});
