import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleOf } from './sample.ts';
import { openSource } from './source.ts';

const keepNothing = { keepBytesMax: 0 };
async function* chunks(...texts: readonly string[]) {
  for (const text of texts) yield new TextEncoder().encode(text);
}

describe('a stream as a source', () => {
  it('is read in pieces of any size, whatever its chunks are', async () => {
    const source = await openSource(chunks('ab', '', 'cdefg', 'h'), { sizeBytes: 8, ...keepNothing });
    assert.equal(source.blob, null);
    assert.equal(await (await source.read(0, 3)).text(), 'abc');
    assert.equal(await (await source.read(3, 4)).text(), 'defg');
    assert.equal(await (await source.read(7, 1)).text(), 'h');
    await source.finish();
  });

  it('skips what the store has already', async () => {
    const source = await openSource(chunks('abc', 'defgh'), { sizeBytes: 8, ...keepNothing });
    assert.equal(await (await source.read(6, 2)).text(), 'gh');
  });

  it('is told when it is shorter or longer than was said', async () => {
    const short = await openSource(chunks('abc'), { sizeBytes: 8, ...keepNothing });
    await assert.rejects(short.read(0, 8), { code: 'source_changed' });
    const long = await openSource(chunks('abc', 'd'), { sizeBytes: 3, ...keepNothing });
    await long.read(0, 3);
    await assert.rejects(long.finish(), { code: 'source_changed' });
  });

  it('is given up when it is closed', async () => {
    let isClosed = false;
    async function* watched() {
      try {
        yield new Uint8Array(10);
        yield new Uint8Array(10);
      } finally {
        isClosed = true;
      }
    }
    const source = await openSource(watched(), { sizeBytes: 20, ...keepNothing });
    await source.read(0, 5);
    await source.close();
    assert.ok(isClosed);
  });

  it('of unknown size is kept in memory up to a bound', async () => {
    const small = await openSource(chunks('abc', 'd'), { sizeBytes: null, ...keepNothing });
    assert.equal(await small.blob?.text(), 'abcd');
    let pulled = 0;
    async function* endless() {
      for (;;) {
        pulled += 1;
        yield new Uint8Array(10_000_000);
      }
    }
    const options = { sizeBytes: null, ...keepNothing };
    await assert.rejects(openSource(endless(), options), { code: 'size_required' });
    assert.ok(pulled <= 11, `${pulled} chunks`);
  });
});

describe('the sample of a file', () => {
  it('is CRC-32 of the whole when the file is small', async () => {
    // The check value of the algorithm; three pieces that are one and the same are read once.
    assert.equal(await sampleOf(new Blob(['123456789'])), 'cbf43926');
  });

  it('tells files apart by their beginning, middle and end', async () => {
    const bytes = new Uint8Array(1_000_000);
    const samples = new Set([await sampleOf(new Blob([bytes]))]);
    for (const offset of [0, 500_000, 999_999]) {
      const other = bytes.slice();
      other[offset] = 1;
      samples.add(await sampleOf(new Blob([other])));
    }
    assert.equal(samples.size, 4);
  });
});
