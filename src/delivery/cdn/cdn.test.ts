import assert from 'node:assert/strict';
import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer';
import type { Asset } from '../../catalog/catalog.ts';
import { isStowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { type CdnSigner, openCdn } from './cdn.ts';
import { type CdnOrigin, keyBelow, PUBLIC_PREFIX, publicPath } from './paths.ts';
import { hasSignature, verifyCdnRead } from './verify.ts';

const KEY_ID = 'K2JCJMDEHXQW5F';
const { privateKey: PRIVATE_KEY, publicKey: PUBLIC_KEY } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const START_MS = 1_800_000_000_000;
const HOUR = 3600;

const ASSET: Asset = {
  assetId: '00000000-0000-4000-8000-000000000001',
  tenantId: 'acme',
  userId: 'alice',
  assetType: 'image',
  key: parseObjectKey('images/alice/1_a b_ключ.png'),
  backend: 's3',
  filename: 'Größe "1".png',
  sizeBytes: 5,
  mediaType: 'image/png',
  contentHash: 'ab'.repeat(32),
  metadata: {},
  createdAtMs: 0,
  state: 'stored',
};

function open(origin: CdnOrigin = 'store', url = 'https://cdn.test') {
  const cdn = openCdn({ url, origin, keyPair: { id: KEY_ID, privateKey: PRIVATE_KEY } });
  assert.ok(cdn.signer);
  return { cdn, signer: cdn.signer };
}

/** What CloudFront does with a URL, by its documentation, with nothing but the public key and node:crypto. */
function checkAsCloudFront(signedUrl: string): { readonly Statement: readonly [Record<string, never>] } {
  const url = new URL(signedUrl);
  const parameters = new Map(url.searchParams);
  const base = signedUrl.replace(/[?&](?:Expires|Policy)=.*$/, '');
  const bytes = (text: string | undefined) =>
    Buffer.from((text ?? '').replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');
  const policy = parameters.has('Policy')
    ? bytes(parameters.get('Policy')).toString()
    : `{"Statement":[{"Resource":"${base}","Condition":{"DateLessThan":{"AWS:EpochTime":${parameters.get('Expires')}}}}]}`;
  assert.equal(parameters.get('Hash-Algorithm'), 'SHA256');
  assert.equal(parameters.get('Key-Pair-Id'), KEY_ID);
  const verifier = createVerify('RSA-SHA256').update(policy);
  assert.ok(
    verifier.verify(PUBLIC_KEY, bytes(parameters.get('Signature'))),
    'the signature is that of the policy',
  );
  return JSON.parse(policy);
}

describe('a CloudFront signed URL', () => {
  test('is the one that Amazon makes, byte for byte', async () => {
    for (const origin of ['store', 'service'] as const) {
      const { signer } = open(origin);
      const { url } = await signer.signRead(ASSET, { nowMs: START_MS, lifetimeSeconds: HOUR });
      const theirs = getSignedUrl({
        url: url.replace(/[?&]Expires=.*$/, ''),
        keyPairId: KEY_ID,
        privateKey: PRIVATE_KEY,
        dateLessThan: new Date(START_MS + HOUR * 1000),
        algorithm: 'SHA256',
      });
      assert.equal(url, theirs);
    }
  });

  test('with a beginning and an address is the one that Amazon makes', async () => {
    const { signer } = open('service');
    const { url } = await signer.signRead(ASSET, {
      nowMs: START_MS,
      lifetimeSeconds: HOUR,
      startsAtMs: START_MS + 60_000,
      ipRange: '192.0.2.0/24',
    });
    const theirs = getSignedUrl({
      url: url.replace(/[?&]Policy=.*$/, ''),
      keyPairId: KEY_ID,
      privateKey: PRIVATE_KEY,
      dateLessThan: new Date(START_MS + HOUR * 1000),
      dateGreaterThan: new Date(START_MS + 60_000),
      ipAddress: '192.0.2.0/24',
      algorithm: 'SHA256',
    });
    // Theirs writes the address last as well, but the dates the other way round: what counts is what is granted.
    assert.deepEqual(checkAsCloudFront(url), checkAsCloudFront(theirs));
  });

  test('satisfies who has the public key and the documentation alone', async () => {
    const { signer } = open();
    const { url, expiresAtMs } = await signer.signRead(ASSET, { nowMs: START_MS, lifetimeSeconds: HOUR });
    const policy = checkAsCloudFront(url);
    assert.equal(expiresAtMs, START_MS + HOUR * 1000);
    assert.match(JSON.stringify(policy), /"AWS:EpochTime":1800003600/);
  });

  test('is the same within a signing window, whoever asks, and another after it', async () => {
    const { signer } = open();
    const at = (ms: number) => signer.signRead(ASSET, { nowMs: START_MS + ms, lifetimeSeconds: HOUR });
    const first = await at(0);
    assert.deepEqual(await at(299_000), first);
    assert.deepEqual(await open().signer.signRead(ASSET, { nowMs: START_MS, lifetimeSeconds: HOUR }), first);
    assert.notEqual((await at(300_000)).url, first.url);
  });

  test('tells the bucket the name and the type of the content, inside what is signed', async () => {
    const { signer } = open();
    const { url } = await signer.signRead(ASSET, { nowMs: START_MS, lifetimeSeconds: HOUR });
    const { searchParams, pathname } = new URL(url);
    assert.equal(decodeURIComponent(pathname), `/${ASSET.key}`);
    assert.match(
      searchParams.get('response-content-disposition') ?? '',
      /^inline; filename=.*filename\*=UTF-8''Gr/,
    );
    assert.equal(searchParams.get('response-content-type'), 'image/png');
    assert.throws(() => checkAsCloudFront(url.replace('image%2Fpng', 'text%2Fhtml')));
    assert.throws(() => checkAsCloudFront(url.replace('inline', 'attachment')));
  });

  test('of what a browser must not show is an attachment', async () => {
    const { signer } = open();
    const page = { ...ASSET, mediaType: 'application/xml', filename: 'a.xml' };
    const { url } = await signer.signRead(page, { nowMs: START_MS, lifetimeSeconds: HOUR });
    assert.match(new URL(url).searchParams.get('response-content-disposition') ?? '', /^attachment/);
  });

  test('holds no wildcard, whatever the key holds', async () => {
    const { signer } = open('service');
    const odd = { ...ASSET, key: parseObjectKey("images/a*b?c'(d)!.png") };
    const { url } = await signer.signRead(odd, { nowMs: START_MS, lifetimeSeconds: HOUR });
    assert.match(url, /^https:\/\/cdn\.test\/cdn\/images\/a%2Ab%3Fc%27%28d%29%21\.png\?Expires=/);
    checkAsCloudFront(url);
    assert.equal(verify(signer, url).key, odd.key);
  });
});

describe('the cookies of a folder', () => {
  test('are those that Amazon makes, for everything below it', async () => {
    const { signer } = open();
    const { cookies, path, expiresAtMs } = await signer.signFolder('images/alice/', {
      nowMs: START_MS,
      lifetimeSeconds: HOUR,
    });
    assert.equal(path, '/images/alice/');
    assert.equal(expiresAtMs, START_MS + HOUR * 1000);
    const policy = Buffer.from(
      (cookies['CloudFront-Policy'] ?? '').replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'),
      'base64',
    ).toString();
    assert.equal(JSON.parse(policy).Statement[0].Resource, 'https://cdn.test/images/alice/*');
    const theirs = getSignedCookies({
      policy,
      keyPairId: KEY_ID,
      privateKey: PRIVATE_KEY,
      algorithm: 'SHA256',
    });
    assert.deepEqual(cookies, theirs);
  });

  for (const folder of ['', 'images', '../', 'a//', 'incoming/', 'incoming/x/']) {
    test(`are refused for ${JSON.stringify(folder)}`, async () => {
      await assert.rejects(
        open().signer.signFolder(folder, { nowMs: START_MS, lifetimeSeconds: HOUR }),
        (error) => isStowageError(error, 'invalid_key'),
      );
    });
  }
});

function verify(signer: CdnSigner, url: string, changes: { nowMs?: number; ipAddress?: string } = {}) {
  return verifyCdnRead(url.slice('https://cdn.test'.length), {
    url: 'https://cdn.test',
    signer,
    nowMs: START_MS,
    ipAddress: '192.0.2.7',
    ...changes,
  });
}

describe('the origin, where no edge checks,', () => {
  const { signer } = open('service');
  const sign = (grant = {}) => signer.signRead(ASSET, { nowMs: START_MS, lifetimeSeconds: HOUR, ...grant });

  test('takes what was issued, until it ends', async () => {
    const { url, expiresAtMs } = await sign();
    assert.deepEqual(verify(signer, url), { key: ASSET.key, expiresAtMs, isCacheable: true });
    assert.equal(verify(signer, url, { nowMs: expiresAtMs - 1 }).key, ASSET.key);
    assert.throws(
      () => verify(signer, url, { nowMs: expiresAtMs }),
      (error) => isStowageError(error, 'expired'),
    );
  });

  test("takes Amazon's own URLs, and the cookies' policy as a URL", async () => {
    const theirs = getSignedUrl({
      url: 'https://cdn.test/cdn/images/x.png',
      keyPairId: KEY_ID,
      privateKey: PRIVATE_KEY,
      dateLessThan: new Date(START_MS + 1000),
      dateGreaterThan: new Date(START_MS - 1000),
      algorithm: 'SHA256',
    });
    assert.equal(verify(signer, theirs).key, 'images/x.png');
    const folder = await signer.signFolder('images/', { nowMs: START_MS, lifetimeSeconds: HOUR });
    const query = Object.entries(folder.cookies).map(([name, value]) => `${name.slice(11)}=${value}`);
    assert.equal(verify(signer, `https://cdn.test/cdn/images/y.png?${query.join('&')}`).key, 'images/y.png');
    assert.throws(
      () => verify(signer, `https://cdn.test/cdn/videos/y.png?${query.join('&')}`),
      (error) => isStowageError(error, 'forbidden'),
    );
  });

  test('refuses every URL that was changed in one place', async () => {
    const { url } = await sign();
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const canned = `{"Statement":[{"Resource":"https://cdn.test/cdn/x","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`;
    const foreign = createSign('RSA-SHA256').update(canned).sign(other, 'base64');
    const forged: readonly string[] = [
      url.replace('alice', 'bob'),
      url.replace(/Expires=\d+/, 'Expires=1900000000'),
      url.replace(/Expires=\d+/, 'Expires=1e12'),
      url.replace(/Expires=\d+/, 'Expires=1800003600&Expires=1900000000'),
      url.replace(/Expires=\d+&/, ''),
      url.replace(KEY_ID, 'K3OTHER'),
      url.replace('&Hash-Algorithm=SHA256', ''),
      url.replace('SHA256', 'SHA1'),
      url.replace(/Signature=[^&]*/, 'Signature='),
      url.replace(/Signature=[^&]*/, 'Signature=AAAA'),
      url.replace('?', '?download=1&'),
      `${url}&Policy=e30_`,
      `https://cdn.test/cdn/x?Expires=1900000000&Key-Pair-Id=${KEY_ID}&Signature=${foreign.replaceAll('+', '-').replaceAll('/', '~').replaceAll('=', '_')}&Hash-Algorithm=SHA256`,
      `https://cdn.test/cdn/%2A?${url.split('?')[1]}`,
    ];
    for (const each of forged) {
      assert.notEqual(each, url);
      assert.throws(
        () => verify(signer, each),
        (error) => isStowageError(error, 'forbidden'),
        each,
      );
    }
  });

  test('keeps to the beginning and the address, and tells caches to forget what is for one address', async () => {
    const { url } = await sign({ startsAtMs: START_MS + 60_000, ipRange: '192.0.2.0/24' });
    const refused = (changes: object) =>
      assert.throws(
        () => verify(signer, url, changes),
        (error) => isStowageError(error, 'forbidden'),
      );
    refused({});
    const later = { nowMs: START_MS + 61_000 };
    assert.equal(verify(signer, url, later).isCacheable, false);
    refused({ ...later, ipAddress: '198.51.100.1' });
    refused({ ...later, ipAddress: '::1' });
    assert.equal(verify(signer, url, { ...later, ipAddress: '::ffff:192.0.2.9' }).key, ASSET.key);
  });

  test('finds no asset where the path is no key', () => {
    for (const path of ['/cdn/', '/cdn/../x', '/cdn/a%2Fb', '/cdn/*', '/files/a', '/cdn/%zz']) {
      assert.throws(
        () => verify(signer, `https://cdn.test${path}?Expires=1`),
        (error) => isStowageError(error, 'not_found'),
        path,
      );
    }
  });

  test('finds an asset by its one path only: a cache keeps nothing under another', () => {
    const path = publicPath('service', ASSET.key);
    assert.equal(keyBelow(PUBLIC_PREFIX, path), ASSET.key);
    assert.equal(keyBelow(PUBLIC_PREFIX, `${path}?v=1`), ASSET.key);
    const others = [
      path.replace('images', '%69mages'),
      path.replace('%20', '+'),
      path.replace('/alice/', '%2Falice%2F'),
      path.toLowerCase(),
    ];
    for (const other of others) assert.equal(keyBelow(PUBLIC_PREFIX, other), undefined, other);
  });

  test('tells a request with a signature from one without', () => {
    assert.ok(hasSignature('/cdn/a?x=1&Signature=y'));
    assert.ok(!hasSignature('/cdn/a?signature=y'));
    assert.ok(!hasSignature('/cdn/a'));
  });
});

test('the URL of a public asset is permanent, and has the path of the origin', () => {
  assert.equal(open('store').cdn.publicUrl('a b/c.png'), 'https://cdn.test/a%20b/c.png');
  assert.equal(
    open('service', 'https://cdn.test/x').cdn.publicUrl('a/c.png'),
    'https://cdn.test/x/public/a/c.png',
  );
  assert.equal(openCdn({ url: 'https://cdn.test', origin: 'service', keyPair: null }).signer, null);
});
