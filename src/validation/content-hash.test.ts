import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { KIB, MIB } from '../core/bytes.ts';
import { ChunkSource } from './chunk-source.ts';
import { ContentHash } from './content-hash.ts';
import type { Inspector } from './gate.ts';
import { LANES } from './hash-ring.ts';
import { openThreadHash, type ThreadHash } from './hash-thread.ts';
import { JudgedBody, type SettledFile } from './judged-body.ts';
import { EVERYTHING } from './samples/admission.ts';

const CONTENT = Buffer.from(
  Array.from({ length: MIB + 77 }, (_, index) => (index * 31 + (index >> 9)) & 0xff),
);

test('a file hashed before there is a thread has its SHA-256', async () => {
  assert.equal(await digestOf(CONTENT, 100_000), hash('sha256', CONTENT));
});

const ONE_PROCESSOR = availableParallelism() === 1 && 'one processor: a thread would only take turns';

describe('with the thread', { skip: ONE_PROCESSOR, timeout: 60_000 }, () => {
  before(async () => {
    const endMs = Date.now() + 20_000;
    while (freeLanes() === 0) {
      assert.ok(Date.now() < endMs, 'the thread has not started within 20 seconds');
      await delay(5);
    }
  });

  for (const chunkBytes of [1, 1_400, 16 * KIB, 32 * KIB - 1, 32 * KIB, 64 * KIB, 65_537, 300_000]) {
    test(`files of all sizes in chunks of ${chunkBytes} bytes, in memory that is used again`, async () => {
      for (const sizeBytes of [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, CONTENT.length]) {
        const bytes = CONTENT.subarray(0, sizeBytes);
        assert.equal(await digestOf(bytes, chunkBytes), hash('sha256', bytes), `${sizeBytes}`);
      }
      assert.equal(freeLanes(), LANES);
    });
  }

  test('small and large chunks in turn keep their order', async () => {
    const file = new ContentHash();
    let at = 0;
    for (let length = 1; at < CONTENT.length; length = (length * 7) % 90_001) {
      await file.update(CONTENT.subarray(at, at + length));
      at += length;
    }
    assert.equal((await file.digest()).toString('hex'), hash('sha256', CONTENT));
    file.close();
  });

  test('a file closed while it waits for room leaves alone the one that gets its lane', async () => {
    let waited = 0;
    for (let round = 0; round < 20; round += 1) {
      const others = [open(), open()];
      const filling = others.map((other) => other.update(new Uint8Array(40 * 64 * KIB)));
      const closed = new ContentHash();
      await closed.update(Buffer.alloc(60_000, 1));
      const waiting = closed.update(Buffer.alloc(64 * KIB, 2));
      if (waiting instanceof Promise) waited += 1;
      closed.close();
      assert.throws(() => closed.digest(), { message: 'A hash that was closed has no digest.' });
      const [digest] = await Promise.all([digestOf(CONTENT, 200_000), waiting, ...filling]);
      assert.equal(digest, hash('sha256', CONTENT));
      for (const other of others) other.close();
    }
    assert.ok(waited > 0, 'at times there was no room');
    assert.equal(freeLanes(), LANES);
  });

  test('a hash that was closed takes nothing, opens nothing and has no digest', () => {
    for (const bytes of [CONTENT, CONTENT.subarray(0, 10_000)]) {
      const file = new ContentHash();
      file.close();
      file.close();
      assert.equal(file.update(bytes), undefined);
      assert.equal(freeLanes(), LANES);
      assert.throws(() => file.digest(), { message: 'A hash that was closed has no digest.' });
    }
  });

  test('more files at once than there are lanes are hashed all the same', async () => {
    const files = Array.from({ length: LANES + 3 }, () => new ContentHash());
    for (const file of files) await file.update(CONTENT.subarray(0, 100_000));
    assert.equal(freeLanes(), 0);
    const digests = await Promise.all(files.map((file) => file.digest()));
    for (const digest of digests)
      assert.equal(digest.toString('hex'), hash('sha256', CONTENT.subarray(0, 100_000)));
    for (const file of files) file.close();
    assert.equal(freeLanes(), LANES);
  });

  test('a body that is left while its next chunk is judged hashes nothing more and keeps no lane', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { body, go, pass } = waitingBody();
      for (let chunks = 0; chunks < 3; chunks += 1) await pass();
      const pending = body.next();
      await delay(0);
      await body.return();
      const next = digestOf(CONTENT, 150_000);
      go();
      assert.deepEqual(await pending, { done: true, value: undefined });
      assert.equal(await next, hash('sha256', CONTENT));
      assert.throws(() => body.verdict(), /after the body was read to its end/);
    }
    assert.equal(freeLanes(), LANES);
  });

  test('a body that is left before its first chunk comes opens nothing', async () => {
    const { body, opened } = waitingBody();
    const pending = body.next();
    await body.return();
    assert.deepEqual(await pending, { done: true, value: undefined });
    assert.equal(opened(), 0);
    assert.equal(freeLanes(), LANES);
  });

  test('a body that is left at its end gets no verdict', async () => {
    const { body, go, pass } = waitingBody(Buffer.from('abc'));
    await pass();
    const end = body.next();
    await delay(0);
    await body.return();
    go();
    assert.deepEqual(await end, { done: true, value: undefined });
    assert.throws(() => body.verdict(), /after the body was read to its end/);
  });
});

function open(): ThreadHash {
  const file = openThreadHash();
  assert.ok(file !== null, 'the thread is there');
  return file;
}

function freeLanes(): number {
  const files = Array.from({ length: LANES + 1 }, () => openThreadHash()).filter((file) => file !== null);
  for (const file of files) file.close();
  return files.length;
}

/** Gives each chunk in the same memory. */
async function digestOf(bytes: Buffer, chunkBytes: number): Promise<string> {
  const file = new ContentHash();
  const memory = Buffer.alloc(chunkBytes);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const length = bytes.copy(memory, 0, at);
    await file.update(memory.subarray(0, length));
    memory.fill(0xee);
  }
  const digest = await file.digest();
  file.close();
  return digest.toString('hex');
}

/** A body whose inspector keeps every chunk, and the end, waiting until it may go on. */
function waitingBody(content = CONTENT) {
  let go: () => void = () => {};
  let openedCount = 0;
  const wait = () =>
    new Promise<void>((resolve) => {
      go = resolve;
    });
  const inspector: Inspector = { push: wait, finish: wait, close() {} };
  const file: SettledFile = {
    claim: { filename: 'a.zip', mediaType: null, sizeBytes: null, sha256: null },
    assetType: EVERYTHING,
    name: { filename: 'a.zip', extension: 'zip', candidates: ['application/zip'] },
    mediaType: 'application/zip',
    openInspector: () => {
      openedCount += 1;
      return inspector;
    },
  };
  async function* chunks() {
    for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
  }
  const body = new JudgedBody(new ChunkSource(chunks()), file, 0);
  /** Takes the next chunk through. */
  const pass = async () => {
    const next = body.next();
    await delay(0);
    go();
    await next;
  };
  return { body, go: () => go(), pass, opened: () => openedCount };
}
