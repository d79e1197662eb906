import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectBytes } from '../../core/bytes.ts';
import { Bucket } from '../bucket.ts';
import { openMemoryBackend } from '../memory/backend.ts';
import { type Trouble, type TroubledCall, withChaos } from './chaos.ts';
import { describeBackend } from './describe-backend.ts';
import { CREATE, chunks, REPLACE, readText, refuses } from './material.ts';
import { openServedMemory } from './served-memory.ts';

describeBackend({
  name: 'memory in calm chaos',
  open: async () => {
    const served = await openServedMemory(openMemoryBackend);
    return {
      backend: withChaos(served.backend, () => null),
      [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
    };
  },
});

/** A bucket in memory, and what befalls its calls. */
function openTroubled() {
  const troubles = new Map<TroubledCall, Trouble>();
  const bucket = new Bucket(withChaos(openMemoryBackend(), (call) => troubles.get(call) ?? null));
  return { troubles, bucket };
}

test('a call that is refused does nothing', async () => {
  const { troubles, bucket } = openTroubled();
  for (const code of ['storage_unavailable', 'storage_slow', 'storage_denied'] as const) {
    troubles.set('put', { refuse: code });
    await refuses(code, bucket.put('a', chunks('x'), CREATE));
  }
  await refuses('object_not_found', bucket.head('a', {}));
});

test('a call whose answer is lost is done', async () => {
  const { troubles, bucket } = openTroubled();
  troubles.set('put', { loseAnswer: true });
  await refuses('storage_unavailable', bucket.put('a', chunks('x'), CREATE));
  assert.equal(await readText(bucket, 'a'), 'x');
  troubles.set('complete', { loseAnswer: true });
  const upload = await bucket.beginMultipart('b', REPLACE);
  const part = await upload.putPart(1, chunks('y'), { sizeBytes: 1 });
  await refuses('storage_unavailable', upload.complete([part], CREATE));
  assert.equal(await readText(bucket, 'b'), 'y');
});

test('a body that is cut breaks after its first bytes', async () => {
  const { troubles, bucket } = openTroubled();
  await bucket.put('a', chunks('hello'), CREATE);
  troubles.set('get', { cutAfterBytes: 2 });
  const { body } = await bucket.get('a', {});
  await refuses('storage_unavailable', collectBytes(body, 100));
});

test('a call that waits ends with its signal', async () => {
  const { troubles, bucket } = openTroubled();
  const gate = Promise.withResolvers<void>();
  troubles.set('head', { wait: gate.promise });
  const cut = new AbortController();
  const waiting = bucket.head('a', { signal: cut.signal });
  cut.abort();
  await refuses('aborted', waiting);
  const later = bucket.head('a', {});
  gate.resolve();
  await refuses('object_not_found', later);
});
