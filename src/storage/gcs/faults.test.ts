import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Fault, type GcsServer, startGcsServer } from '../../../test/servers/gcs/server.ts';
import { makeTestAccount, type TestAccount } from '../../../test/servers/gcs/test-account.ts';
import { collectBytes, KIB, MIB } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import type { StorageBackend } from '../backend.ts';
import { Bucket } from '../bucket.ts';
import {
  assertAbsent,
  breaksAfter,
  CREATE,
  chunks,
  inChunks,
  listKeys,
  noise,
  REPLACE,
  readBytes,
  readText,
  refuses,
  sha256,
} from '../conformance/material.ts';
import { openGcsBackend } from './backend.ts';
import { CHUNK_BYTES } from './options.ts';

let account: TestAccount;
let server: GcsServer;
let backend: StorageBackend;
let bucket: Bucket;
/** Time of both the store and Stowage; moved by tests. */
let nowMs = Date.now();

before(async () => {
  account = await makeTestAccount();
  const accounts = new Map([[account.email, account.publicKey]]);
  server = await startGcsServer({ accounts, buckets: ['laws'], now: () => nowMs });
});

beforeEach(async () => {
  await backend?.close();
  server.faults.length = 0;
  server.requests.length = 0;
  for (const state of server.buckets.values()) {
    state.objects.clear();
    state.sessions.clear();
    state.multiparts.clear();
  }
  backend = openAs(account, 'laws');
  bucket = new Bucket(backend);
});

after(async () => {
  await backend.close();
  await server[Symbol.asyncDispose]();
  await account[Symbol.asyncDispose]();
});

function openAs(who: TestAccount, name: string): StorageBackend {
  const clock = { now: () => nowMs };
  const credentialsPath = who.keyFilePath;
  return openGcsBackend({ bucket: name, credentialsPath, endpoint: server.origin, clock, log: silentLog });
}

/** Lets something go wrong with the next requests that match. */
function inject(what: Fault['what'], on: Fault['on'], times = 1): void {
  server.faults.push({ what, on, times });
}

/** A request that carries bytes of a session. */
const isChunk = (request: IncomingMessage) => /^bytes \d/.test(request.headers['content-range'] ?? '');
const isLastChunk = (request: IncomingMessage) =>
  /^bytes .*\/\d+$/.test(request.headers['content-range'] ?? '');
const any = () => true;

const LARGE = noise(20 * MIB + 17, 21);

async function putLarge(options: Partial<typeof CREATE> = {}): Promise<void> {
  const info = await bucket.put('a', inChunks(LARGE, 100 * KIB), { ...CREATE, ...options });
  assert.equal(info.sizeBytes, LARGE.byteLength);
  assert.equal(sha256(await readBytes(bucket, 'a')), sha256(LARGE));
}

function leftovers(): { sessions: number; objects: string[] } {
  const state = server.buckets.get('laws');
  const sessions = [...(state?.sessions.values() ?? [])].filter((session) => session.finished === null);
  return { sessions: sessions.length, objects: [...(state?.objects.keys() ?? [])] };
}

describe('a large put', () => {
  test('goes on where a connection broke in the middle of a chunk', async () => {
    inject({ cutAfterBytes: 3 * MIB + 1234 }, isChunk);
    await putLarge();
    const resumed = server.requests.filter((line) => line.includes('upload_id'));
    // Three chunks, one of them in two pieces with a question between.
    assert.equal(resumed.length, 5);
  });

  test('goes on after a connection broke before any byte arrived', async () => {
    inject({ cutAfterBytes: 0 }, isChunk);
    await putLarge();
  });

  test('goes on after answers of 503 and 429', async () => {
    inject({ refuse: 503 }, isChunk);
    inject({ refuse: 429 }, isChunk);
    inject({ refuse: 500 }, (request) => request.headers['content-range']?.startsWith('bytes */') === true);
    await putLarge();
  });

  test('goes on when the answer to a chunk, or to the last one, was lost', async () => {
    inject({ mute: true }, isChunk);
    inject({ mute: true }, isLastChunk);
    await putLarge();
  });

  test('that ends with a chunk is finished without bytes', async () => {
    const bytes = noise(16 * MIB, 22);
    await bucket.put('a', inChunks(bytes, MIB), CREATE);
    assert.equal(sha256(await readBytes(bucket, 'a')), sha256(bytes));
  });

  test('gives up after three repetitions and leaves nothing', async () => {
    inject({ refuse: 503 }, isChunk, 99);
    await refuses('storage_unavailable', bucket.put('a', inChunks(LARGE, MIB), CREATE));
    assert.deepEqual(leftovers(), { sessions: 0, objects: [] });
  });

  test('whose session the store forgot fails as an outage does', async () => {
    inject({ refuse: 410 }, isChunk, 99);
    await refuses('storage_unavailable', bucket.put('a', inChunks(LARGE, MIB), CREATE));
  });

  test('that is aborted, or whose body breaks, leaves no session and no object', async () => {
    const broken = new Error('the body broke');
    const put = bucket.put('a', breaksAfter(LARGE, broken), CREATE);
    await assert.rejects(put, (error) => error === broken);
    const cut = new AbortController();
    async function* cutInTheMiddle(): AsyncGenerator<Uint8Array> {
      yield LARGE;
      cut.abort();
      yield LARGE;
    }
    await refuses('aborted', bucket.put('a', cutInTheMiddle(), { ...CREATE, signal: cut.signal }));
    assert.deepEqual(leftovers(), { sessions: 0, objects: [] });
  });

  test('holds two chunks at most, however long the body is', async () => {
    let takenBytes = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(noise(64 * MIB, 23), 256 * KIB)) {
        takenBytes += chunk.byteLength;
        yield chunk;
      }
    }
    let heldBytesMax = 0;
    const watch = (request: IncomingMessage): boolean => {
      const first = /^bytes (\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
      if (first !== undefined) heldBytesMax = Math.max(heldBytesMax, takenBytes - Number(first));
      return false;
    };
    inject({ refuse: 500 }, watch);
    await bucket.put('a', counted(), CREATE);
    assert.ok(heldBytesMax > 0 && heldBytesMax <= 2 * CHUNK_BYTES + 256 * KIB, `${heldBytesMax} bytes`);
  });

  test('on a taken key is refused', async () => {
    await bucket.put('a', chunks('old'), CREATE);
    await refuses('object_exists', bucket.put('a', inChunks(LARGE, MIB), CREATE));
    assert.equal(await readText(bucket, 'a'), 'old');
  });

  test('on a key that is taken while it goes on is refused', async () => {
    async function* overtaken(): AsyncGenerator<Uint8Array> {
      yield LARGE;
      await bucket.put('a', chunks('faster'), CREATE);
    }
    await refuses('object_exists', bucket.put('a', overtaken(), CREATE));
    assert.equal(await readText(bucket, 'a'), 'faster');
    assert.deepEqual(leftovers(), { sessions: 0, objects: ['a'] });
  });

  test('has the metadata that came with its last byte, on a new key and on an old one', async () => {
    for (const [options, which] of [
      [CREATE, 'new'],
      [REPLACE, 'old'],
    ] as const) {
      const info = await bucket.put('a', inChunks(LARGE, MIB), { ...options, metadata: () => ({ which }) });
      assert.deepEqual(info.metadata, { which });
      assert.deepEqual(await bucket.head('a', {}), info);
    }
    assert.deepEqual(leftovers(), { sessions: 0, objects: ['a'] });
  });

  test('whose late metadata fails, or can’t be stored, leaves nothing', async () => {
    const broken = new Error('no metadata');
    const metadata = () => {
      throw broken;
    };
    const put = bucket.put('a', inChunks(LARGE, MIB), { ...CREATE, metadata });
    await assert.rejects(put, (error) => error === broken);
    inject({ refuse: 503 }, (request) => request.method === 'PATCH', 99);
    const late = { ...CREATE, metadata: () => ({ which: 'late' }) };
    await refuses('storage_unavailable', bucket.put('a', inChunks(LARGE, MIB), late));
    assert.deepEqual(leftovers(), { sessions: 0, objects: [] });
  });
});

describe('a small write', () => {
  test('on a new key succeeds when its answer was lost', async () => {
    inject({ mute: true }, any);
    await bucket.put('a', chunks('mine'), CREATE);
    assert.equal(await readText(bucket, 'a'), 'mine');
    inject({ mute: true }, (request) => request.url?.includes('rewriteTo') === true);
    await bucket.copy('a', 'b', { ...CREATE, metadata: { which: 'copy' } });
    assert.equal(await readText(bucket, 'b'), 'mine');
  });

  test('on a new key fails when another won after a fault', async () => {
    await bucket.put('a', chunks('theirs'), CREATE);
    inject({ refuse: 503 }, any);
    await refuses('object_exists', bucket.put('a', chunks('mine'), CREATE));
    assert.equal(await readText(bucket, 'a'), 'theirs');
  });

  test('that is aborted while the store is silent ends at once', async () => {
    const cut = new AbortController();
    // The store gets the request and never answers it: the signal fires instead.
    inject({ mute: true }, () => {
      cut.abort();
      return true;
    });
    await refuses('aborted', bucket.put('a', chunks('x'), { ...CREATE, signal: cut.signal }));
  });

  test('fails after three repetitions', async () => {
    inject({ refuse: 503 }, any, 99);
    await refuses('storage_unavailable', bucket.put('a', chunks('x'), CREATE));
    assert.equal(server.requests.length, 4);
  });
});

describe('parts', () => {
  test('are joined once although the answer was lost', async () => {
    const upload = await bucket.beginMultipart('a', REPLACE);
    const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
    inject({ mute: true }, (request) => request.method === 'POST');
    await upload.complete([part], CREATE);
    assert.equal(await readText(bucket, 'a'), 'hello');
    assert.deepEqual(await listKeys(bucket, ''), ['a']);
  });

  test('that are joined wait for the next try when the last step fails', async () => {
    const upload = await bucket.beginMultipart('a', REPLACE);
    const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
    inject({ refuse: 503 }, (request) => request.url?.includes('rewriteTo') === true, 4);
    await refuses('storage_unavailable', upload.complete([part], CREATE));
    await assertAbsent(bucket, 'a', '');
    await bucket.resumeMultipart('a', upload.uploadId, REPLACE).complete([part], CREATE);
    assert.equal(await readText(bucket, 'a'), 'hello');
    assert.deepEqual(await listKeys(bucket, ''), ['a']);
  });

  test('that are joined and then aborted leave nothing', async () => {
    const upload = await bucket.beginMultipart('a', REPLACE);
    const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
    inject({ refuse: 503 }, (request) => request.url?.includes('rewriteTo') === true, 4);
    await refuses('storage_unavailable', upload.complete([part], CREATE));
    await upload.abort({});
    assert.deepEqual(leftovers(), { sessions: 0, objects: [] });
  });

  test('of two that are completed for one key exactly one wins', async () => {
    const uploads = await Promise.all([
      bucket.beginMultipart('a', REPLACE),
      bucket.beginMultipart('a', REPLACE),
    ]);
    const outcomes = await Promise.allSettled(
      uploads.map(async (upload) => {
        const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
        return upload.complete([part], CREATE);
      }),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await listKeys(bucket, ''), ['a']);
  });

  test('are listed over pages', async () => {
    const upload = await bucket.beginMultipart('a', REPLACE);
    const sent = [];
    for (const partNumber of [1, 2, 3, 4, 5])
      sent.push(await upload.putPart(partNumber, chunks('x'), { sizeBytes: 1 }));
    assert.deepEqual(await upload.listParts({}), sent);
  });

  test('of an id that is none are not found', () => {
    assert.throws(
      () => bucket.resumeMultipart('a', '../x', REPLACE),
      (error) => error instanceof StowageError && error.code === 'object_not_found',
    );
  });
});

describe('a read', () => {
  test('is repeated when the answer did not come, and then given up', async () => {
    await bucket.put('a', chunks('hello'), CREATE);
    inject({ refuse: 503 }, any, 2);
    assert.equal(await readText(bucket, 'a'), 'hello');
    inject({ refuse: 503 }, any, 4);
    await refuses('storage_unavailable', bucket.get('a', {}));
  });

  test('that is cut off fails and is never a short file', async () => {
    await bucket.put('a', inChunks(noise(MIB, 24), MIB), CREATE);
    inject({ cutAnswerAfterBytes: 1000 }, any);
    await refuses('storage_unavailable', readBytes(bucket, 'a'));
    const { body } = await bucket.get('a', { range: { first: 5, last: 10 } });
    assert.equal((await collectBytes(body, 100)).byteLength, 6);
  });
});

describe('tokens', () => {
  test('are renewed before they end', async () => {
    await bucket.put('a', chunks('x'), CREATE);
    for (let hour = 0; hour < 3; hour++) {
      nowMs += 59 * 60_000;
      await bucket.head('a', {});
    }
    assert.equal(server.requests.length, 4);
  });

  test('that the store takes no more are replaced once', async () => {
    await bucket.put('a', chunks('x'), CREATE);
    inject({ refuse: 401 }, any);
    await bucket.head('a', {});
    inject({ refuse: 401 }, any, 2);
    await refuses('storage_denied', bucket.head('a', {}));
  });

  test('signed by another key are refused', async () => {
    await using stranger = await makeTestAccount();
    const store = openAs(stranger, 'laws');
    await refuses('storage_denied', store.check({}));
    const { url } = await new Bucket(store).signRead('a', {
      nowMs,
      lifetimeSeconds: 600,
      contentDisposition: 'inline',
      contentType: 'text/plain',
      grant: null,
    });
    assert.equal((await fetch(url)).status, 403);
    await store.close();
  });
});

describe('a batch delete', () => {
  test('tells which keys are left, and why', async () => {
    for (const key of ['a', 'b', 'c']) await bucket.put(key, chunks('x'), CREATE);
    inject({ refuse: 403 }, (request) => request.url?.endsWith('/o/b') === true);
    const failures = await bucket.deleteMany(['a', 'b', 'c'], {});
    assert.deepEqual(
      failures.map(({ key, error }) => [key, isStowageError(error, 'storage_denied')]),
      [['b', true]],
    );
    assert.deepEqual(await listKeys(bucket, ''), ['b']);
  });

  test('whose signal fired is aborted', async () => {
    await refuses('aborted', bucket.deleteMany(['a'], { signal: AbortSignal.abort() }));
  });
});

describe('a bucket', () => {
  test('that does not exist is the operator’s to mend', async () => {
    const store = openAs(account, 'none-such');
    await refuses('storage_denied', store.check({}));
    await refuses('storage_denied', new Bucket(store).put('a', chunks('x'), CREATE));
    await refuses('storage_denied', new Bucket(store).get('a', {}));
    await store.close();
  });

  test('is checked by one request, without repetition', async () => {
    inject({ refuse: 503 }, any);
    await refuses('storage_unavailable', bucket.check({}));
    assert.equal(server.requests.length, 1);
  });
});
