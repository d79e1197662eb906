import assert from 'node:assert/strict';
import { collectBytes, KIB, MIB } from '../../core/bytes.ts';
import type { ByteRange } from '../backend.ts';
import type { Bucket } from '../bucket.ts';
import type { Laws } from './law.ts';
import {
  abortOnItsWay,
  assertSameInfo,
  chunks,
  drain,
  inChunks,
  noise,
  REPLACE,
  readBytes,
  refuses,
} from './material.ts';

export const READ_LAWS: Laws = {
  'a range is exact at both ends': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('0123456789'), REPLACE);
    assert.deepEqual(await readRange(bucket, `${base}a`, { first: 0, last: 0 }), ['0', 0, 0]);
    assert.deepEqual(await readRange(bucket, `${base}a`, { first: 3, last: 5 }), ['345', 3, 5]);
    assert.deepEqual(await readRange(bucket, `${base}a`, { first: 9, last: 9 }), ['9', 9, 9]);
    assert.deepEqual(await readRange(bucket, `${base}a`, { first: 0, last: 9 }), ['0123456789', 0, 9]);
  },

  'a range comes with the facts of the whole object': async ({ bucket, base }) => {
    const headers = { contentType: 'image/png', cacheControl: 'no-cache', metadata: { which: 'whole' } };
    const stored = await bucket.put(`${base}a`, chunks('0123456789'), { ...REPLACE, ...headers });
    const { info, body } = await bucket.get(`${base}a`, { range: { first: 3, last: 5 } });
    await drain(body);
    assertSameInfo(info, stored);
  },

  'a range that reaches beyond the end means up to the end': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('0123456789'), REPLACE);
    assert.deepEqual(await readRange(bucket, `${base}a`, { first: 7, last: 99 }), ['789', 7, 9]);
  },

  'a range that starts at the end or after it cannot be satisfied': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('0123456789'), REPLACE);
    for (const first of [10, 11, 1000]) {
      const range = { first, last: first + 5 };
      await refuses('range_not_satisfiable', bucket.get(`${base}a`, { range }));
    }
  },

  'no range of an empty object can be satisfied': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks(), REPLACE);
    await refuses('range_not_satisfiable', bucket.get(`${base}a`, { range: { first: 0, last: 0 } }));
  },

  'a range across a large object is exact': async ({ bucket, base }) => {
    const bytes = noise(3 * MIB, 5);
    await bucket.put(`${base}a`, inChunks(bytes, 64 * KIB), REPLACE);
    const range = { first: MIB - 3, last: 2 * MIB + 4 };
    const { body } = await bucket.get(`${base}a`, { range });
    assert.ok(bytes.subarray(range.first, range.last + 1).equals(await collectBytes(body, 3 * MIB)));
  },

  'what is missing is object_not_found': async ({ bucket, base }) => {
    await refuses('object_not_found', bucket.get(`${base}a`, {}));
    await refuses('object_not_found', bucket.get(`${base}a`, { range: { first: 0, last: 1 } }));
    await refuses('object_not_found', bucket.head(`${base}a`, {}));
  },

  'head and get tell what put told': async ({ bucket, base }) => {
    const stored = await bucket.put(`${base}a`, chunks('hello'), {
      ...REPLACE,
      contentType: 'image/png',
      cacheControl: 'public, max-age=60',
      metadata: { content_hash: 'abc' },
    });
    assertSameInfo(await bucket.head(`${base}a`, {}), stored);
    const { info, body } = await bucket.get(`${base}a`, {});
    await drain(body);
    assertSameInfo(info, stored);
    assert.ok(stored.modifiedAtMs > 0);
  },

  'a body left early, or never begun, can be ended': async ({ bucket, base }) => {
    const bytes = noise(4 * MIB, 6);
    await bucket.put(`${base}a`, inChunks(bytes, MIB), REPLACE);
    const early = await bucket.get(`${base}a`, {});
    for await (const _chunk of early.body) break;
    const unread = await bucket.get(`${base}a`, {});
    await unread.body[Symbol.asyncIterator]().return?.();
    assert.equal((await readBytes(bucket, `${base}a`)).byteLength, bytes.byteLength);
  },

  'a reader keeps its version while the object is replaced and deleted': async ({ bucket, base }) => {
    const old = noise(4 * MIB, 7);
    await bucket.put(`${base}a`, inChunks(old, MIB), REPLACE);
    const { body } = await bucket.get(`${base}a`, {});
    const source = body[Symbol.asyncIterator]();
    const first = await source.next();
    assert.ok(first.done !== true);
    await bucket.put(`${base}a`, inChunks(noise(4 * MIB, 8), MIB), REPLACE);
    await bucket.delete(`${base}a`, {});
    const rest = await collectBytes({ [Symbol.asyncIterator]: () => source }, 4 * MIB);
    assert.ok(Buffer.concat([first.value, rest]).equals(old));
  },

  'readers among writers each see one version whole': async ({ bucket, base }) => {
    const versions = [0, 1, 2].map((number) => Buffer.alloc(700 * KIB + number, `${number}`));
    const put = (number: number) => {
      const metadata = { which: `${number}` };
      return bucket.put(`${base}a`, inChunks(versions[number] ?? Buffer.alloc(0), 64 * KIB), {
        ...REPLACE,
        metadata,
      });
    };
    await put(0);
    const readOne = async () => {
      const { info, body } = await bucket.get(`${base}a`, {});
      const bytes = await collectBytes(body, MIB);
      const expected = versions[Number(info.metadata.which)] ?? Buffer.alloc(0);
      assert.equal(info.sizeBytes, expected.byteLength);
      assert.ok(bytes.equals(expected), 'bytes and metadata are of one version');
    };
    await Promise.all([
      put(1),
      readOne(),
      put(2),
      readOne(),
      readOne(),
      put(1),
      readOne(),
      put(2),
      readOne(),
    ]);
    await readOne();
  },

  'a body that is aborted on its way ends as aborted': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, inChunks(noise(8 * MIB, 13), MIB), REPLACE);
    const cut = new AbortController();
    const { body } = await bucket.get(`${base}a`, { signal: cut.signal });
    const reading = async (): Promise<void> => {
      for await (const _chunk of body) cut.abort();
    };
    await refuses('aborted', reading());
    assert.equal((await readBytes(bucket, `${base}a`)).byteLength, 8 * MIB);
  },

  'asking for facts is aborted on its way, or was done already': async ({ bucket, base }) => {
    const stored = await bucket.put(`${base}a`, chunks('x'), REPLACE);
    const info = await abortOnItsWay((signal) => bucket.head(`${base}a`, { signal }));
    if (info !== null) assertSameInfo(info, stored);
  },

  'a read whose signal has fired already does not begin': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), REPLACE);
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.get(`${base}a`, { signal }));
    await refuses('aborted', bucket.head(`${base}a`, { signal }));
  },
};

async function readRange(bucket: Bucket, key: string, range: ByteRange): Promise<[string, number, number]> {
  const got = await bucket.get(key, { range });
  const text = (await collectBytes(got.body, MIB)).toString('utf8');
  return [text, got.range?.first ?? -1, got.range?.last ?? -1];
}
