import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Bucket, Storage } from '@google-cloud/storage';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { Bucket as CheckedBucket } from '../../../src/storage/bucket.ts';
import { CREATE, chunks, inChunks, noise, sha256 } from '../../../src/storage/conformance/material.ts';
import { openGcsBackend } from '../../../src/storage/gcs/backend.ts';
import { openIdentity } from '../../../src/storage/gcs/identity.ts';
import { type GcsServer, startGcsServer } from './server.ts';
import { makeTestAccount, type TestAccount } from './test-account.ts';

let account: TestAccount;
let server: GcsServer;
let token: string;

before(async () => {
  account = await makeTestAccount();
  server = await startGcsServer({ accounts: new Map([[account.email, account.publicKey]]), buckets: ['b'] });
  token = await openIdentity(options()).token();
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await account[Symbol.asyncDispose]();
});

function options() {
  const credentialsPath = account.keyFilePath;
  return { bucket: 'b', credentialsPath, endpoint: server.origin, clock: systemClock, log: silentLog };
}

/** Asks with a token, by default a good one. */
async function ask(method: string, path: string, init: RequestInit = {}, bearer: string | null = token) {
  const headers = { ...init.headers, ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) };
  const response = await fetch(server.origin + path, { ...init, method, headers });
  return { status: response.status, text: await response.text() };
}

/** A token with other claims, signed by the account's key. */
function tokenWith(changes: object, head: object = { alg: 'RS256', typ: 'JWT' }): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const aud = 'https://storage.googleapis.com/';
  const claims = {
    iss: account.email,
    sub: account.email,
    aud,
    iat: nowSeconds,
    exp: nowSeconds + 3600,
    ...changes,
  };
  const parts = [head, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('RSA-SHA256', Buffer.from(parts), createPrivateKey(account.privateKey));
  return `${parts}.${signature.toString('base64url')}`;
}

describe('the small store of Google’s APIs', () => {
  test('refuses whoever has no good token', async () => {
    assert.equal((await ask('GET', '/storage/v1/b/b/o', {}, tokenWith({}))).status, 200);
    assert.equal((await ask('GET', '/storage/v1/b/b/o', {}, null)).status, 403);
    assert.equal((await ask('GET', '/b/key', {}, null)).status, 403);
    assert.equal(
      (await ask('POST', '/upload/storage/v1/b/b/o?uploadType=resumable&name=a', {}, null)).status,
      403,
    );
    const nowSeconds = Math.floor(Date.now() / 1000);
    for (const bad of [
      'x',
      `${token.slice(0, -8)}AAAAAAAA`,
      tokenWith({ exp: nowSeconds - 1 }),
      tokenWith({ exp: nowSeconds + 7200 }),
      tokenWith({ iat: nowSeconds + 3600, exp: nowSeconds + 3700 }),
      tokenWith({ aud: 'https://elsewhere.example/' }),
      tokenWith({ iss: 'someone@else' }),
      tokenWith({ sub: 'someone@else' }),
      tokenWith({}, { alg: 'none' }),
    ]) {
      assert.equal((await ask('GET', '/storage/v1/b/b/o', {}, bad)).status, 401, bad);
      assert.equal((await ask('GET', '/b/key', {}, bad)).status, 401, bad);
    }
  });

  test('refuses parameters, headers and fields that it does not know', async () => {
    assert.equal((await ask('GET', '/storage/v1/b/b/o?startoffset=x')).status, 400);
    assert.equal((await ask('GET', '/storage/v1/b/b/o?fields=items')).status, 400);
    assert.equal((await ask('GET', '/storage/v1/b/b/o/key?ifGenerationMatch=0')).status, 400);
    assert.equal((await ask('PUT', '/b/key?acl', { body: 'x' })).status, 400);
    assert.equal(
      (await ask('PUT', '/b/key', { body: 'x', headers: { 'x-goog-acl': 'public-read' } })).status,
      400,
    );
    const path = '/upload/storage/v1/b/b/o?uploadType=resumable&name=a';
    assert.equal((await ask('POST', `${path}&predefinedAcl=publicRead`)).status, 400);
    assert.equal((await ask('POST', path, { body: '{"acl":[]}' })).status, 400);
    assert.equal((await ask('POST', path, { body: '{"metadata":{"a":1}}' })).status, 400);
    assert.equal(server.buckets.get('b')?.objects.size, 0);
  });

  test('refuses bytes that are not those announced', async () => {
    const md5 = Buffer.alloc(16).toString('base64');
    const body = `--x\r\na: b\r\n\r\n{"md5Hash":"${md5}"}\r\n--x\r\na: b\r\n\r\nbytes\r\n--x--\r\n`;
    const headers = { 'content-type': 'multipart/related; boundary=x' };
    const answer = await ask('POST', '/upload/storage/v1/b/b/o?uploadType=multipart&name=a', {
      body,
      headers,
    });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /doesn't match/);
    assert.equal(server.buckets.get('b')?.objects.size, 0);
  });

  test('keeps sessions to their protocol', async () => {
    const opened = await fetch(`${server.origin}/upload/storage/v1/b/b/o?uploadType=resumable&name=s`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    const { pathname, search } = new URL(opened.headers.get('location') ?? '');
    const send = (range: string, bytes: number) =>
      ask('PUT', pathname + search, { body: Buffer.alloc(bytes), headers: { 'content-range': range } }, null);
    assert.equal((await send('bytes 5-9/10', 5)).status, 400, 'a gap');
    assert.equal((await send('bytes 0-9/*', 5)).status, 400, 'another size');
    assert.equal((await send('bytes 0-262143/*', 262_144)).status, 308);
    assert.equal((await send('bytes */*', 0)).status, 308);
    assert.equal((await send('bytes 262144-262148/262149', 5)).status, 200);
    assert.equal(server.buckets.get('b')?.objects.get('s')?.bytes.byteLength, 262_149);
    assert.equal((await ask('PUT', `${pathname}?uploadType=resumable&upload_id=x`, {}, null)).status, 404);
  });
});

describe('Google’s own client', () => {
  let theirs: Bucket;

  before(() => {
    // Only where the universe has the endpoint's host does that client sign its tokens itself, without a request.
    const universeDomain = '127.0.0.1';
    const storage = new Storage({
      apiEndpoint: server.origin,
      projectId: 'laws',
      universeDomain,
      useAuthWithCustomEndpoint: true,
      retryOptions: { autoRetry: false },
      credentials: {
        client_email: account.email,
        private_key: account.privateKey,
        universe_domain: universeDomain,
      },
    });
    theirs = storage.bucket('b');
  });

  test('reads what Stowage wrote, with its type and metadata', async () => {
    const backend = openGcsBackend(options());
    const ours = new CheckedBucket(backend);
    const bytes = noise(9 * 1024 * 1024, 30);
    const described = {
      contentType: 'image/png',
      cacheControl: 'private, max-age=60',
      metadata: { uploaded_by: 'u-1', content_hash: sha256(bytes) },
    };
    await ours.put('theirs/ü b.png', inChunks(bytes, 100_000), { ...CREATE, ...described });
    const file = theirs.file('theirs/ü b.png');
    const [{ contentType, cacheControl, metadata }] = await file.getMetadata();
    assert.deepEqual({ contentType, cacheControl, metadata }, described);
    await ours.put('small', chunks('hello'), CREATE);
    const [names] = await theirs.getFiles({ prefix: 'sm' });
    assert.deepEqual(
      names.map(({ name }) => name),
      ['small'],
    );
    await backend.close();
  });
});
