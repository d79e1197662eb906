import assert from 'node:assert/strict';
import { MIB } from '../../core/bytes.ts';
import { isStowageError } from '../../core/errors.ts';
import type { Laws } from './law.ts';
import {
  abortWhileSilent,
  assertAbsent,
  assertSameInfo,
  breaksAfter,
  CREATE,
  chunks,
  inChunks,
  noise,
  REPLACE,
  readBytes,
  readText,
  refuses,
  sha256,
} from './material.ts';

export const WRITE_LAWS: Laws = {
  'what was put can be read': async ({ bucket, base }) => {
    const info = await bucket.put(`${base}a`, chunks('hel', 'lo'), REPLACE);
    assert.equal(info.key, `${base}a`);
    assert.equal(info.sizeBytes, 5);
    assert.equal(await readText(bucket, `${base}a`), 'hello');
  },

  'an empty object is an object': async ({ bucket, base }) => {
    assert.equal((await bucket.put(`${base}a`, chunks(), REPLACE)).sizeBytes, 0);
    const { info, range } = await bucket.get(`${base}a`, {});
    assert.equal(info.sizeBytes, 0);
    assert.equal(range, null);
    assert.equal(await readText(bucket, `${base}a`), '');
  },

  'a large body comes back byte for byte': async ({ bucket, base }) => {
    const bytes = noise(20 * MIB + 17, 1);
    const info = await bucket.put(`${base}a`, inChunks(bytes, MIB), REPLACE);
    assert.equal(info.sizeBytes, bytes.byteLength);
    assert.equal(sha256(await readBytes(bucket, `${base}a`)), sha256(bytes));
  },

  'replace replaces': async ({ bucket, base }) => {
    const first = await bucket.put(`${base}a`, chunks('a longer first version'), REPLACE);
    const second = await bucket.put(`${base}a`, chunks('second'), REPLACE);
    assert.equal(await readText(bucket, `${base}a`), 'second');
    assert.notEqual(first.version, second.version);
  },

  'create refuses a taken key and leaves its object alone': async ({ bucket, base }) => {
    await bucket.put(`${base}a`, chunks('old'), CREATE);
    await refuses('object_exists', bucket.put(`${base}a`, chunks('new'), CREATE));
    assert.equal(await readText(bucket, `${base}a`), 'old');
  },

  'of eight creators exactly one wins': async ({ bucket, base }) => {
    const names = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const outcomes = await Promise.allSettled(
      names.map((name) => bucket.put(`${base}a`, chunks('creator ', name), CREATE)),
    );
    const winners = names.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    assert.equal(winners.length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(isStowageError(outcome.reason, 'object_exists'));
    }
    assert.equal(await readText(bucket, `${base}a`), `creator ${winners[0]}`);
  },

  'a failed put leaves nothing, and its error is the body’s': async ({ bucket, base }) => {
    for (const first of [Buffer.from('par'), noise(2 * MIB, 2)]) {
      const broken = new Error('the body broke');
      const put = bucket.put(`${base}a`, breaksAfter(first, broken), CREATE);
      await assert.rejects(put, (error) => error === broken);
      await assertAbsent(bucket, `${base}a`, base);
    }
  },

  'a failed put leaves the previous object untouched': async ({ bucket, base }) => {
    const before = await bucket.put(`${base}a`, chunks('old'), { ...REPLACE, metadata: { which: 'old' } });
    const broken = new Error('the body broke');
    await assert.rejects(bucket.put(`${base}a`, breaksAfter(noise(2 * MIB, 3), broken), REPLACE));
    assert.equal(await readText(bucket, `${base}a`), 'old');
    assertSameInfo(await bucket.head(`${base}a`, {}), before);
  },

  'an aborted put ends at once and leaves nothing': async ({ bucket, base }) => {
    for (const first of [Buffer.from('par'), noise(2 * MIB, 4)]) {
      await abortWhileSilent(first, (body, signal) => bucket.put(`${base}a`, body, { ...CREATE, signal }));
      await assertAbsent(bucket, `${base}a`, base);
    }
  },

  'a put whose signal has fired already does not begin': async ({ bucket, base }) => {
    const signal = AbortSignal.abort();
    await refuses('aborted', bucket.put(`${base}a`, chunks('x'), { ...CREATE, signal }));
    await assertAbsent(bucket, `${base}a`, base);
  },

  'a body of another size than announced is refused': async ({ bucket, base }) => {
    await refuses(
      'file_too_large',
      bucket.put(`${base}a`, chunks('long', 'er'), { ...CREATE, sizeBytes: 5 }),
    );
    await assertAbsent(bucket, `${base}a`, base);
    await refuses('malformed_request', bucket.put(`${base}a`, chunks('short'), { ...CREATE, sizeBytes: 6 }));
    await assertAbsent(bucket, `${base}a`, base);
    await bucket.put(`${base}a`, chunks('exact'), { ...CREATE, sizeBytes: 5 });
    assert.equal(await readText(bucket, `${base}a`), 'exact');
  },

  'a put says at most once that its body is whole, after the body and before its end': async ({
    bucket,
    base,
  }) => {
    for (const sizeBytes of [1, 100_000, 2 * MIB]) {
      const events: string[] = [];
      async function* body(): AsyncGenerator<Uint8Array> {
        yield* inChunks(noise(sizeBytes, 5), 50_000);
        events.push('body');
      }
      const onWhole = () => events.push('whole');
      await bucket.put(`${base}${sizeBytes}`, body(), { ...CREATE, onWhole });
      events.push('stored');
      assert.deepEqual(
        events.filter((event) => event !== 'whole'),
        ['body', 'stored'],
      );
      // A store that can't tell says nothing.
      if (events.includes('whole')) assert.deepEqual(events, ['body', 'whole', 'stored']);
    }
    const calls: string[] = [];
    const broken = new Error('the body broke');
    const put = bucket.put(`${base}b`, breaksAfter(Buffer.from('par'), broken), {
      ...CREATE,
      onWhole: () => calls.push('whole'),
    });
    await assert.rejects(put);
    assert.deepEqual(calls, []);
  },

  'thirty-two puts at once all arrive': async ({ bucket, base }) => {
    const numbers = Array.from({ length: 32 }, (_, index) => index);
    const bodyOf = (number: number) => noise(1000 + number * 997, number + 1);
    await Promise.all(
      numbers.map((number) => bucket.put(`${base}${number}`, inChunks(bodyOf(number), 4096), CREATE)),
    );
    for (const number of numbers) {
      assert.equal(sha256(await readBytes(bucket, `${base}${number}`)), sha256(bodyOf(number)));
    }
  },
};
