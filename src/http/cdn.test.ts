import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { AssetJson, PresignedJson, ProblemJson } from '../protocol/index.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

const CDN_URL = 'https://cdn.test';
const ORIGIN_SECRET = 'what only the edge knows';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const CDN = {
  url: CDN_URL,
  origin: 'service',
  keyPair: { id: 'K2JCJMDEHXQW5F', privateKey },
  originSecret: ORIGIN_SECRET,
  distributionId: null,
  purgeUrls: [],
} as const;

let server: ServerFixture;
before(async () => {
  server = await openServerFixture({ cdn: CDN, http: { corsOrigins: ['https://app.test'] } });
});
after(() => server[Symbol.asyncDispose]());

/** As a cache that only forwards asks its origin. */
const fetchThrough = (url: string, headers: Record<string, string> = {}) =>
  server.ask(null, url.replace(CDN_URL, server.origin), { headers });
const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as ProblemJson).code;

describe('a private asset behind a CDN', () => {
  test('is read by the URL in its record, which is the same for everybody, and by no other', async () => {
    const asset = await server.store({});
    assert.ok(asset.presigned_url.startsWith(`${CDN_URL}/cdn/notes/alice/`), asset.presigned_url);
    const again = await server.ask({ userId: 'root', role: 'admin' }, `/api/assets/${asset.asset_id}`);
    const seen = ((await again.json()) as AssetJson).presigned_url;
    // Another window may have begun between the two.
    if (seen.includes(/Expires=\d+/.exec(asset.presigned_url)?.[0] ?? '-'))
      assert.equal(seen, asset.presigned_url);

    const answer = await fetchThrough(asset.presigned_url);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), 'Hello, world.');
    const path = asset.presigned_url.split('?')[0] ?? '';
    assert.equal(await codeOf(await fetchThrough(path)), 'forbidden');
    assert.equal(
      await codeOf(await fetchThrough(asset.presigned_url.replace('Expires=1', 'Expires=2'))),
      'forbidden',
    );
    const other = await server.store({ userId: 'bob' });
    const moved = asset.presigned_url.replace(path, other.presigned_url.split('?')[0] ?? '');
    assert.equal(await codeOf(await fetchThrough(moved)), 'forbidden');
  });

  test('says what a browser and what the CDN may do with it', async () => {
    const asset = await server.store({}, { name: 'Bericht ü.txt' });
    const { headers } = await fetchThrough(asset.presigned_url);
    const cdnAge = Number(/^max-age=(\d+)$/.exec(headers.get('cdn-cache-control') ?? '')?.[1]);
    assert.ok(cdnAge > 3600 - 320 && cdnAge <= 3600, headers.get('cdn-cache-control') ?? 'none');
    assert.match(headers.get('cache-control') ?? '', /^private, max-age=\d+, immutable$/);
    assert.match(
      headers.get('content-disposition') ?? '',
      /^attachment; filename="Bericht \?\.txt"; filename\*=UTF-8''/,
    );
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.match(headers.get('content-security-policy') ?? '', /sandbox/);
    assert.equal(headers.get('vary'), null);
    assert.equal(headers.get('access-control-allow-origin'), '*');
    assert.equal(headers.get('set-cookie'), null);
    assert.equal(headers.get('etag'), `"${asset.content_hash}"`);
  });

  test('answers ranges, and what the client has already', async () => {
    const asset = await server.store({});
    const part = await fetchThrough(asset.presigned_url, { range: 'bytes=0-4' });
    assert.deepEqual([part.status, await part.text()], [206, 'Hello']);
    const same = await fetchThrough(asset.presigned_url, { 'if-none-match': `"${asset.content_hash}"` });
    assert.equal(same.status, 304);
    const beyond = await fetchThrough(asset.presigned_url, { range: 'bytes=99-' });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers.get('cdn-cache-control'), null, 'no cache keeps an error');
    assert.equal(beyond.headers.get('cache-control'), 'no-store');
  });

  test('is given to an edge that has checked the signature itself, for everybody it lets in', async () => {
    const asset = await server.store({});
    const path = asset.presigned_url.split('?')[0] ?? '';
    const edge = { 'x-stowage-origin-secret': ORIGIN_SECRET };
    const answer = await fetchThrough(path, edge);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('cache-control'), 'max-age=31536000, immutable');
    assert.equal(answer.headers.get('cdn-cache-control'), null);
    assert.equal(
      await codeOf(await fetchThrough(path, { 'x-stowage-origin-secret': 'guessed' })),
      'forbidden',
    );
    // The secret does not make a forged signature good: a cache that forwards signatures checks none.
    assert.equal(await codeOf(await fetchThrough(`${path}?Expires=1&Signature=x`, edge)), 'forbidden');
  });

  test('is gone for every URL when it is deleted', async () => {
    const asset = await server.store({});
    assert.equal((await fetchThrough(asset.presigned_url)).status, 200);
    await server.ask({}, `/api/assets/${asset.asset_id}`, { method: 'DELETE' });
    const answer = await fetchThrough(asset.presigned_url);
    assert.equal(answer.headers.get('cdn-cache-control'), null);
    assert.equal(await codeOf(answer), 'not_found');
    const edge = { 'x-stowage-origin-secret': ORIGIN_SECRET };
    const path = asset.presigned_url.split('?')[0] ?? '';
    assert.equal(await codeOf(await fetchThrough(path, edge)), 'not_found');
  });

  test('that was asked for with a life of its own ends with it', async () => {
    const asset = await server.store({});
    const answer = await server.ask({}, `/api/assets/${asset.asset_id}/presigned?expiration_hours=1`);
    const { presigned_url, expiration_at } = (await answer.json()) as PresignedJson;
    assert.match(presigned_url, new RegExp(`Expires=${Date.parse(expiration_at) / 1000}&`));
    server.advance(3_600_000);
    const late = await fetchThrough(presigned_url);
    assert.equal(late.status, 410);
    assert.equal(await codeOf(late), 'expired');
    server.advance(-3_600_000);
  });
});

describe('a public asset behind a CDN', () => {
  test('has a permanent URL there, the same for pages of every origin', async () => {
    const asset = await server.store({}, { assetType: 'notice' });
    assert.match(asset.presigned_url, /^https:\/\/cdn\.test\/public\/notices\/[^?]+$/);
    assert.equal(asset.expiration_at, null);
    for (const origin of ['https://app.test', 'https://other.test']) {
      const answer = await fetchThrough(asset.presigned_url, { origin });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
      assert.equal(answer.headers.get('vary'), null);
    }
  });
});

test('without a key pair private assets stay with the store, and the origin gives none away', async () => {
  await using plain = await openServerFixture({ cdn: { ...CDN, keyPair: null } });
  const asset = await plain.store({});
  assert.match(asset.presigned_url, /\/files\/notes\//);
  const answer = await plain.ask(null, `/cdn/${asset.key}`, {
    headers: { 'x-stowage-origin-secret': ORIGIN_SECRET },
  });
  assert.equal(await codeOf(answer), 'not_found');
});
