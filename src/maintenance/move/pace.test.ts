import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatDuration, progressLine } from './estimate.ts';
import { createPace } from './pace.ts';

const MIB = 1024 * 1024;

describe('the pace of a move', () => {
  test('lets all bytes together pass no faster than the rate', async () => {
    const pace = createPace(100_000);
    const { signal } = new AbortController();
    const startMs = performance.now();
    await Promise.all([1, 2, 3, 4, 5].map(() => pace.pass(4_000, signal)));
    // Only from below: a busy machine may take longer.
    assert.ok(performance.now() - startMs >= 195);
  });

  test('without a rate does not wait, and ends with its signal', async () => {
    const stop = new AbortController();
    await createPace(null).pass(1e12, stop.signal);
    const waiting = createPace(1).pass(1e6, stop.signal);
    stop.abort();
    await assert.rejects(waiting, { code: 'aborted' });
    await assert.rejects(createPace(null).pass(1, stop.signal), { code: 'aborted' });
  });
});

describe('the progress of a move', () => {
  test('tells what is done, how fast, and how long the rest takes', () => {
    const all = { files: 100, bytes: 100 * MIB };
    assert.equal(
      progressLine({ files: 25, bytes: 25 * MIB }, all, 60_000),
      '25 of 100 files, 25 MiB of 100 MiB, 426.7 KiB/s, about 3 min left',
    );
    assert.equal(progressLine({ files: 0, bytes: 0 }, all, 10), '0 of 100 files, 0 bytes of 100 MiB');
    assert.equal(progressLine(all, all, 100_000), '100 of 100 files, 100 MiB of 100 MiB, 1 MiB/s');
  });

  test('tells durations as people do', () => {
    assert.deepEqual([0, 40_000, 720_000, 12_600_000, 200_000_000].map(formatDuration), [
      '1 s',
      '40 s',
      '12 min',
      '3.5 h',
      '2.3 days',
    ]);
  });
});
