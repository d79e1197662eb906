import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Azurite, connectionString, startAzurite } from '../../../test/servers/azurite.ts';
import { type FaultyProxy, startFaultyProxy } from '../../../test/servers/chaos/proxy.ts';
import { collectBytes, MIB } from '../../core/bytes.ts';
import { systemClock } from '../../core/clock.ts';
import { isStowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { Bucket } from '../bucket.ts';
import {
  CREATE,
  chunks,
  inChunks,
  noise,
  REPLACE,
  readOptions,
  readText,
  refuses,
} from '../conformance/material.ts';
import { openAzureBackend } from './backend.ts';
import { openAzureClient } from './client.ts';
import { copyObject } from './copy-object.ts';
import type { AzureOptions } from './options.ts';

let azurite: Azurite;
let proxy: FaultyProxy;
before(async () => {
  azurite = await startAzurite();
  proxy = await startFaultyProxy(Number(new URL(azurite.accountUrl).port));
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await azurite[Symbol.asyncDispose]();
});
beforeEach(() => {
  proxy.fault = () => null;
  proxy.leftEarly = 0;
});

function optionsFor(changes: Partial<AzureOptions> = {}): AzureOptions {
  return {
    container: `faults-${randomUUID()}`,
    connectionString: azurite.connectionString,
    accountUrl: null,
    clock: systemClock,
    log: silentLog,
    ...changes,
  };
}

function throughProxy(): string {
  const { port } = new URL(azurite.accountUrl);
  return azurite.connectionString.replace(`:${port}/`, `:${proxy.port}/`);
}

/** A store in a container of its own. */
async function open(options: AzureOptions) {
  const backend = await openAzureBackend(options);
  await backend.ensureContainer({});
  return { backend, bucket: new Bucket(backend), [Symbol.asyncDispose]: () => backend.close() };
}

/** Awaits a failure and asserts that its message says nothing of whom we store with. */
async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => assert.fail('The call succeeded.'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isStowageError(error));
  assert.doesNotMatch(error.message, /azure|blob|container|microsoft|windows|sas\b|https?:|127\.0|devstore/i);
  return error;
}

describe('an account on Azure', () => {
  test('with a wrong key is denied, and says nothing of the provider', async () => {
    const key = randomBytes(64).toString('base64');
    const options = optionsFor({ connectionString: connectionString(azurite.accountUrl, key) });
    const backend = await openAzureBackend(options);
    const bucket = new Bucket(backend);
    for (const call of [
      () => bucket.put('a', chunks('x'), CREATE),
      () => bucket.get('a', {}),
      () => bucket.head('a', {}),
      () => bucket.list({ prefix: '', cursor: null, limit: 1 }),
      () => bucket.check({}),
      () => backend.ensureContainer({}),
    ]) {
      const { code } = await failureOf(call());
      assert.equal(code, 'storage_denied');
    }
    await backend.close();
  });

  test('without a key to sign with is refused when it is opened', async () => {
    const shared = `BlobEndpoint=${azurite.accountUrl};SharedAccessSignature=sv=2026-02-06&sig=x`;
    await refuses('storage_denied', openAzureBackend(optionsFor({ connectionString: shared })));
    await refuses('storage_denied', openAzureBackend(optionsFor({ connectionString: null })));
    await refuses('storage_denied', openAzureBackend(optionsFor({ connectionString: 'no such thing' })));
  });
});

describe('a server that has stopped', () => {
  test('is unavailable within three seconds, with a time to retry', async () => {
    const mortal = await startAzurite();
    await using opened = await open(optionsFor({ connectionString: mortal.connectionString }));
    await opened.bucket.put('a', chunks('x'), CREATE);
    await mortal[Symbol.asyncDispose]();
    for (const call of [
      () => opened.bucket.put('b', chunks('x'), CREATE),
      () => opened.bucket.get('a', {}),
      () => opened.bucket.check({}),
      () => opened.bucket.copy('a', 'b', CREATE),
    ]) {
      const startMs = performance.now();
      const error = await failureOf(call());
      assert.equal(error.code, 'storage_unavailable');
      assert.ok((error.fields.retry_after_seconds ?? 0) > 0);
      assert.ok(performance.now() - startMs < 3000);
    }
    const failures = await opened.bucket.deleteMany(['a', 'b'], {});
    assert.deepEqual(
      failures.map(({ key, error }) => [key, isStowageError(error, 'storage_unavailable')]),
      [
        ['a', true],
        ['b', true],
      ],
    );
  });
});

describe('a container', () => {
  test('that is missing is denied, then made, private, once', async () => {
    const options = optionsFor();
    const backend = await openAzureBackend(options);
    const bucket = new Bucket(backend);
    assert.equal((await failureOf(bucket.check({}))).code, 'storage_denied');
    assert.equal((await failureOf(bucket.head('a', {}))).code, 'storage_denied');
    assert.equal(await backend.ensureContainer({}), 'created');
    assert.equal(await backend.ensureContainer({}), 'present');
    await bucket.check({});
    await bucket.put('a', chunks('secret'), CREATE);
    for (const path of ['/a', '?restype=container&comp=list']) {
      const answer = await fetch(`${azurite.accountUrl}/${options.container}${path}`);
      assert.equal(answer.ok, false);
      assert.doesNotMatch(await answer.text(), /secret/);
    }
    await backend.close();
  });

  test('that lets strangers read is refused', async () => {
    const options = optionsFor();
    await BlobServiceClient.fromConnectionString(azurite.connectionString)
      .getContainerClient(options.container)
      .create({ access: 'blob' });
    const backend = await openAzureBackend(options);
    assert.equal((await failureOf(backend.check({}))).code, 'storage_denied');
    assert.equal((await failureOf(backend.ensureContainer({}))).code, 'storage_denied');
    await backend.close();
  });
});

describe('an upload on Azure', () => {
  test('of 20 MiB that is aborted leaves nothing, not even staged blocks', async () => {
    const options = optionsFor();
    await using opened = await open(options);
    const cut = new AbortController();
    async function* body() {
      yield* inChunks(noise(18 * MIB, 1), MIB);
      cut.abort();
      await once(new EventTarget(), 'never', { signal: AbortSignal.timeout(20_000) }).catch(() => {});
    }
    const startMs = performance.now();
    await refuses('aborted', opened.bucket.put('a', body(), { ...CREATE, signal: cut.signal }));
    assert.ok(performance.now() - startMs < 10_000);
    const left = BlobServiceClient.fromConnectionString(azurite.connectionString)
      .getContainerClient(options.container)
      .listBlobsFlat({ includeUncommitedBlobs: true });
    for await (const { name } of left) assert.fail(`${name} is left`);
  });

  test('that fails leaves the object that was there, and one that stands beside it loses nothing', async () => {
    await using opened = await open(optionsFor());
    const { bucket } = opened;
    const one = await bucket.beginMultipart('a', REPLACE);
    const two = await bucket.beginMultipart('a', REPLACE);
    const part = await one.putPart(1, chunks('one'), { sizeBytes: 3 });
    await two.putPart(1, chunks('two'), { sizeBytes: 3 });
    assert.deepEqual(await one.listParts({}), [part]);
    await two.abort({});
    await one.complete([part], CREATE);
    assert.equal(await readText(bucket, 'a'), 'one');
    const three = await bucket.beginMultipart('a', REPLACE);
    await three.putPart(1, chunks('three'), { sizeBytes: 5 });
    await three.abort({});
    assert.equal(await readText(bucket, 'a'), 'one');
  });

  test('whose part has another size than its receipt is a conflict', async () => {
    await using opened = await open(optionsFor());
    const upload = await opened.bucket.beginMultipart('a', REPLACE);
    const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
    await refuses('conflict', upload.complete([{ ...part, sizeBytes: 4 }], CREATE));
  });

  test('whose answer was lost is repeated, and its own object is no rival', async () => {
    await using opened = await open(optionsFor({ connectionString: throughProxy() }));
    let lost = 0;
    proxy.fault = ({ method }) => (method === 'PUT' && lost++ === 0 ? { loseAnswer: true } : null);
    await opened.bucket.put('a', chunks('hello'), { ...CREATE, metadata: { which: 'mine' } });
    assert.equal(await readText(opened.bucket, 'a'), 'hello');
    lost = 0;
    await refuses('object_exists', opened.bucket.put('a', chunks('other'), CREATE));
  });
});

describe('faults on the way to Azure', () => {
  test('that pass are repeated at most three times, refusals never', async () => {
    await using opened = await open(optionsFor({ connectionString: throughProxy() }));
    await opened.bucket.put('a', chunks('hello'), CREATE);
    let left = 2;
    const busy = { status: 503, headers: { 'x-ms-error-code': 'ServerBusy' } };
    proxy.fault = () => (left-- > 0 ? busy : null);
    assert.equal((await opened.bucket.head('a', {})).sizeBytes, 5);
    for (const [fault, code, tries] of [
      [busy, 'storage_unavailable', 4],
      [{ status: 500 }, 'storage_unavailable', 4],
      [{ status: 403, headers: { 'x-ms-error-code': 'AuthenticationFailed' } }, 'storage_denied', 1],
      [{ status: 409, headers: { 'x-ms-error-code': 'BlobArchived' } }, 'storage_denied', 1],
    ] as const) {
      const before = proxy.seen.length;
      proxy.fault = () => fault;
      assert.equal((await failureOf(opened.bucket.head('a', {}))).code, code);
      assert.equal(proxy.seen.length - before, tries);
    }
  });

  test('in the middle of a body are a fault, never a short file', async () => {
    await using opened = await open(optionsFor({ connectionString: throughProxy() }));
    await opened.bucket.put('a', inChunks(noise(3 * MIB, 2), MIB), CREATE);
    proxy.fault = ({ method }) => (method === 'GET' ? { cutAfterBytes: MIB } : null);
    const { body } = await opened.bucket.get('a', {});
    assert.equal((await failureOf(collectBytes(body, 4 * MIB))).code, 'storage_unavailable');
  });

  test('leave a reader that stops: its connection is closed, begun or not', async () => {
    await using opened = await open(optionsFor({ connectionString: throughProxy() }));
    await opened.bucket.put('a', inChunks(noise(30 * MIB, 3), MIB), CREATE);
    const unread = await opened.bucket.get('a', {});
    await unread.body[Symbol.asyncIterator]().return?.();
    const cut = new AbortController();
    const aborted = await opened.bucket.get('a', { signal: cut.signal });
    cut.abort();
    assert.equal((await failureOf(collectBytes(aborted.body, 64 * MIB))).code, 'aborted');
    const later = new AbortController();
    const waiting = await opened.bucket.get('a', { signal: later.signal });
    const source = waiting.body[Symbol.asyncIterator]();
    await source.next();
    later.abort();
    const rest = collectBytes({ [Symbol.asyncIterator]: () => source }, 64 * MIB);
    assert.equal((await failureOf(rest)).code, 'aborted');
    while (proxy.leftEarly < 3) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('a copy on Azure', () => {
  test('in many blocks is the same bytes; a source that changes meanwhile is a conflict', async () => {
    const options = optionsFor({ connectionString: throughProxy() });
    await using opened = await open(options);
    const client = await openAzureClient(options);
    const bytes = noise(3 * MIB + 5, 4);
    await opened.bucket.put('a', inChunks(bytes, MIB), CREATE);
    const copy = {
      source: parseObjectKey('a'),
      target: parseObjectKey('b'),
      options: CREATE,
      now: systemClock.now,
      blockBytes: MIB,
    };
    assert.equal((await copyObject(client, copy)).sizeBytes, bytes.byteLength);
    assert.ok((await collectBytes((await opened.bucket.get('b', {})).body, 4 * MIB)).equals(bytes));
    let replaced: Promise<unknown> | null = null;
    proxy.fault = async ({ headers }) => {
      if (headers['x-ms-copy-source'] !== undefined && replaced === null) {
        replaced = opened.bucket.put('a', inChunks(noise(3 * MIB + 5, 5), MIB), REPLACE);
        await replaced;
      }
      return null;
    };
    await refuses('conflict', copyObject(client, { ...copy, target: parseObjectKey('c') }));
    await refuses('object_not_found', opened.bucket.head('c', {}));
    client.close();
  });
});

describe('what a stranger does with a write URL', () => {
  test('keeps no object from being deleted: leases are broken', async () => {
    await using opened = await open(optionsFor());
    const { bucket } = opened;
    for (const key of ['a', 'b']) {
      await bucket.put(key, chunks('x'), CREATE);
      const write = { ...readOptions(), cacheControl: '', metadata: {}, sizeBytes: 1, sha256: null };
      const { url } = await bucket.signWrite(key, write);
      const headers = { 'x-ms-lease-action': 'acquire', 'x-ms-lease-duration': '-1' };
      assert.equal((await fetch(`${url}&comp=lease`, { method: 'PUT', headers })).status, 201);
    }
    await bucket.delete('a', {});
    assert.deepEqual(await bucket.deleteMany(['b'], {}), []);
    for (const key of ['a', 'b']) await refuses('object_not_found', bucket.head(key, {}));
  });
});

describe('metadata on Azure', () => {
  test('keeps names that the store would not take', async () => {
    await using opened = await open(optionsFor());
    const metadata = { '1st': 'a', _n1st: 'b', _n_n2: 'c', _note: 'd' };
    await opened.bucket.put('a', chunks('x'), { ...CREATE, metadata });
    assert.deepEqual((await opened.bucket.head('a', {})).metadata, metadata);
  });
});
