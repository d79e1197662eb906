import assert from 'node:assert/strict';
import { KIB } from '../../core/bytes.ts';
import type { SignedWrite } from '../backend.ts';
import type { Law, Laws } from './law.ts';
import {
  ask,
  assertAbsent,
  CREATE,
  chunks,
  follow,
  noise,
  REPLACE,
  readBytes,
  readOptions,
  readText,
  refuses,
  sha256,
  writeOptions,
} from './material.ts';
import { withParts } from './multipart-laws.ts';
import { altered } from './signed-read-laws.ts';

const DAY_MS = 24 * 3600 * 1000;

export const SIGNED_WRITE_LAWS: Laws = {
  'whoever has a write URL stores the object': withSignedWrite(async ({ bucket, base }) => {
    const bytes = noise(700 * KIB, 14);
    const asked = writeOptions(bytes.byteLength, { contentType: 'image/png' });
    const signed = await bucket.signWrite(`${base}a`, asked);
    assert.equal((await follow(signed, bytes)).ok, true);
    assert.equal(sha256(await readBytes(bucket, `${base}a`)), sha256(bytes));
    const { contentType, cacheControl, metadata } = await bucket.head(`${base}a`, {});
    const { contentType: type, cacheControl: cache, metadata: facts } = asked;
    assert.deepEqual(
      { contentType, cacheControl, metadata },
      { contentType: type, cacheControl: cache, metadata: facts },
    );
  }),

  'a write URL with a digest takes the right bytes': withSignedWrite(async ({ bucket, base }) => {
    const bytes = noise(1000, 15);
    const digest = Buffer.from(sha256(bytes), 'hex');
    const signed = await bucket.signWrite(`${base}a`, writeOptions(1000, { sha256: digest }));
    assert.equal((await follow(signed, bytes)).ok, true);
    assert.equal(sha256(await readBytes(bucket, `${base}a`)), sha256(bytes));
  }),

  'other bytes than those of a signed digest are refused where the store enforces it': withSignedWrite(
    async ({ bucket, base, backend }) => {
      const digest = Buffer.from(sha256(Buffer.from('hello')), 'hex');
      const signed = await bucket.signWrite(`${base}a`, writeOptions(5, { sha256: digest }));
      const enforcedBy = carries(signed, digest) ? 'store' : 'completion';
      assert.equal(enforcedBy, backend.capabilities.signedWriteDigestEnforcedBy);
      if (enforcedBy === 'completion') return;
      assert.equal((await follow(signed, Buffer.from('hullo'))).ok, false);
      await assertAbsent(bucket, `${base}a`, base);
      assert.equal((await follow(signed, Buffer.from('hello'))).ok, true);
    },
  ),

  'another size than signed is refused where the store enforces it': withSignedWrite(
    async ({ bucket, base, backend }) => {
      const signed = await bucket.signWrite(`${base}a`, writeOptions(5));
      assert.equal(signed.sizeEnforcedBy, backend.capabilities.signedWriteSizeEnforcedBy);
      if (signed.sizeEnforcedBy === 'completion') return;
      for (const wrong of ['', 'four', 'longer than five']) {
        assert.equal((await follow(signed, Buffer.from(wrong))).ok, false, `${wrong.length} bytes`);
        await assertAbsent(bucket, `${base}a`, base);
      }
    },
  ),

  'another type than signed is refused where the store enforces it': withSignedWrite(
    async ({ bucket, base }) => {
      const signed = await bucket.signWrite(`${base}a`, writeOptions(5));
      if (signed.sizeEnforcedBy === 'completion' || signed.method !== 'PUT') return;
      const answer = await follow(signed, Buffer.from('hello'), { 'Content-Type': 'text/html' });
      assert.equal(answer.ok, false);
      await assertAbsent(bucket, `${base}a`, base);
    },
  ),

  'an expired write URL is refused': withSignedWrite(async ({ bucket, base }) => {
    const signed = await bucket.signWrite(`${base}a`, writeOptions(5, { nowMs: Date.now() - DAY_MS }));
    assert.equal((await follow(signed, Buffer.from('hello'))).ok, false);
    await assertAbsent(bucket, `${base}a`, base);
  }),

  'a write URL altered in any parameter is refused': withSignedWrite(async ({ bucket, base }) => {
    const signed = await bucket.signWrite(`${base}a`, writeOptions(5));
    for (const name of new URL(signed.url).searchParams.keys()) {
      const forged = { ...signed, url: altered(signed.url, name) };
      assert.equal((await follow(forged, Buffer.from('hello'))).ok, false, `altered ${name}`);
      await assertAbsent(bucket, `${base}a`, base);
    }
  }),

  'a write URL of one key does not write another': withSignedWrite(async ({ bucket, base }) => {
    const mine = await bucket.signWrite(`${base}a`, writeOptions(5));
    const yours = await bucket.signWrite(`${base}b`, writeOptions(5));
    if (mine.method !== 'PUT') return;
    const url = new URL(yours.url);
    url.search = new URL(mine.url).search;
    assert.equal((await follow({ ...mine, url: url.href }, Buffer.from('hello'))).ok, false);
    await assertAbsent(bucket, `${base}b`, base);
  }),

  'a write URL can do nothing but write': withSignedWrite(async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('secret'), CREATE);
    const signed = await bucket.signWrite(`${base}a`, writeOptions(5));
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const answer = await ask(signed.url, { method, headers: { ...signed.headers } });
      assert.equal(answer.ok, false, method);
      assert.notEqual(answer.bytes.toString(), 'secret');
    }
    assert.equal(await readText(bucket, `${base}a`), 'secret');
  }),

  'whoever has a part URL stores the part and nothing else': withSignedParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const asked = { nowMs: Date.now(), lifetimeSeconds: 3600, sizeBytes: 5 };
    const signed = await upload.signPart(1, asked);
    assert.equal((await ask(signed.url)).ok, false);
    assert.equal((await follow(signed, Buffer.from('hello'))).ok, true);
    await assertAbsent(bucket, `${base}a`, base);
    const parts = await upload.listParts({});
    assert.deepEqual(
      parts.map(({ partNumber, sizeBytes }) => ({ partNumber, sizeBytes })),
      [{ partNumber: 1, sizeBytes: 5 }],
    );
    await upload.complete(parts, CREATE);
    assert.equal(await readText(bucket, `${base}a`), 'hello');
  }),

  'a part of another size than signed is refused where the store enforces it': withSignedParts(
    async ({ bucket, base }) => {
      const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
      const asked = { nowMs: Date.now(), lifetimeSeconds: 3600, sizeBytes: 5 };
      const signed = await upload.signPart(1, asked);
      if (signed.sizeEnforcedBy === 'store') {
        for (const wrong of ['four', 'longer than five'])
          assert.equal((await follow(signed, Buffer.from(wrong))).ok, false, `${wrong.length} bytes`);
        assert.deepEqual(await upload.listParts({}), []);
      }
      await upload.abort({});
    },
  ),

  'nothing is signed for whom has left already': withSignedParts(async ({ bucket, base, backend }) => {
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.signRead(`${base}a`, { ...readOptions(), signal }));
    if (backend.capabilities.signedWrite !== 'none')
      await refuses('aborted', bucket.signWrite(`${base}a`, { ...writeOptions(5), signal }));
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const asked = { nowMs: Date.now(), lifetimeSeconds: 3600, sizeBytes: 5 };
    await refuses('aborted', upload.signPart(1, { ...asked, signal }));
    await upload.abort({});
  }),

  'an expired or altered part URL is refused': withSignedParts(async ({ bucket, base }) => {
    const upload = await bucket.beginMultipart(`${base}a`, REPLACE);
    const asked = { nowMs: Date.now(), lifetimeSeconds: 3600, sizeBytes: 5 };
    const expired = await upload.signPart(1, { ...asked, nowMs: Date.now() - DAY_MS });
    assert.equal((await follow(expired, Buffer.from('hello'))).ok, false);
    const signed = await upload.signPart(1, asked);
    for (const name of new URL(signed.url).searchParams.keys()) {
      const forged = { ...signed, url: altered(signed.url, name) };
      const { ok } = await follow(forged, Buffer.from('hello'));
      // Where completion enforces, the signature may cover less than the whole URL; what is forged comes to nothing.
      if (signed.sizeEnforcedBy === 'store') assert.equal(ok, false, `altered ${name}`);
      await assertAbsent(bucket, `${base}a`, base);
    }
    assert.deepEqual(await upload.listParts({}), []);
    await upload.abort({});
  }),
};

/** Whether the URL, its headers or its fields tell a digest: a store that is told none can't compare it. */
function carries(signed: SignedWrite, digest: Buffer): boolean {
  const told = decodeURIComponent(signed.url) + JSON.stringify([signed.headers, signed.fields]);
  return (['hex', 'base64', 'base64url'] as const).some((form) => told.includes(digest.toString(form)));
}

/** A law about signed writes; a store that has none must say so. */
function withSignedWrite(law: Law): Law {
  return async (subject) => {
    if (subject.backend.capabilities.signedWrite !== 'none') return law(subject);
    await refuses('capability_missing', subject.bucket.signWrite(`${subject.base}a`, writeOptions(1)));
  };
}

/** A law about signed parts; a store that has none must say so. */
function withSignedParts(law: Law): Law {
  return withParts(async (subject) => {
    if (subject.backend.capabilities.signedParts) return law(subject);
    const upload = await subject.bucket.beginMultipart(`${subject.base}a`, REPLACE);
    const asked = { nowMs: Date.now(), lifetimeSeconds: 3600, sizeBytes: 1 };
    await refuses('capability_missing', upload.signPart(1, asked));
    await upload.abort({});
  });
}
