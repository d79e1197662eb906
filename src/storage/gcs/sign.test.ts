import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import type { Identity } from './identity.ts';
import { encodeKey, encodeQuery, V4Signer } from './sign.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const email = 'signer@laws.iam.gserviceaccount.com';
const START_MS = Date.parse('2046-02-03T04:05:06Z');
const PERIOD = { startMs: START_MS, lifetimeSeconds: 3600 };

let signatures = 0;
const identity: Identity = {
  token: async () => 'unused',
  forgetToken() {},
  email: async () => email,
  async sign(text) {
    signatures += 1;
    return sign('RSA-SHA256', Buffer.from(text), privateKey);
  },
};

const KEYS = ['a', 'deep/er/key.txt', 'sp ace/ünï/漢字.png', "odd!'()*&=+?#%:@,;$[]~-_.txt", '100%/🎉'];

const DISPOSITION = 'attachment; filename="a b.txt"; filename*=UTF-8\'\'%C3%BC%20%22.txt';

describe('V4 signatures', () => {
  const storage = new Storage({
    projectId: 'laws',
    credentials: {
      client_email: email,
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  });

  /** The URL that Google's own client makes. */
  async function officialUrl(key: string, changes: object): Promise<URL> {
    const [url] = await storage
      .bucket('laws')
      .file(key)
      .getSignedUrl({
        version: 'v4',
        action: 'read',
        accessibleAt: START_MS,
        expires: START_MS + 3600_000,
        ...changes,
      });
    return new URL(url);
  }

  /** The URL that Stowage makes. */
  async function ourUrl(
    method: string,
    key: string,
    more: { query?: object; headers?: object } = {},
  ): Promise<URL> {
    const path = `/laws/${encodeKey(key)}`;
    const query = { ...more.query };
    const headers = { ...more.headers };
    const request = { method, host: 'storage.googleapis.com', path, query, headers };
    return new URL(
      `https://storage.googleapis.com${path}?${await new V4Signer(identity).presign(request, PERIOD)}`,
    );
  }

  function assertSame(ours: URL, official: URL): void {
    assert.equal(decodeURIComponent(ours.pathname), decodeURIComponent(official.pathname));
    assert.deepEqual(
      [...ours.searchParams].sort(([one], [other]) => (one < other ? -1 : 1)),
      [...official.searchParams].sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  }

  test('of reads are those of Google’s own client', async () => {
    for (const key of KEYS) assertSame(await ourUrl('GET', key), await officialUrl(key, {}));
  });

  test('of reads with another disposition and type are those of Google’s own client', async () => {
    const query = { 'response-content-disposition': DISPOSITION, 'response-content-type': 'text/plain' };
    assertSame(
      await ourUrl('GET', 'a b', { query }),
      await officialUrl('a b', { responseDisposition: DISPOSITION, responseType: 'text/plain' }),
    );
  });

  test('of writes with bound headers are those of Google’s own client', async () => {
    const extensionHeaders = {
      'x-goog-content-length-range': '5,5',
      'x-goog-meta-uploaded_by': 'a   law',
      'cache-control': 'private, max-age=60',
    };
    assertSame(
      await ourUrl('PUT', 'a', { headers: { ...extensionHeaders, 'content-type': 'image/png' } }),
      await officialUrl('a', { action: 'write', contentType: 'image/png', extensionHeaders }),
    );
  });

  test('of part uploads are those of Google’s own client', async () => {
    const queryParams = { partNumber: '7', uploadId: 'AB-c_d/e=' };
    assertSame(
      await ourUrl('PUT', 'a', { query: queryParams }),
      await officialUrl('a', { action: 'write', queryParams }),
    );
  });

  test('are verified by the public key, and by no other', async () => {
    const url = await ourUrl('GET', 'a');
    const query = url.search.slice(1).replace(/&X-Goog-Signature=.*$/, '');
    const canonical = `GET\n/laws/a\n${query}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD`;
    const digest = createHash('sha256').update(canonical).digest('hex');
    const text = `GOOG4-RSA-SHA256\n20460203T040506Z\n20460203/auto/storage/goog4_request\n${digest}`;
    const signature = Buffer.from(url.searchParams.get('X-Goog-Signature') ?? '', 'hex');
    assert.equal(verify('RSA-SHA256', Buffer.from(text), publicKey, signature), true);
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    assert.equal(verify('RSA-SHA256', Buffer.from(text), other, signature), false);
  });

  test('of the same request are made once', async () => {
    const signer = new V4Signer(identity);
    const request = { method: 'GET', host: 'h', path: '/laws/once', query: {}, headers: {} };
    const before = signatures;
    const [one, other] = await Promise.all([
      signer.presign(request, PERIOD),
      signer.presign(request, PERIOD),
    ]);
    assert.equal(one, other);
    assert.equal(signatures, before + 1);
    await signer.presign(request, { ...PERIOD, startMs: START_MS + 1000 });
    assert.equal(signatures, before + 2);
  });

  test('that failed are tried again', async () => {
    const broken = new Error('no signature today');
    let tries = 0;
    const failing: Identity = {
      ...identity,
      async sign(text) {
        tries += 1;
        if (tries === 1) throw broken;
        return identity.sign(text);
      },
    };
    const signer = new V4Signer(failing);
    const request = { method: 'GET', host: 'h', path: '/laws/again', query: {}, headers: {} };
    await assert.rejects(signer.presign(request, PERIOD), (error) => error === broken);
    assert.match(await signer.presign(request, PERIOD), /X-Goog-Signature=[\da-f]{512}$/);
  });
});

test('queries are sorted by their encoded names', () => {
  assert.equal(encodeQuery({ b: '1', a: 'x y', 'a b': "'*" }), 'a=x%20y&a%20b=%27%2A&b=1');
});
