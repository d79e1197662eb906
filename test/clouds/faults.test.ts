// Every fault that a cloud can show, on every cloud, over real sockets: a proxy breaks the way to a real server.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { collectBytes, MIB } from '../../src/core/bytes.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type ErrorCode, isStowageError, type StowageError } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/log.ts';
import { problemOf } from '../../src/http/problem.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { DEFAULT_BREAKER, withBreaker } from '../../src/storage/breaker.ts';
import { Bucket } from '../../src/storage/bucket.ts';
import {
  CREATE,
  chunks,
  inChunks,
  noise,
  REPLACE,
  readText,
} from '../../src/storage/conformance/material.ts';
import { StoreFailure } from '../../src/storage/faults.ts';
import { type Fault, type FaultyProxy, startFaultyProxy } from '../servers/chaos/proxy.ts';
import { openAzureStore, openGcsStore, openS3Store, type Reach, SECRET_MARKS, type Store } from './stores.ts';

/** Patience of tests that wait for it to end. */
const SHORT = { connectMs: 2_000, answerMs: 300, silenceMs: 300 };
const BYTES = noise(3 * MIB, 7);

for (const [provider, openStore] of Object.entries({
  S3: openS3Store,
  Azure: openAzureStore,
  Google: openGcsStore,
})) {
  describe(`faults on the way to ${provider}`, () => {
    let store: Store;
    let proxy: FaultyProxy;
    let lines: Record<string, unknown>[] = [];
    let opened: StorageBackend[] = [];
    const note = (fields: object, message: string) => void lines.push({ ...fields, message });
    const log: Log = { debug: note, info: note, warn: note, error: note };

    before(async () => {
      store = await openStore();
      proxy = await startFaultyProxy(store.port);
    });
    after(async () => {
      await proxy[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      proxy.fault = () => null;
      lines = [];
    });
    afterEach(async () => {
      await Promise.all(opened.map((each) => each.close()));
      opened = [];
    });

    async function open(changes: Partial<Reach> = {}): Promise<Bucket> {
      const backend = await store.open({ port: proxy.port, log, ...changes });
      opened.push(backend);
      return new Bucket(backend);
    }

    /** Lets a fault befall the first requests from now on, or those that match. */
    function befall(fault: Fault, times = Number.POSITIVE_INFINITY, method?: string): void {
      let left = times;
      proxy.fault = (request) => {
        if (method !== undefined && request.method !== method) return null;
        left -= 1;
        return left >= 0 ? fault : null;
      };
    }

    /** How many requests a call made. */
    async function requestsOf(call: () => Promise<unknown>): Promise<number> {
      const { length } = proxy.seen;
      await call();
      return proxy.seen.length - length;
    }

    test('a store that does not answer is slow, not broken', async () => {
      const bucket = await open({ patience: SHORT });
      befall({ hang: true });
      await failsAs('storage_slow', bucket.head('a', {}));
      await failsAs('storage_slow', bucket.put('slow', chunks('x'), CREATE));
      await failsAs('storage_slow', bucket.check({}));
    });

    test('a body that falls silent is slow, and never a short file', async () => {
      const bucket = await open({ patience: { ...SHORT, answerMs: 20_000 } });
      await bucket.put('silent', inChunks(BYTES, MIB), REPLACE);
      befall({ stallAfterBytes: MIB }, undefined, 'GET');
      const { body } = await bucket.get('silent', {});
      await failsAs('storage_slow', collectBytes(body, 4 * MIB));
    });

    test('an answer that is reset in the middle of its body is a fault, and never a short file', async () => {
      const bucket = await open();
      await bucket.put('reset', inChunks(BYTES, MIB), REPLACE);
      befall({ cutAfterBytes: MIB }, undefined, 'GET');
      const { body } = await bucket.get('reset', {});
      await failsAs('storage_unavailable', collectBytes(body, 4 * MIB));
      const part = await bucket.get('reset', { range: { first: 5, last: 2 * MIB } });
      await failsAs('storage_unavailable', collectBytes(part.body, 4 * MIB));
    });

    test('an upload that is reset in the middle of its body is repeated; for good, it leaves nothing', async () => {
      const bucket = await open();
      befall({ cutRequestAfterBytes: MIB }, 1);
      await bucket.put('sent', inChunks(BYTES, MIB), CREATE);
      proxy.fault = () => null;
      assert.ok((await collectBytes((await bucket.get('sent', {})).body, 4 * MIB)).equals(BYTES));
      befall({ cutRequestAfterBytes: MIB });
      await failsAs('storage_unavailable', bucket.put('never', inChunks(BYTES, MIB), CREATE));
      proxy.fault = () => null;
      await failsAs('object_not_found', bucket.head('never', {}));
    });

    test('a body of the caller that breaks is its own error, and is not read twice', async () => {
      const bucket = await open();
      const broken = new Error('The client left.');
      let begun = 0;
      async function* body() {
        begun += 1;
        yield BYTES;
        throw broken;
      }
      await assert.rejects(bucket.put('broken', body(), CREATE), (error) => error === broken);
      assert.equal(begun, 1);
    });

    test('a write whose answer is lost is done once and succeeds', async () => {
      const bucket = await open();
      befall({ loseAnswer: true }, 1);
      await bucket.put('lost', chunks('mine'), { ...CREATE, metadata: { who: 'me' } });
      assert.equal(await readText(bucket, 'lost'), 'mine');
      await failsAs('object_exists', bucket.put('lost', chunks('other'), CREATE));
      const upload = await bucket.beginMultipart('joined', REPLACE);
      const part = await upload.putPart(1, chunks('hello'), { sizeBytes: 5 });
      let lost = 0;
      // The request that joins the parts: the first of its method on each of the three.
      proxy.fault = ({ method }) =>
        method === (provider === 'Azure' ? 'PUT' : 'POST') && lost++ === 0 ? { loseAnswer: true } : null;
      await upload.complete([part], REPLACE);
      assert.equal(lost > 0, true);
      assert.equal(await readText(bucket, 'joined'), 'hello');
    });

    for (const kind of ['broken', 'busy'] as const) {
      test(`a store that is ${kind} is asked again three times at most, and its words are in the log`, async () => {
        const bucket = await open();
        await bucket.put('again', chunks('hello'), REPLACE);
        befall(store.says[kind], 2);
        assert.equal((await bucket.list({ prefix: '', cursor: null, limit: 1 })).entries.length, 1);
        assert.deepEqual(
          lines.map((line) => [line.store_code, line.attempt, line.store_request_id]),
          [
            [store.words[kind], 1, 'REQ-4711'],
            [store.words[kind], 2, 'REQ-4711'],
          ],
        );
        befall(store.says[kind]);
        const tries = await requestsOf(() => failsAs('storage_unavailable', bucket.get('again', {})));
        assert.equal(tries, 4);
        assert.equal(await requestsOf(() => failsAs('storage_unavailable', bucket.check({}))), 1);
      });
    }

    test('a text that is cut off is asked for again, and never half a list', async () => {
      const bucket = await open();
      for (const key of ['cut/a', 'cut/b', 'cut/c']) await bucket.put(key, chunks('x'), REPLACE);
      const list = () => bucket.list({ prefix: 'cut/', cursor: null, limit: 10 });
      for (const fault of [{ shortenToBytes: 60 }, { cutAfterBytes: 60 }]) {
        befall(fault, 1);
        assert.equal((await list()).entries.length, 3);
        befall(fault);
        await failsAs('storage_unavailable', list());
      }
    });

    for (const kind of ['expired', 'skewed'] as const) {
      const title = kind === 'expired' ? 'credentials that are over are' : 'a clock that is off is';
      test(`${title} the operator’s to mend: denied, never repeated`, async () => {
        const bucket = await open();
        befall(store.says[kind]);
        for (const call of [
          () => bucket.get('a', {}),
          () => bucket.put('a', chunks('x'), CREATE),
          () => bucket.list({ prefix: '', cursor: null, limit: 1 }),
          () => bucket.check({}),
        ]) {
          const tries = await requestsOf(async () => {
            const error = await failsAs('storage_denied', call());
            // A HEAD has no body, so on S3 the check brings no word.
            const { storeCode } = causeOf(error);
            assert.ok(storeCode === store.words[kind] || (provider === 'S3' && storeCode === ''), storeCode);
          });
          // A token that was refused is fetched anew, once.
          assert.ok(tries <= 2, `${tries} tries`);
        }
      });
    }

    if (provider !== 'Azure') {
      test('our clock hours off is denied by the real server', async () => {
        const bucket = await open({ clock: { now: () => systemClock.now() - 5 * 3_600_000 } });
        await failsAs('storage_denied', bucket.get('a', {}));
      });
    }

    test('a store that nobody listens at is broken at once, with a time to come back', async () => {
      const dead = await startFaultyProxy(store.port);
      await dead[Symbol.asyncDispose]();
      const bucket = await open({ port: dead.port });
      const error = await failsAs('storage_unavailable', bucket.get('a', {}));
      assert.deepEqual([causeOf(error).storeCode, causeOf(error).attempts], ['ECONNREFUSED', 4]);
    });

    if (provider !== 'Google') {
      test('a name that does not resolve is broken or slow, never missing', async () => {
        const bucket = await open({ host: 'store.invalid', patience: { ...SHORT, answerMs: 4_000 } });
        const error = await failureOf(bucket.head('a', {}));
        assert.ok(['storage_unavailable', 'storage_slow'].includes(error.code), error.code);
      });
    }

    test('a dead store behind the breaker is refused without being asked, and used again when it is back', async () => {
      const backend = await store.open({ port: proxy.port, log });
      opened.push(backend);
      let nowMs = 0;
      const bucket = new Bucket(
        withBreaker(backend, { ...DEFAULT_BREAKER, clock: { now: () => nowMs }, log }),
      );
      await bucket.put('breaker', chunks('x'), REPLACE);
      befall(store.says.busy);
      for (let call = 0; call < DEFAULT_BREAKER.faultsMax; call++)
        await failsAs('storage_unavailable', bucket.head('breaker', {}));
      const startMs = performance.now();
      const tries = await requestsOf(async () => {
        for (let call = 0; call < 20; call++) await failsAs('storage_unavailable', bucket.get('breaker', {}));
      });
      assert.equal(tries, 0);
      assert.ok(performance.now() - startMs < 1_000, 'twenty refusals take no second');
      proxy.fault = () => null;
      nowMs += DEFAULT_BREAKER.openMs;
      assert.equal(await readText(bucket, 'breaker'), 'x');
    });

    test('a bucket that is gone is denied, whatever is asked, and not taken for a missing object', async () => {
      const bucket = await open();
      await bucket.put('gone', chunks('x'), REPLACE);
      await failsAs('object_not_found', bucket.head('missing', {}));
      await bucket.delete('gone', {});
      for (const key of await allKeys(bucket)) await bucket.delete(key, {});
      await store.dropBucket();
      // A client that has just heard of the bucket may believe a HEAD: this one has not.
      const later = await open();
      for (const call of [
        () => later.head('a', {}),
        () => later.get('a', {}),
        () => later.put('a', chunks('x'), CREATE),
        () => later.list({ prefix: '', cursor: null, limit: 1 }),
        () => later.check({}),
      ]) {
        await failsAs('storage_denied', call());
      }
    });
  });
}

async function allKeys(bucket: Bucket): Promise<readonly string[]> {
  return (await bucket.list({ prefix: '', cursor: null, limit: 1000 })).entries.map((entry) => entry.key);
}

/** Awaits a failure; nothing of the provider may be in it, nor in what a client would be answered. */
async function failureOf(call: Promise<unknown>): Promise<StowageError> {
  const error = await call.then(
    () => assert.fail('The call succeeded.'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isStowageError(error), String(error));
  const problem = problemOf(error, 'request-1');
  for (const text of [error.message, JSON.stringify(problem)]) {
    assert.doesNotMatch(
      text,
      /s3|aws|azure|blob|container|google|gcs|xml|chaos-|127\.0|https?:\/\/(?!stowage)/i,
    );
    for (const mark of SECRET_MARKS) assert.ok(!text.includes(mark), mark);
  }
  if (problem.status === 503) assert.match(problem.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  return error;
}

async function failsAs(code: ErrorCode, call: Promise<unknown>): Promise<StowageError> {
  const error = await failureOf(call);
  assert.equal(error.code, code, String(error.cause));
  return error;
}

function causeOf(error: StowageError): StoreFailure {
  assert.ok(error.cause instanceof StoreFailure, String(error.cause));
  return error.cause;
}
