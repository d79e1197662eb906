import assert from 'node:assert/strict';
import { KIB, MIB } from '../../core/bytes.ts';
import { SIGNING_WINDOW_SECONDS } from '../../core/signing-window.ts';
import type { Laws } from './law.ts';
import {
  ask,
  CREATE,
  chunks,
  inChunks,
  noise,
  REPLACE,
  readOptions,
  readText,
  refuses,
  sha256,
} from './material.ts';

const DAY_MS = 24 * 3600 * 1000;

export const SIGNED_READ_LAWS: Laws = {
  'whoever has a read URL reads the object': async ({ bucket, base }) => {
    const bytes = noise(2 * MIB + 3, 13);
    await bucket.put(`${base}a`, inChunks(bytes, 100 * KIB), CREATE);
    const { url } = await bucket.signRead(`${base}a`, readOptions());
    const answer = await ask(url);
    assert.equal(answer.status, 200);
    assert.equal(sha256(answer.bytes), sha256(bytes));
  },

  'a read URL decides type and disposition of the answer': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), { ...CREATE, contentType: 'text/html' });
    const contentDisposition = 'attachment; filename="a b.txt"; filename*=UTF-8\'\'%C3%BC%20%22.txt';
    const asked = readOptions({ contentDisposition, contentType: 'text/plain' });
    const { headers } = await ask((await bucket.signRead(`${base}a`, asked)).url);
    assert.equal(headers.get('content-disposition'), contentDisposition);
    assert.equal(headers.get('content-type'), 'text/plain');
  },

  'a read URL answers a range': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('0123456789'), CREATE);
    const { url } = await bucket.signRead(`${base}a`, readOptions());
    const middle = await ask(url, { headers: { Range: 'bytes=2-4' } });
    assert.equal(middle.status, 206);
    assert.equal(middle.bytes.toString(), '234');
    assert.equal(middle.headers.get('content-range'), 'bytes 2-4/10');
    assert.equal((await ask(url, { headers: { Range: 'bytes=7-' } })).bytes.toString(), '789');
    assert.equal((await ask(url, { headers: { Range: 'bytes=10-12' } })).status, 416);
  },

  'nothing is public': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('secret'), CREATE);
    const { url } = await bucket.signRead(`${base}a`, readOptions());
    assert.equal((await ask(withoutQuery(url))).ok, false);
    assert.equal((await ask(withoutQuery(url), { method: 'HEAD' })).ok, false);
  },

  'an expired read URL is refused': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('secret'), CREATE);
    const { url, expiresAtMs } = await bucket.signRead(
      `${base}a`,
      readOptions({ nowMs: Date.now() - DAY_MS }),
    );
    assert.ok(expiresAtMs < Date.now());
    const answer = await ask(url);
    assert.equal(answer.ok, false);
    assert.notEqual(answer.bytes.toString(), 'secret');
  },

  'a read URL altered in any parameter is refused': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('secret'), CREATE);
    const grant = { assetId: 'asset-1', userId: 'user-1', tenantId: 'tenant-1' };
    const { url } = await bucket.signRead(`${base}a`, readOptions({ grant }));
    const names = [...new URL(url).searchParams.keys()];
    assert.ok(names.length > 0);
    for (const name of names) {
      assert.equal((await ask(altered(url, name))).ok, false, `altered ${name}`);
      assert.equal((await ask(without(url, name))).ok, false, `without ${name}`);
    }
    assert.equal((await ask(url)).ok, true);
  },

  'a read URL of one key does not read another': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('mine'), CREATE);
    await bucket.put(`${base}b`, chunks('yours'), CREATE);
    const mine = new URL((await bucket.signRead(`${base}a`, readOptions())).url);
    const yours = new URL((await bucket.signRead(`${base}b`, readOptions())).url);
    yours.search = mine.search;
    assert.equal((await ask(yours.href)).ok, false);
  },

  'a read URL can do nothing but read': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('original'), CREATE);
    const { url } = await bucket.signRead(`${base}a`, readOptions());
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
      const body = method === 'DELETE' ? {} : { body: 'overwritten' };
      const answer = await ask(url, { method, headers: { 'Content-Type': 'text/plain' }, ...body });
      assert.equal(answer.ok, false, method);
      assert.equal(await readText(bucket, `${base}a`), 'original');
    }
  },

  'a read URL of what is missing answers 404': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), CREATE);
    const { url } = await bucket.signRead(`${base}a`, readOptions());
    await bucket.delete(`${base}a`, {});
    assert.equal((await ask(url)).status, 404);
  },

  'the same question within a window has the same answer': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), REPLACE);
    const windowMs = SIGNING_WINDOW_SECONDS * 1000;
    const startMs = Math.floor(Date.now() / windowMs) * windowMs;
    const at = async (offsetMs: number) =>
      bucket.signRead(`${base}a`, readOptions({ nowMs: startMs + offsetMs }));
    const first = await at(0);
    assert.deepEqual(await at(1), first);
    assert.deepEqual(await at(windowMs - 1), first);
    assert.notEqual((await at(windowMs)).url, first.url);
    assert.equal(first.expiresAtMs, startMs + 3600 * 1000);
  },

  'a lifetime outside what the store can sign is refused': async ({ bucket, base, backend }) => {
    for (const lifetimeSeconds of [0, 59, 60.5, backend.capabilities.signedUrlSecondsMax + 1]) {
      await refuses('invalid_parameter', bucket.signRead(`${base}a`, readOptions({ lifetimeSeconds })));
    }
  },
};

export function withoutQuery(url: string): string {
  return url.slice(0, url.indexOf('?'));
}

/** The URL with one character of one parameter's value changed. */
export function altered(url: string, name: string): string {
  const changed = new URL(url);
  const value = changed.searchParams.get(name) ?? '';
  // The first character: the last one of a base64 text may hold bits that a decoder ignores.
  changed.searchParams.set(name, (value.startsWith('1') ? '2' : '1') + value.slice(1));
  return changed.href;
}

/** The URL without one of its parameters. */
export function without(url: string, name: string): string {
  const changed = new URL(url);
  changed.searchParams.delete(name);
  return changed.href;
}
