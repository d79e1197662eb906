import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collectBytes, formatByteSize, parseByteSize, streamOf } from './bytes.ts';
import { abortedError, ERROR_TRAITS, isStowageError, StowageError, throwIfAborted } from './errors.ts';
import { isUuid, newTimeOrderedUuid, newUuid } from './ids.ts';
import { signingPeriod } from './signing-window.ts';

describe('parseByteSize', () => {
  it('reads sizes in powers of 1,024', () => {
    assert.equal(parseByteSize('100mb'), 104_857_600);
    assert.equal(parseByteSize('1.5 GiB'), 1_610_612_736);
    assert.equal(parseByteSize('2tb'), 2_199_023_255_552);
    assert.equal(parseByteSize('4096'), 4096);
  });
  for (const text of ['', 'mb', '-1', '1e3', '10 pb', '9000tb', '1..5mb', '99999999999999999'])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseByteSize(text), undefined));
});

describe('formatByteSize', () => {
  it('names the largest fitting unit', () => {
    assert.equal(formatByteSize(1), '1 byte');
    assert.equal(formatByteSize(10 * 1024 * 1024), '10 MiB');
    assert.equal(formatByteSize(1536), '1.5 KiB');
  });
});

describe('collectBytes', () => {
  it('joins the chunks of a bounded stream', async () => {
    assert.equal((await collectBytes(streamOf(Buffer.from('abc')), 3)).toString(), 'abc');
  });
  it('stops at the first byte past the bound', async () => {
    await assert.rejects(collectBytes(streamOf(Buffer.from('abcd')), 3), RangeError);
  });
});

describe('StowageError', () => {
  it('carries its code, traits and facts', () => {
    const error = new StowageError('file_too_large', 'Too large.', { fields: { limit_bytes: 5 } }).with({
      filename: 'a.jpg',
    });
    assert.equal(error.traits.httpStatus, 413);
    assert.deepEqual(error.fields, { limit_bytes: 5, filename: 'a.jpg' });
    assert.ok(isStowageError(error, 'file_too_large'));
    assert.equal(isStowageError(error, 'conflict'), false);
  });
  it('shows only outside codes to clients', () => {
    const outside = new Set<string>(
      Object.entries(ERROR_TRAITS)
        .filter(([, t]) => !('publicCode' in t))
        .map(([code]) => code),
    );
    for (const traits of Object.values(ERROR_TRAITS))
      if ('publicCode' in traits) assert.ok(outside.has(traits.publicCode), traits.publicCode);
  });
  it('keeps a StowageError that was the reason of an abort', () => {
    const reason = new StowageError('rate_limited', 'Slow down.');
    assert.equal(abortedError(AbortSignal.abort(reason)), reason);
    assert.throws(() => throwIfAborted(AbortSignal.abort()), { code: 'aborted' });
    assert.doesNotThrow(() => throwIfAborted(undefined));
  });
});

describe('newTimeOrderedUuid', () => {
  it('is a version 7 UUID that sorts by time', () => {
    const early = newTimeOrderedUuid(1_700_000_000_000);
    const late = newTimeOrderedUuid(1_700_000_000_001);
    assert.ok(isUuid(early) && early[14] === '7' && '89ab'.includes(early[19] ?? '?'));
    assert.ok(early < late);
    assert.ok(isUuid(newUuid()));
    assert.equal(isUuid(`${early}0`), false);
  });
});

describe('signingPeriod', () => {
  it('gives the same period to the same question within five minutes', () => {
    const start = 1_700_000_100_000;
    assert.deepEqual(signingPeriod(start, 3600), { startSeconds: 1_700_000_100, endSeconds: 1_700_003_700 });
    assert.deepEqual(signingPeriod(start + 299_999, 3600), signingPeriod(start, 3600));
    assert.notDeepEqual(signingPeriod(start + 300_000, 3600), signingPeriod(start, 3600));
  });
  it('never takes more than half of a short life', () => {
    const nowMs = 1_700_000_129_999;
    const period = signingPeriod(nowMs, 60);
    assert.ok(period.endSeconds - nowMs / 1000 >= 30);
  });
});
