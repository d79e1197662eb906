import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { StowageError } from '../core/errors.ts';
import { openBody, SOURCE_BUFFER_BYTES_MAX } from './body-source.ts';

/** A body that comes as fast as it is taken; `sent` tells how much has come. */
function bodyOf(chunks: Iterable<Buffer>): { readable: Readable; sentBytes: () => number } {
  const rest = chunks[Symbol.iterator]();
  let sentBytes = 0;
  const readable = new Readable({
    highWaterMark: 16,
    read() {
      const { value } = rest.next();
      sentBytes += value?.length ?? 0;
      this.push(value ?? null);
    },
  });
  return { readable, sentBytes: () => sentBytes };
}

async function settled(sentBytes: () => number): Promise<number> {
  for (let before = -1; before !== sentBytes(); ) {
    before = sentBytes();
    for (let turns = 0; turns < 20; turns += 1) await turn();
  }
  return sentBytes();
}

describe('a body that nobody takes yet', () => {
  for (const [cut, bytes] of [
    ['single bytes', 1],
    ['chunks of 64 KiB', 64 * 1024],
  ] as const) {
    it(`waits in few pieces, and is held back, when it comes in ${cut}`, async () => {
      const all = Buffer.from(Array.from({ length: 512 * 1024 }, (_, at) => at % 251));
      const { readable, sentBytes } = bodyOf(
        Array.from({ length: all.length / bytes }, (_, at) => all.subarray(at * bytes, (at + 1) * bytes)),
      );
      const source = openBody(readable);
      const pieces = [await source.pull()];
      const waitingBytes = (await settled(sentBytes)) - (pieces[0]?.length ?? 0);
      assert.ok(waitingBytes >= SOURCE_BUFFER_BYTES_MAX, `${waitingBytes} bytes`);
      assert.ok(waitingBytes <= SOURCE_BUFFER_BYTES_MAX + 3 * bytes + 16, `${waitingBytes} bytes`);
      for (let taken = 0; taken < waitingBytes - 3 * bytes; taken += pieces.at(-1)?.length ?? 0)
        pieces.push(await source.pull());
      assert.ok(pieces.length <= SOURCE_BUFFER_BYTES_MAX / (16 * 1024) + 4, `${pieces.length} pieces`);
      for (let piece = await source.pull(); piece !== null; piece = await source.pull()) pieces.push(piece);
      assert.deepEqual(Buffer.concat(pieces.filter((piece) => piece !== null)), all);
    });
  }

  it('is given up without what waits', async () => {
    const { readable } = bodyOf([Buffer.from('a'), Buffer.from('b')]);
    const source = openBody(readable);
    await source.pull();
    await turn();
    const gone = new StowageError('aborted', 'Gone.');
    source.close(gone);
    assert.throws(
      () => source.pull(),
      (error) => error === gone,
    );
  });
});
