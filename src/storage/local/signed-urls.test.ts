import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import type { SignReadOptions, SignWriteOptions } from '../backend.ts';
import { createSignedUrls } from './signed-urls.ts';

const NOW_MS = 1_700_000_100_000;
const SECRET = 'a secret of thirty-two bytes, new';
const OLD_SECRET = 'a secret of thirty-two bytes, old';
const KEY = parseObjectKey('images/ü b.png');
const GRANT = { assetId: 'asset', userId: 'user', tenantId: 'tenant' };
const READ: SignReadOptions = {
  nowMs: NOW_MS,
  lifetimeSeconds: 3600,
  contentDisposition: 'inline; filename="a&b=c.png"',
  contentType: 'image/png',
  grant: GRANT,
};
const WRITE: SignWriteOptions = {
  nowMs: NOW_MS,
  lifetimeSeconds: 3600,
  contentType: 'image/png',
  cacheControl: 'no-cache',
  metadata: { uploaded_by: 'u' },
  sizeBytes: 5,
  sha256: Buffer.alloc(32, 7),
};
const urls = createSignedUrls({ publicUrl: 'https://files.example.org', signingSecrets: [SECRET] });

/** Path and query, as a server sees them. */
function target(url: string): string {
  return url.slice('https://files.example.org'.length);
}

function throwsCode(code: string, run: () => unknown): void {
  assert.throws(run, (error) => isStowageError(error) && error.code === code);
}

test('a read URL tells what was signed', () => {
  const { url, expiresAtMs } = urls.signRead(KEY, READ);
  assert.equal(expiresAtMs, 1_700_000_100_000 - (1_700_000_100_000 % 300_000) + 3_600_000);
  assert.deepEqual(urls.verifyRead(target(url), NOW_MS), {
    key: KEY,
    expiresAtMs,
    contentDisposition: READ.contentDisposition,
    contentType: READ.contentType,
    grant: GRANT,
  });
  const ungranted = urls.signRead(KEY, { ...READ, grant: null });
  assert.equal(urls.verifyRead(target(ungranted.url), NOW_MS).grant, null);
});

test('a write URL tells what was signed', () => {
  const { url, expiresAtMs, headers } = urls.signWrite(KEY, WRITE);
  const { contentType, cacheControl, metadata, sizeBytes, sha256 } = WRITE;
  assert.deepEqual(headers, { 'Content-Type': 'image/png' });
  assert.deepEqual(urls.verifyWrite(target(url), NOW_MS), {
    key: KEY,
    expiresAtMs,
    contentType,
    cacheControl,
    metadata,
    sizeBytes,
    sha256,
  });
});

test('a URL works until it expires and not a moment longer', () => {
  const { url, expiresAtMs } = urls.signRead(KEY, READ);
  assert.equal(urls.verifyRead(target(url), expiresAtMs - 1).key, KEY);
  throwsCode('expired', () => urls.verifyRead(target(url), expiresAtMs));
});

test('a forged URL is forbidden, expired or not', () => {
  const { url, expiresAtMs } = urls.signRead(KEY, READ);
  const forged = target(url).replace('image%2Fpng', 'text%2Fhtml');
  throwsCode('forbidden', () => urls.verifyRead(forged, NOW_MS));
  throwsCode('forbidden', () => urls.verifyRead(forged, expiresAtMs));
});

test('a URL of one purpose is forged for every other', () => {
  const part = { key: KEY, uploadId: 'u', partNumber: 1 };
  const read = target(urls.signRead(KEY, { ...READ, grant: null }).url);
  const write = target(urls.signWrite(KEY, WRITE).url);
  const partial = target(urls.signPart(part, WRITE).url);
  for (const other of [write, partial]) throwsCode('forbidden', () => urls.verifyRead(other, NOW_MS));
  for (const other of [read, partial]) throwsCode('forbidden', () => urls.verifyWrite(other, NOW_MS));
  for (const other of [read, write]) throwsCode('forbidden', () => urls.verifyPart(other, NOW_MS));
  // Not only the names of the parameters differ: the same ones under another purpose's signature are forged too.
  const signature = /signature=.*/.exec(read)?.[0] ?? '';
  throwsCode('forbidden', () => urls.verifyWrite(write.replace(/signature=.*/, signature), NOW_MS));
});

test('every parameter is signed: altered, dropped, emptied, doubled or added, the URL is forged', () => {
  const cases = [
    [target(urls.signRead(KEY, READ).url), urls.verifyRead],
    [target(urls.signWrite(KEY, WRITE).url), urls.verifyWrite],
    [target(urls.signPart({ key: KEY, uploadId: 'u', partNumber: 1 }, WRITE).url), urls.verifyPart],
  ] as const;
  for (const [whole, verify] of cases) {
    const [path = '', query = ''] = whole.split('?');
    const pairs = query.split('&');
    for (const [index, pair] of pairs.entries()) {
      const name = pair.slice(0, pair.indexOf('=') + 1);
      const variants = [
        [`${pair}x`],
        [],
        [name],
        [pair, pair],
        [pair, 'extra=1'],
        [pair, `${name}1`],
        [pair, ''],
      ];
      for (const variant of variants) {
        const changed = `${path}?${[...pairs.slice(0, index), ...variant, ...pairs.slice(index + 1)].join('&')}`;
        throwsCode('forbidden', () => verify(changed, NOW_MS));
      }
    }
    assert.equal(verify(whole, NOW_MS).key, KEY);
  }
});

test('text cannot be shifted from one parameter to the next', () => {
  const one = urls.signRead(KEY, { ...READ, grant: { assetId: 'a', userId: 'bc', tenantId: 'd' } }).url;
  const other = target(one).replace('asset=a&user=bc', 'asset=ab&user=c');
  throwsCode('forbidden', () => urls.verifyRead(other, NOW_MS));
});

test('a signature is believed in one spelling only', () => {
  const whole = target(urls.signRead(KEY, READ).url);
  const last = whole.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const character of alphabet) {
    // The last character has two spare bits: four spellings decode to the same bytes.
    if (character !== last)
      throwsCode('forbidden', () => urls.verifyRead(whole.slice(0, -1) + character, NOW_MS));
  }
  throwsCode('forbidden', () => urls.verifyRead(`${whole}=`, NOW_MS));
});

test('another path is forged, and an encoded slash is no slash', () => {
  const whole = target(urls.signRead(KEY, READ).url);
  const paths = [
    '/files/images/other',
    '/files/images%2F%C3%BC%20b.png',
    '/files/',
    '/elsewhere/images',
    '/files/%zz',
  ];
  for (const path of paths) {
    throwsCode('forbidden', () => urls.verifyRead(whole.replace(/^[^?]*/, path), NOW_MS));
  }
  throwsCode('forbidden', () => urls.verifyRead('/files/images/x', NOW_MS));
  throwsCode('forbidden', () => urls.verifyRead('', NOW_MS));
  throwsCode('forbidden', () => urls.verifyRead(`${whole}&x=${'y'.repeat(40_000)}`, NOW_MS));
});

test('the newest secret signs, all of them verify, a retired one no longer', () => {
  const make = (signingSecrets: string[]) =>
    createSignedUrls({ publicUrl: 'https://files.example.org', signingSecrets });
  const old = target(make([OLD_SECRET]).signRead(KEY, READ).url);
  const rotating = make([SECRET, OLD_SECRET]);
  assert.equal(rotating.verifyRead(old, NOW_MS).key, KEY);
  assert.equal(rotating.signRead(KEY, READ).url, urls.signRead(KEY, READ).url);
  throwsCode('forbidden', () => urls.verifyRead(old, NOW_MS));
  assert.throws(() => make([]), RangeError);
});

test('a public URL with a path works, whether a proxy takes the path off or not', () => {
  const below = createSignedUrls({ publicUrl: 'https://example.org/media/', signingSecrets: [SECRET] });
  const { url } = below.signRead(KEY, READ);
  assert.ok(url.startsWith('https://example.org/media/files/images/'));
  const path = url.slice('https://example.org'.length);
  assert.equal(below.verifyRead(path, NOW_MS).key, KEY);
  assert.equal(below.verifyRead(path.slice('/media'.length), NOW_MS).key, KEY);
});
