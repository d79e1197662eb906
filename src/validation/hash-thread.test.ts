import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { KIB, MIB } from '../core/bytes.ts';
import { LANES, RingReader, RingWriter, ringMemory } from './hash-ring.ts';
import { HashThread, type ThreadHash } from './hash-thread.ts';

const ENDED = { message: 'The thread that hashes files has ended.' };

test('files of any size, at once and in chunks of any size, get their own SHA-256', async (context) => {
  const thread = await started(context);
  const sizes = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3 * MIB + 7, 9 * MIB];
  const chunkSizes = [1021, 64 * KIB, 100_000, 5 * MIB];
  const files = chunkSizes.flatMap((chunkBytes, seed) =>
    sizes.map((sizeBytes) => ({ bytes: bytesOf(sizeBytes, seed), chunkBytes })),
  );
  const digests = await Promise.all(
    files.map(({ bytes, chunkBytes }) => digestOf(opened(thread), bytes, chunkBytes)),
  );
  assert.deepEqual(
    digests.map((digest) => digest.toString('hex')),
    files.map(({ bytes }) => hash('sha256', bytes)),
  );
});

test('whoever finds the ring full waits, and all go on', async (context) => {
  const thread = await started(context);
  const bytes = bytesOf(8 * MIB, 1);
  const files = Array.from({ length: 12 }, () => opened(thread));
  const waits = files.map((file) => file.update(bytes));
  assert.ok(
    waits.some((wait) => wait instanceof Promise),
    'there is not room for all',
  );
  await Promise.all(waits);
  const digests = await Promise.all(files.map((file) => file.digest()));
  for (const digest of digests) assert.equal(digest.toString('hex'), hash('sha256', bytes));
});

test('bytes that were taken may change', async (context) => {
  const thread = await started(context);
  const file = opened(thread);
  const chunk = Buffer.alloc(64 * KIB);
  const expected: Buffer[] = [];
  for (let index = 0; index < 100; index += 1) {
    chunk.fill(index);
    expected.push(Buffer.from(chunk));
    await file.update(chunk);
  }
  chunk.fill(255);
  assert.equal((await file.digest()).toString('hex'), hash('sha256', Buffer.concat(expected)));
});

test('a file given up, also while it waits, leaves its lane clean to the next one', async (context) => {
  const thread = await started(context);
  const bytes = bytesOf(5 * MIB, 2);
  for (let round = 0; round < 10; round += 1) {
    const givenUp = Array.from({ length: LANES }, () => opened(thread));
    assert.equal(thread.open(), null, 'no more than the lanes');
    const waits = givenUp.map((file) => file.update(bytes.subarray(0, round * MIB)));
    if (round % 2 === 0) await delay(1);
    for (const file of givenUp) file.close();
    for (const file of givenUp) file.close();
    // Who reads on behind the end must not write into what is another file's by now.
    const late = givenUp.map((file) => file.update(bytes));
    const files = givenUp.slice(0, 3).map(() => opened(thread));
    const digests = await Promise.all(files.map((file) => digestOf(file, bytes, 256 * KIB)));
    for (const digest of digests) assert.equal(digest.toString('hex'), hash('sha256', bytes));
    await Promise.all([...waits, ...late]);
  }
});

test('the counters of the ring wrap around, and one wish for room is told once', () => {
  const memory = ringMemory();
  new Int32Array(memory, 0, 2).fill(0x7fff_ffff - 20);
  const writer = new RingWriter(memory);
  const reader = new RingReader(memory);
  let read = 0;
  let written = 0;
  for (let round = 0; round < 200; round += 1) {
    for (; writer.hasRoom; written += 1)
      writer.write(written & 255, written & 1, Buffer.from([written & 255, 9]));
    assert.ok(writer.wantRoom());
    let told = 0;
    for (const end = read + 17; read < end; read += 1) {
      const { lane, flags, bytes } = reader.read();
      assert.deepEqual([lane, flags, ...bytes], [read & 255, read & 1, read & 255, 9]);
      if (reader.release()) told += 1;
    }
    assert.equal(told, 1);
    assert.ok(!writer.wantRoom(), 'there is room');
  }
});

test('a hash that was given up has no digest', async (context) => {
  const thread = await started(context);
  const file = opened(thread);
  file.close();
  await assert.rejects(file.digest(), { message: 'The hash was given up.' });
});

test('when the thread ends, all that waits for it fails, and nothing is begun any more', async (context) => {
  const thread = await started(context);
  const bytes = bytesOf(40 * MIB, 3);
  const files = Array.from({ length: 3 }, () => opened(thread));
  const ended = opened(thread);
  await ended.update(bytes.subarray(0, 100));
  const waits = [...files.map((file) => file.update(bytes)), ended.digest()];
  const failed = waits.map((wait) => assert.rejects(async () => wait, ENDED));
  await thread.close();
  await thread.ended;
  await Promise.all(failed);
  assert.throws(() => files[0]?.update(bytes), ENDED);
  await assert.rejects(async () => files[1]?.digest(), ENDED);
  assert.equal(thread.open(), null);
});

test('a thread that can’t be had is told', async () => {
  const thread = new HashThread(new URL('./no-such-worker.ts', import.meta.url));
  const reason = await thread.ended;
  assert.match(String(reason), /no-such-worker/);
  assert.equal(thread.open(), null);
});

test('a process waits for a digest, and not for an idle thread', { timeout: 60_000 }, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'stowage-hash-'));
  context.after(() => rm(folder, { recursive: true }));
  const script = join(folder, 'main.ts');
  await writeFile(
    script,
    `import { HashThread } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'hash-thread.ts')).href)};
    const thread = new HashThread();
    let file = null;
    while ((file = thread.open()) === null) await new Promise((resolve) => setTimeout(resolve, 5));
    void (async () => {
      for (let index = 0; index < 40; index += 1) await file.update(new Uint8Array(1024 * 1024));
      console.log((await file.digest()).toString('hex'));
    })();`,
  );
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { timeout: 50_000 });
  assert.equal(stderr, '');
  assert.equal(stdout.trim(), hash('sha256', Buffer.alloc(40 * MIB)));
});

async function started(context: TestContext): Promise<HashThread> {
  const thread = new HashThread();
  context.after(() => thread.close());
  for (const endMs = Date.now() + 20_000; Date.now() < endMs; await delay(5)) {
    const file = thread.open();
    file?.close();
    if (file !== null) return thread;
  }
  throw new Error('The thread has not started within 20 seconds.');
}

function opened(thread: HashThread): ThreadHash {
  const file = thread.open();
  assert.ok(file !== null, 'the thread is there and has a lane');
  return file;
}

async function digestOf(file: ThreadHash, bytes: Buffer, chunkBytes: number): Promise<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes)
    await file.update(bytes.subarray(at, at + chunkBytes));
  return file.digest();
}

/** Bytes that differ from slot to slot and from seed to seed. */
function bytesOf(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) bytes[at] = (at * 31 + (at >>> 11) * 7 + seed * 101) & 0xff;
  return bytes;
}
