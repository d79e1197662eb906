import assert from 'node:assert/strict';
import { METADATA_BYTES_MAX } from '../checks.ts';
import type { Laws } from './law.ts';
import { assertAbsent, CREATE, chunks, REPLACE, readText, refuses } from './material.ts';

export const METADATA_LAWS: Laws = {
  'type, cache control and metadata come back': async ({ bucket, base }) => {
    const headers = {
      contentType: 'text/plain; charset=utf-8',
      cacheControl: 'public, max-age=31536000, immutable',
      metadata: { uploaded_by: 'u-1', content_hash: 'ab'.repeat(32), odd: 'a "b" {c}; d=e, %41 \\ <f>' },
    };
    await bucket.put(`${base}a`, chunks('x'), { ...REPLACE, ...headers });
    const { contentType, cacheControl, metadata } = await bucket.head(`${base}a`, {});
    assert.deepEqual({ contentType, cacheControl, metadata }, headers);
  },

  'no metadata and no cache control come back as none': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), REPLACE);
    const { cacheControl, metadata } = await bucket.head(`${base}a`, {});
    assert.equal(cacheControl, '');
    assert.deepEqual(metadata, {});
  },

  'replacing an object replaces its metadata': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('x'), { ...REPLACE, metadata: { one: '1', two: '2' } });
    await bucket.put(`${base}a`, chunks('y'), { ...REPLACE, metadata: { two: '3' } });
    assert.deepEqual((await bucket.head(`${base}a`, {})).metadata, { two: '3' });
  },

  'late metadata is asked for once, after the whole body': async ({ bucket, base }) => {
    let seen = '';
    let calls = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for (const text of ['one ', 'two ', 'three']) {
        yield Buffer.from(text);
        seen += text;
      }
    }
    const metadata = () => {
      calls += 1;
      return { seen };
    };
    await bucket.put(`${base}a`, counted(), { ...REPLACE, metadata });
    assert.equal(calls, 1);
    assert.deepEqual((await bucket.head(`${base}a`, {})).metadata, { seen: 'one two three' });
    assert.equal(await readText(bucket, `${base}a`), 'one two three');
  },

  'late metadata that fails stores nothing': async ({ bucket, base }) => {
    const broken = new Error('no metadata');
    const metadata = () => {
      throw broken;
    };
    const put = bucket.put(`${base}a`, chunks('x'), { ...CREATE, metadata });
    await assert.rejects(put, (error) => error === broken);
    await assertAbsent(bucket, `${base}a`, base);
  },

  'two KiB of metadata fit': async ({ bucket, base }) => {
    const metadata: Record<string, string> = {};
    for (const name of 'abcdefgh') metadata[name] = name.repeat(METADATA_BYTES_MAX / 8 - 1);
    await bucket.put(`${base}a`, chunks('x'), { ...REPLACE, metadata });
    assert.deepEqual((await bucket.head(`${base}a`, {})).metadata, metadata);
  },

  'bad metadata and headers are refused before anything is stored': async ({ bucket, base }) => {
    const bad = [
      { metadata: { 'Upper-Case': 'x' } },
      { metadata: { a: 'line\nbreak' } },
      { metadata: { a: 'ünicode' } },
      { metadata: { a: 'x'.repeat(METADATA_BYTES_MAX) } },
      { metadata: () => ({ a: '\u0000' }) },
      { contentType: 'no type' },
      { contentType: 'text/plain\r\nX-Evil: 1' },
      { cacheControl: 'private\r\nX-Evil: 1' },
    ];
    for (const headers of bad) {
      const put = bucket.put(`${base}a`, chunks('x'), { ...CREATE, ...headers });
      await refuses('invalid_parameter', put);
    }
    await assertAbsent(bucket, `${base}a`, base);
  },
};
