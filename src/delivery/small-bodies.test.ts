import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Asset } from '../catalog/catalog.ts';
import { KIB, MIB, streamOf } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { parseObjectKey } from '../core/key.ts';
import { bodyInMemory, SmallBodies } from './small-bodies.ts';

const assetOf = (key: string, bytes: Buffer): Asset => ({
  assetId: '00000000-0000-4000-8000-000000000001',
  tenantId: 'acme',
  userId: 'alice',
  assetType: 'note',
  key: parseObjectKey(key),
  backend: 'memory',
  filename: 'a.txt',
  sizeBytes: bytes.byteLength,
  mediaType: 'text/plain',
  contentHash: createHash('sha256').update(bytes).digest('hex'),
  metadata: {},
  createdAtMs: 0,
  state: 'stored',
});

test('small content is remembered until it is forgotten', async () => {
  const bodies = new SmallBodies();
  const bytes = Buffer.from('hello');
  assert.ok(bodies.takes(32 * KIB) && !bodies.takes(32 * KIB + 1));
  assert.equal(bodies.get('a'), undefined);
  assert.deepEqual(await bodies.fill(assetOf('a', bytes), streamOf(bytes)), bytes);
  assert.deepEqual(bodies.get('a'), bytes);
  bodies.forget('a');
  assert.equal(bodies.get('a'), undefined);
});

test('content that is not what the record says is an error, and not remembered', async () => {
  const bodies = new SmallBodies();
  const asset = assetOf('a', Buffer.from('hello'));
  await assert.rejects(bodies.fill(asset, streamOf(Buffer.from('hullo'))), (error) =>
    isStowageError(error, 'object_corrupt'),
  );
  assert.equal(bodies.get('a'), undefined);
});

test('no more than 16 MiB are remembered, and what was read last stays', async () => {
  const bodies = new SmallBodies();
  const bytes = Buffer.alloc(32 * KIB);
  const count = (16 * MIB) / bytes.byteLength;
  for (let index = 0; index < count; index += 1)
    await bodies.fill(assetOf(`k${index}`, bytes), streamOf(bytes));
  assert.ok(bodies.get('k0'));
  await bodies.fill(assetOf('one-more', bytes), streamOf(bytes));
  assert.ok(bodies.get('k0'), 'it was read last');
  assert.equal(bodies.get('k1'), undefined, 'it was not');
});

test('a part of remembered content is that part, and nothing follows', async () => {
  const body = bodyInMemory(Buffer.from('hello'), { first: 1, last: 3 });
  assert.equal(Buffer.from(body.first ?? []).toString(), 'ell');
  assert.equal((await body.rest.next()).done, true);
});
