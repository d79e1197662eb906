import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamOf } from '../core/bytes.ts';
import { systemClock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import { parseObjectKey } from '../core/key.ts';
import { DEFAULT_BREAKER, withBreaker } from './breaker.ts';
import { describeBackend } from './conformance/describe-backend.ts';
import { openServedMemory } from './conformance/served-memory.ts';
import { openMemoryBackend } from './memory/backend.ts';

describeBackend({
  name: 'memory behind a breaker',
  open: async () => {
    const served = await openServedMemory(openMemoryBackend);
    const backend = withBreaker(served.backend, { ...DEFAULT_BREAKER, clock: systemClock });
    return { backend, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
  },
});

const KEY = parseObjectKey('a');

/** A store that is dead while `isDead`, and counts how often it is asked. */
function openMortal() {
  const memory = openMemoryBackend();
  const state = { isDead: false, asked: 0, nowMs: 0 };
  const mortal = Object.create(memory, {
    head: {
      configurable: true,
      value: async () => {
        state.asked++;
        if (state.isDead) throw new StowageError('storage_unavailable', 'Dead.');
        return memory.head(KEY, {});
      },
    },
    put: { configurable: true, value: memory.put.bind(memory) },
  }) as typeof memory;
  const clock = { now: () => state.nowMs };
  return { state, backend: withBreaker(mortal, { faultsMax: 3, openMs: 1000, clock }) };
}

test('a dead store is asked a few times, then calls are refused at once and told when to come back', async () => {
  const { state, backend } = openMortal();
  state.isDead = true;
  for (let call = 0; call < 10; call++)
    await assert.rejects(backend.head(KEY, {}), { code: 'storage_unavailable' });
  assert.equal(state.asked, 3);
  await assert.rejects(backend.head(KEY, {}), { fields: { retry_after_seconds: 1 } });
});

test('after the pause one call tries the store, and its success lets all through', async () => {
  const { state, backend } = openMortal();
  await backend.put(KEY, streamOf(Buffer.from('x')), {
    mode: 'create',
    contentType: 'text/plain',
    cacheControl: '',
    metadata: {},
  });
  state.isDead = true;
  for (let call = 0; call < 5; call++) await assert.rejects(backend.head(KEY, {}));
  state.nowMs += 1000;
  await assert.rejects(backend.head(KEY, {}), { code: 'storage_unavailable' });
  assert.equal(state.asked, 4);
  state.nowMs += 1000;
  state.isDead = false;
  const outcomes = await Promise.allSettled([backend.head(KEY, {}), backend.head(KEY, {})]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  await backend.head(KEY, {});
  assert.equal(state.asked, 6);
});

test('a missing object is no fault of the store', async () => {
  const { state, backend } = openMortal();
  for (let call = 0; call < 10; call++)
    await assert.rejects(backend.head(KEY, {}), { code: 'object_not_found' });
  assert.equal(state.asked, 10);
});

test('a store that is too slow counts as dead, and its parts are behind the breaker too', async () => {
  const memory = openMemoryBackend();
  let asked = 0;
  const late = async () => {
    asked++;
    throw new StowageError('storage_slow', 'Late.');
  };
  const slow = Object.create(memory, {
    resumeMultipart: {
      configurable: true,
      value: () => ({ uploadId: 'u', putPart: late, listParts: late, complete: late, abort: late }),
    },
    head: { configurable: true, value: async () => assert.fail('The store is asked.') },
  }) as typeof memory;
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  const clock = { now: () => 0 };
  const backend = withBreaker(slow, { faultsMax: 3, openMs: 1000, clock, log: { warn: note, info: note } });
  const write = { contentType: 'text/plain', cacheControl: '', metadata: {} };
  const upload = backend.resumeMultipart(KEY, 'u', write);
  for (let call = 0; call < 3; call++) await assert.rejects(upload.listParts({}), { code: 'storage_slow' });
  await assert.rejects(upload.putPart(1, streamOf(Buffer.from('x')), { sizeBytes: 1 }), {
    code: 'storage_unavailable',
  });
  await assert.rejects(backend.head(KEY, {}), { code: 'storage_unavailable' });
  await assert.rejects(upload.abort({}), { code: 'storage_slow' });
  assert.equal(asked, 4);
  assert.deepEqual(lines, ['The store fails again and again: calls are refused at once for a while.']);
});

test('a slow upload that tries the store holds nobody back', async () => {
  const { state, backend } = openMortal();
  state.isDead = true;
  for (let call = 0; call < 3; call++) await assert.rejects(backend.head(KEY, {}));
  state.isDead = false;
  state.nowMs += 1000;
  const slow = Promise.withResolvers<void>();
  async function* slowBody() {
    yield Buffer.from('x');
    await slow.promise;
  }
  const options = { mode: 'create', contentType: 'text/plain', cacheControl: '', metadata: {} } as const;
  const upload = backend.put(KEY, slowBody(), options);
  await assert.rejects(backend.head(KEY, {}), { code: 'storage_unavailable' });
  state.nowMs += 1000;
  await assert.rejects(backend.head(KEY, {}), { code: 'object_not_found' });
  await assert.rejects(backend.head(KEY, {}), { code: 'object_not_found' });
  slow.resolve();
  await upload;
});
