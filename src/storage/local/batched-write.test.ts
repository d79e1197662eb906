import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { KIB, MIB } from '../../core/bytes.ts';
import { AbortRace } from '../abort-race.ts';
import { inChunks, noise } from '../conformance/material.ts';
import { gatherBeginning, WHOLE_BYTES_MAX, writeBatches } from './batched-write.ts';
import { BLOCK_BYTES, blockMemory, DirectWrites } from './direct-write.ts';
import { openForDirectWriting } from './file-calls.ts';
import { fileSystemOf } from './file-system-type.ts';

const FOOTER = Buffer.from('what stands behind the bytes');

const FILE_SYSTEM = await fileSystemOf(tmpdir());

/** Without direct writes, as on a file system that has none. */
const NONE = { open: async () => null, noteRefusal: () => false };

type Done = (error: NodeJS.ErrnoException | null, written?: number) => void;

describe('a body is in its file byte for byte, and what stands behind it', () => {
  const sizes = [WHOLE_BYTES_MAX, 512 * KIB - FOOTER.byteLength, 512 * KIB, MIB, 1_500_001, 5 * MIB + 1];
  for (const sizeBytes of sizes) {
    for (const chunkBytes of [4093, 64 * KIB, 3 * MIB]) {
      test(`${sizeBytes} bytes in chunks of ${chunkBytes}, past the cache and through it`, async (context) => {
        const body = noise(sizeBytes, chunkBytes);
        for (const direct of [new DirectWrites(FILE_SYSTEM), NONE]) {
          const { path } = await write(context, body, { chunkBytes, direct });
          assert.ok((await readFile(path)).equals(Buffer.concat([body, FOOTER])));
        }
      });
    }
  }

  test('however the chunks are cut, and with chunks of nothing', async (context) => {
    const body = noise(2_345_678, 1);
    const chunks: Buffer[] = [Buffer.alloc(0)];
    for (let at = 0, size = 1; at < body.byteLength; at += size, size = (size * 7 + 1) % 700_001)
      chunks.push(body.subarray(at, at + size), Buffer.alloc(0));
    const { path } = await write(context, body, { chunks, direct: new DirectWrites(FILE_SYSTEM) });
    assert.ok((await readFile(path)).equals(Buffer.concat([body, FOOTER])));
  });

  test('though the memory of a chunk is used again as soon as the next one is asked for', async (context) => {
    const body = noise(4 * MIB, 2);
    const memory = Buffer.alloc(100_000);
    async function* reused(): AsyncGenerator<Uint8Array> {
      // The beginning is held until it is whole: only behind it may memory be used again.
      yield body.subarray(0, WHOLE_BYTES_MAX);
      for (let at = WHOLE_BYTES_MAX; at < body.byteLength; at += memory.byteLength) {
        const bytes = body.copy(memory, 0, at);
        yield memory.subarray(0, bytes);
        memory.fill(0);
      }
    }
    const { path } = await write(context, body, { chunks: reused(), direct: new DirectWrites(FILE_SYSTEM) });
    assert.ok((await readFile(path)).equals(Buffer.concat([body, FOOTER])));
  });
});

describe('direct writes', { skip: process.platform !== 'linux' }, () => {
  test('take whole blocks, where the file system has them; the rest goes through the cache', async (context) => {
    const areTrusted = FILE_SYSTEM !== null && FILE_SYSTEM !== 'btrfs';
    const calls = watchWrites(context);
    await write(context, noise(3 * MIB + 5000, 3), {
      chunkBytes: 50_000,
      direct: new DirectWrites(FILE_SYSTEM),
    });
    const direct = calls.filter(({ isDirect }) => isDirect);
    assert.equal(
      direct.reduce((sum, { bytes }) => sum + bytes, 0),
      areTrusted ? 3 * MIB + BLOCK_BYTES : 0,
    );
    for (const { bytes, position } of direct) assert.equal((bytes | position) % BLOCK_BYTES, 0);
    const end = 5000 - BLOCK_BYTES + FOOTER.byteLength;
    if (areTrusted)
      assert.deepEqual(calls.at(-1), { isDirect: false, bytes: end, position: 3 * MIB + BLOCK_BYTES });
  });

  test('are made from memory that begins with a block', async (context) => {
    const directory = await scratch(context);
    const path = join(directory, 'file');
    await using file = await open(path, 'wx');
    const directFd = await new DirectWrites(FILE_SYSTEM).open(path);
    for (let count = 0; directFd !== null && count < 20; count += 1)
      assert.equal(
        fs.writeSync(directFd, blockMemory(BLOCK_BYTES * (count + 1)), 0, BLOCK_BYTES, 0),
        BLOCK_BYTES,
      );
    if (directFd !== null) fs.closeSync(directFd);
    assert.equal((await file.stat()).size, directFd === null ? 0 : BLOCK_BYTES);
  });

  test('that the disk refuses are made through the cache, and none is tried again', async (context) => {
    const direct = alwaysDirect();
    const calls = watchWrites(context, ({ isDirect }) => (isDirect ? 'EINVAL' : null));
    const body = noise(3 * MIB, 4);
    const { path } = await write(context, body, { chunkBytes: 64 * KIB, direct });
    assert.ok((await readFile(path)).equals(Buffer.concat([body, FOOTER])));
    await write(context, body, { chunkBytes: 64 * KIB, direct });
    assert.equal(calls.filter(({ isDirect }) => isDirect).length, 1);
  });

  for (const code of ['ENOSPC', 'EIO']) {
    test(`that fail with ${code} fail the put: nothing is tried through the cache`, async (context) => {
      const calls = watchWrites(context, ({ isDirect, position }) =>
        isDirect && position > 0 ? code : null,
      );
      const written = write(context, noise(5 * MIB, 5), { chunkBytes: 64 * KIB, direct: alwaysDirect() });
      await assert.rejects(written, { code });
      assert.deepEqual(
        calls.filter(({ isDirect }) => !isDirect),
        [],
      );
    });
  }

  test('that the disk takes in pieces are gone on with', async (context) => {
    const body = noise(3 * MIB, 6);
    const real = fs.write;
    const pieces: number[] = [];
    context.mock.method(
      fs,
      'write',
      (fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Done) => {
        const piece = Math.min(length, 9 * BLOCK_BYTES);
        pieces.push(piece);
        real(fd, bytes, offset, piece, position, done);
      },
    );
    const { path } = await write(context, body, {
      chunkBytes: 64 * KIB,
      direct: new DirectWrites(FILE_SYSTEM),
    });
    assert.ok((await readFile(path)).equals(Buffer.concat([body, FOOTER])));
    assert.ok(pieces.length > 70);
  });

  test('leave no descriptor open, whether the body ends, fails or is given up', async (context) => {
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    const body = noise(3 * MIB, 7);
    await write(context, body, { chunkBytes: 64 * KIB, direct: alwaysDirect() });
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield body;
      throw new Error('The connection is gone.');
    }
    await assert.rejects(
      write(context, body, { chunks: failing(), direct: alwaysDirect() }),
      /connection is gone/,
    );
    const abort = new AbortController();
    async function* stuck(): AsyncGenerator<Uint8Array> {
      yield body;
      abort.abort();
      await new Promise(() => {});
    }
    const given = write(context, body, { chunks: stuck(), direct: alwaysDirect(), signal: abort.signal });
    await assert.rejects(given, { code: 'aborted' });
    assert.equal(open(), before);
  });
});

describe('a body that is given up while its end is written', () => {
  for (const direct of [new DirectWrites(FILE_SYSTEM), NONE]) {
    const way = direct === NONE ? 'through' : 'past';
    test(`writes nothing afterwards, ${way} the cache`, async (context) => {
      const held: (() => void)[] = [];
      const later = fs.write;
      let begun = 0;
      context.mock.method(fs, 'write', (...call: Parameters<typeof fs.write>) => {
        begun += 1;
        held.push(() => later(...call));
      });
      const now = context.mock.method(fs, 'writeSync').mock;
      const abort = new AbortController();
      // The first batch is being written when the body ends: its end waits for that.
      const given = write(context, noise(MIB, 8), { chunkBytes: 64 * KIB, direct, signal: abort.signal });
      while (held.length === 0) await new Promise(setImmediate);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      abort.abort();
      await new Promise(setImmediate);
      for (const run of held) run();
      await assert.rejects(given, { code: 'aborted' });
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      assert.deepEqual([begun, now.callCount()], [1, 0]);
    });
  }
});

test('a sync behind the writer that fails last fails the put: the next one would not tell of it', async (context) => {
  const failed = Promise.withResolvers<void>();
  context.mock.method(fs, 'fdatasync', (_fd: number, done: Done) => {
    void failed.promise.then(() => done(Object.assign(new Error('The disk is gone.'), { code: 'EIO' })));
  });
  // It fails when all has been written and flushed.
  setTimeout(failed.resolve, 500);
  const written = write(context, noise(17 * MIB, 10), { chunkBytes: MIB, direct: NONE });
  await assert.rejects(written, { code: 'EIO' });
});

test('many files at once are written in smaller batches, and one alone in large ones again', {
  skip: process.platform !== 'linux',
}, async (context) => {
  const calls = watchWrites(context);
  const sizes = () => calls.splice(0).map(({ bytes }) => bytes);
  const bodies = Array.from({ length: 8 }, (_, number) => noise(4 * MIB, number));
  // Whatever the machine does meanwhile: none goes on before all have begun, and none ends before all are at their ends.
  const [allBegun, allAtEnd] = [meetingOf(bodies.length), meetingOf(bodies.length)];
  async function* together(body: Buffer): AsyncGenerator<Uint8Array> {
    yield body.subarray(0, 2 * WHOLE_BYTES_MAX);
    await allBegun();
    for (let at = 2 * WHOLE_BYTES_MAX; at < body.byteLength; at += 64 * KIB) {
      if (at + 64 * KIB >= body.byteLength) await allAtEnd();
      yield body.subarray(at, at + 64 * KIB);
    }
  }
  const written = bodies.map((body) => write(context, body, { chunks: together(body), direct: NONE }));
  for (const [at, { path }] of (await Promise.all(written)).entries())
    assert.ok((await readFile(path)).equals(Buffer.concat([bodies[at] ?? FOOTER, FOOTER])));
  const many = sizes();
  // Five are many: four had one large batch in hand when the fifth began.
  assert.ok(many.filter((bytes) => bytes > 512 * KIB).length <= 4, `${many}`);
  await write(context, noise(4 * MIB, 9), { chunkBytes: 64 * KIB, direct: NONE });
  assert.equal(Math.max(...sizes()), MIB);
});

/** What so many wait for that all have come. */
function meetingOf(count: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    come += 1;
    if (come === count) all.resolve();
    return all.promise;
  };
}

interface Call {
  readonly isDirect: boolean;
  readonly bytes: number;
  readonly position: number;
}

/** Notes each write to a place from now on, and lets those fail that get a code. */
function watchWrites(context: TestContext, failure: (call: Call) => string | null = () => null): Call[] {
  const calls: Call[] = [];
  const note = (fd: number, bytes: number, position: number): string | null => {
    const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    const flags = Number.parseInt(/flags:\s+(\d+)/.exec(info)?.[1] ?? '', 8);
    const call = { isDirect: (flags & fs.constants.O_DIRECT) !== 0, bytes, position };
    calls.push(call);
    return failure(call);
  };
  const { write: later, writeSync: now } = fs;
  context.mock.method(
    fs,
    'write',
    (fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Done) => {
      const code = note(fd, length, position);
      if (code === null) later(fd, bytes, offset, length, position, done);
      else setImmediate(done, Object.assign(new Error(code), { code }));
    },
  );
  context.mock.method(
    fs,
    'writeSync',
    (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
      note(fd, length, position);
      return now(fd, bytes, offset, length, position);
    },
  );
  return calls;
}

/** Direct writes whatever the file system is, if it takes them at all (tmpfs does from Linux 6.6 on). */
function alwaysDirect() {
  let arePossible = true;
  return {
    open: async (path: string) => (arePossible ? openForDirectWriting(path) : null),
    noteRefusal: (error: unknown) => {
      const isRefused = error instanceof Error && 'code' in error && error.code === 'EINVAL';
      if (isRefused) arePossible = false;
      return isRefused;
    },
  };
}

async function scratch(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-batches-'));
  context.after(() => rm(directory, { recursive: true }));
  return directory;
}

/** Writes a body to a new file as a put does. */
async function write(
  context: TestContext,
  body: Buffer,
  options: {
    readonly chunkBytes?: number;
    readonly chunks?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
    readonly direct: Pick<DirectWrites, 'open' | 'noteRefusal'>;
    readonly signal?: AbortSignal;
  },
): Promise<{ path: string }> {
  const path = join(await scratch(context), randomBytes(4).toString('hex'));
  const chunks = options.chunks ?? inChunks(body, options.chunkBytes ?? KIB);
  async function* each(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const source = each();
  using abort = new AbortRace(options.signal);
  await using file = await open(path, 'wx');
  const beginning = await gatherBeginning(source, abort);
  const target = { fd: file.fd, path, direct: options.direct, onWriteBack: async () => {} };
  const end = await writeBatches(target, beginning, source, abort, (sizeBytes) => ({
    sizeBytes,
    footer: FOOTER,
  }));
  assert.equal(end.sizeBytes, body.byteLength);
  return { path };
}
