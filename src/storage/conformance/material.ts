import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type ByteStream, collectBytes, MIB } from '../../core/bytes.ts';
import { type ErrorCode, isStowageError } from '../../core/errors.ts';
import type { CopyOptions, PutOptions, SignedWrite, SignReadOptions, SignWriteOptions } from '../backend.ts';
import type { Bucket } from '../bucket.ts';

/** Options of most writes in the laws. */
export const REPLACE = {
  mode: 'replace',
  contentType: 'text/plain',
  cacheControl: '',
  metadata: {},
} as const satisfies PutOptions & CopyOptions;

export const CREATE = { ...REPLACE, mode: 'create' } as const;

/** Longest object that a law reads back, in bytes. */
const READ_BYTES_MAX = 64 * MIB;

/** A body of the given texts, one chunk each. */
export async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** A body of bytes that already exist, in chunks of at most `chunkBytes`. */
export async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** A body that fails after its first chunk. */
export async function* breaksAfter(first: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield first;
  throw error;
}

/** How long a body that hangs would hang if nobody cut it, in milliseconds. */
const HANG_MS = 3000;

/** Asserts that a call is aborted while its body gives nothing more after a first chunk, as a client that hangs. */
export async function abortWhileSilent(
  first: Uint8Array,
  call: (body: ByteStream, signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const cut = new AbortController();
  const cleanUp = new AbortController();
  async function* hangs(): AsyncGenerator<Uint8Array> {
    yield first;
    cut.abort();
    await wait(HANG_MS, undefined, { signal: cleanUp.signal }).catch(() => {});
  }
  try {
    await refuses('aborted', call(hangs(), cut.signal));
  } finally {
    cleanUp.abort();
  }
}

/** Bytes without a pattern, the same for the same seed: a wrong order or offset shows. */
export function noise(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed | 1;
  for (let at = 0; at < sizeBytes; at += 1) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** All bytes of an object. */
export async function readBytes(bucket: Bucket, key: string): Promise<Buffer> {
  const { body } = await bucket.get(key, {});
  return collectBytes(body, READ_BYTES_MAX);
}

/** All bytes of an object; null when there is none. */
export async function readIfThere(bucket: Bucket, key: string): Promise<Buffer | null> {
  try {
    return await readBytes(bucket, key);
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return null;
    throw error;
  }
}

export async function readText(bucket: Bucket, key: string): Promise<string> {
  return (await readBytes(bucket, key)).toString('utf8');
}

/** The keys of all pages below a prefix, in the order they came. */
export async function listKeys(bucket: Bucket, prefix: string, limit = 1000): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < 10_000; page += 1) {
    const { entries, cursor: next }: Awaited<ReturnType<Bucket['list']>> = await bucket.list({
      prefix,
      cursor,
      limit,
    });
    assert.ok(entries.length <= limit, 'a page is not longer than its limit');
    keys.push(...entries.map((entry) => entry.key));
    if (next === null) return keys;
    cursor = next;
  }
  throw new assert.AssertionError({ message: 'a listing ends' });
}

/** Asserts that a call fails with this code. */
export async function refuses(code: ErrorCode, call: Promise<unknown> | (() => unknown)): Promise<void> {
  const run = typeof call === 'function' ? (async () => call())() : call;
  const outcome = await run.then(
    () => 'success',
    (error: unknown) => (isStowageError(error) ? error.code : error),
  );
  assert.equal(outcome, code);
}

/** Asserts that there is no object: not by name, not in a listing. */
export async function assertAbsent(bucket: Bucket, key: string, base: string): Promise<void> {
  await refuses('object_not_found', bucket.head(key, {}));
  await refuses('object_not_found', bucket.get(key, {}));
  assert.ok(!(await listKeys(bucket, base)).includes(key), 'what is not there is not listed');
}

const HOUR_SECONDS = 3600;

export function readOptions(overrides: Partial<SignReadOptions> = {}): SignReadOptions {
  return {
    nowMs: Date.now(),
    lifetimeSeconds: HOUR_SECONDS,
    contentDisposition: 'inline',
    contentType: 'text/plain',
    grant: null,
    ...overrides,
  };
}

export function writeOptions(sizeBytes: number, overrides: Partial<SignWriteOptions> = {}): SignWriteOptions {
  return {
    nowMs: Date.now(),
    lifetimeSeconds: HOUR_SECONDS,
    contentType: 'text/plain',
    cacheControl: 'no-cache',
    metadata: { uploaded_by: 'law' },
    sizeBytes,
    sha256: null,
    ...overrides,
  };
}

/** What a client without any credential gets. */
export interface PlainAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** Asks as a browser or curl would: a URL and nothing else. A cut connection counts as a refusal, status 0. */
export async function ask(url: string, init: RequestInit = {}): Promise<PlainAnswer> {
  try {
    const response = await fetch(url, { redirect: 'manual', ...init });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { ok: response.ok, status: response.status, headers: response.headers, bytes };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { ok: false, status: 0, headers: new Headers(), bytes: Buffer.alloc(0) };
  }
}

/** Follows the instructions of a signed write, with other headers where given. */
export async function follow(
  signed: SignedWrite,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<PlainAnswer> {
  if (signed.method === 'PUT') {
    return ask(signed.url, {
      method: 'PUT',
      headers: { ...signed.headers, ...headers },
      body: Buffer.from(bytes),
    });
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(signed.fields)) form.append(name, value);
  form.append('file', new Blob([Buffer.from(bytes)]));
  return ask(signed.url, { method: 'POST', headers: { ...signed.headers }, body: form });
}

/** Consumes a body to its end. */
export async function drain(body: ByteStream): Promise<void> {
  for await (const _chunk of body);
}

/** How far the time that `put` tells may be from the one that `head` and `list` tell: HTTP dates have whole seconds. */
export const MODIFIED_TOLERANCE_MS = 2_000;

/** Asserts that two answers tell of the same version of an object. */
export function assertSameInfo<Info extends { readonly modifiedAtMs: number }>(
  actual: Info,
  expected: Info,
): void {
  assert.deepEqual({ ...actual, modifiedAtMs: 0 }, { ...expected, modifiedAtMs: 0 });
  const apartMs = Math.abs(actual.modifiedAtMs - expected.modifiedAtMs);
  assert.ok(apartMs <= MODIFIED_TOLERANCE_MS, `the times are ${apartMs} ms apart`);
}

/**
 * Aborts a call on its way, which must then be aborted, unless it was done already.
 *
 * @returns its result, or null when it was aborted.
 */
export async function abortOnItsWay<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  const cut = new AbortController();
  const calling = call(cut.signal);
  cut.abort();
  return calling.catch((error: unknown) => {
    assert.ok(isStowageError(error, 'aborted'), String(error));
    return null;
  });
}
