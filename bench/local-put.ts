// Question: what do durable puts and gets of the store on local disk cost, against the bare limit of this disk?
//
// Method: one process (16 threads in the pool, as the service has), a fresh directory per round, contenders in turn.
// - 200 MB from a loopback socket (that is what an upload is) into a put, against `socket.pipe(createWriteStream)`
//   without any fsync; the client's process makes the bytes.
// - 10 KB puts, 16 in flight, each durable when answered, against the same without the journal (two syncs each), and
//   against open + write + close + rename without any fsync; once more for 20 s on end, so that journals fill
//   and are retired behind the puts, with the time that the last checkpoint takes counted in.
// - 200 MB and 10 KB gets, read and thrown away, against createReadStream and readFile.
// Excluded: HTTP, the gate, hashing, the database. Reported: median and spread over the rounds, and ratios in the
// same round. Run: `node bench/local-put.ts [rounds] [question,…]`.
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseObjectKey } from '../src/core/key.ts';
import { openLocalBackend } from '../src/storage/index.ts';
import { type Answer, perSecond, ratios, report, scratch } from './harness.ts';

process.env.UV_THREADPOOL_SIZE ??= '16';

const LARGE_BYTES = 200 * 1000 * 1000;
const SMALL_BYTES = 10 * 1024;
const SMALL_COUNT = 2000;
const AT_ONCE = 16;
const SUSTAINED_MS = 20_000;
const WRITE = { mode: 'create', contentType: 'image/png', cacheControl: '', metadata: {} } as const;

/** Directories to remove at the end: on a disk that discards freed blocks, removing now would slow what follows. */
const used: string[] = [];

const rounds = Number(process.argv[2] ?? 5);
let kept = true;
const QUESTIONS = { small, sustained, large, largeGet, smallGet };
const asked = process.argv[3]?.split(',') ?? Object.keys(QUESTIONS);
for (const [name, question] of Object.entries(QUESTIONS))
  if (asked.includes(name)) kept = report(await question()) && kept;
for (const path of used) await rm(path, { recursive: true, force: true });
process.exitCode = kept ? 0 : 3;

async function large(): Promise<Answer> {
  const figures = await inTurn({
    'put, durable': () =>
      withSocket(async (socket, directory) => {
        const backend = await openStore(directory);
        await backend.put(parseObjectKey('large'), socket, WRITE);
      }),
    'pipe, no fsync': () =>
      withSocket(async (socket, directory) => {
        await finished(socket.pipe(createWriteStream(join(directory, 'large'))));
      }),
  });
  return {
    question: '200 MB into the store',
    unit: 'MB/s',
    figures,
    targets: [
      { title: 'put / pipe', values: ratios(figures, 'put, durable', 'pipe, no fsync'), atLeast: 0.9 },
    ],
  };
}

async function small(): Promise<Answer> {
  const body = Buffer.alloc(SMALL_BYTES, 1);
  const figures = await inTurn({
    'put, durable': () =>
      withDirectory(async (directory) => {
        const backend = await openStore(directory);
        return perSecond(SMALL_COUNT, AT_ONCE, async (number) => {
          await backend.put(parseObjectKey(`small/${number}`), one(body), WRITE);
        });
      }),
    'put without journal, durable': () =>
      withDirectory(async (directory) => {
        const backend = await openStore(directory, 0);
        return perSecond(SMALL_COUNT, AT_ONCE, async (number) => {
          await backend.put(parseObjectKey(`small/${number}`), one(body), WRITE);
        });
      }),
    'write + rename, no fsync': () =>
      withDirectory(async (directory) => {
        await mkdir(join(directory, 'tmp'));
        return perSecond(SMALL_COUNT, AT_ONCE, async (number) => {
          const file = await open(join(directory, 'tmp', `${number}`), 'wx');
          await file.write(body);
          await file.close();
          await rename(join(directory, 'tmp', `${number}`), join(directory, `${number}`));
        });
      }),
  });
  return {
    question: '10 KB into the store, 16 at once',
    unit: 'objects/s',
    figures,
    targets: [
      {
        title: 'put / no fsync',
        values: ratios(figures, 'put, durable', 'write + rename, no fsync'),
        atLeast: 0.3,
      },
      {
        title: 'put / without journal',
        values: ratios(figures, 'put, durable', 'put without journal, durable'),
        atLeast: 2,
      },
    ],
  };
}

/** One run of each is long enough to need no rounds. */
async function sustained(): Promise<Answer> {
  const body = Buffer.alloc(SMALL_BYTES, 1);
  let answeredPerSecond = 0;
  const run = (journalBytesMax?: number) =>
    withDirectory(async (directory) => {
      const backend = await openStore(directory, journalBytesMax);
      const started = performance.now();
      let count = 0;
      const worker = async (): Promise<void> => {
        while (performance.now() - started < SUSTAINED_MS) {
          count += 1;
          await backend.put(parseObjectKey(`small/${count}`), one(body), WRITE);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      answeredPerSecond = (count * 1000) / (performance.now() - started);
      await backend.checkpoint();
      await backend.close();
      return (count * 1000) / (performance.now() - started);
    });
  const withoutJournal = await run(0);
  const withJournal = await run();
  const figures = {
    'put, durable': [withJournal],
    'put, until answered': [answeredPerSecond],
    'put without journal, durable': [withoutJournal],
  };
  return {
    question: '10 KB into the store for 20 s, 16 at once, until all have their own files on disk',
    unit: 'objects/s',
    figures,
    targets: [
      {
        title: 'put, until answered / without journal',
        values: ratios(figures, 'put, until answered', 'put without journal, durable'),
        atLeast: 1,
      },
    ],
  };
}

async function largeGet(): Promise<Answer> {
  const path = scratch();
  const backend = await openStore(path);
  const key = parseObjectKey('large');
  await backend.put(key, repeated(Buffer.alloc(1000 * 1000, 1), 200), WRITE);
  await repeatedToFile(join(path, 'plain'));
  const figures = await inTurn({
    get: () => megabytesPerSecond(async () => consume((await backend.get(key, {})).body)),
    createReadStream: () => megabytesPerSecond(() => consume(createReadStream(join(path, 'plain')))),
  });
  const values = ratios(figures, 'get', 'createReadStream');
  return {
    question: '200 MB out of the store',
    unit: 'MB/s',
    figures,
    targets: [{ title: 'get / createReadStream', values, atLeast: 1.5 }],
  };
}

async function smallGet(): Promise<Answer> {
  const path = scratch();
  const backend = await openStore(path);
  const key = parseObjectKey('small');
  await backend.put(key, one(Buffer.alloc(SMALL_BYTES, 1)), WRITE);
  await repeatedToFile(join(path, 'plain'), SMALL_BYTES);
  const figures = await inTurn({
    get: () => perSecond(5 * SMALL_COUNT, AT_ONCE, async () => consume((await backend.get(key, {})).body)),
    readFile: () =>
      perSecond(5 * SMALL_COUNT, AT_ONCE, async () => void (await readFile(join(path, 'plain')))),
  });
  const values = ratios(figures, 'get', 'readFile');
  return {
    question: '10 KB out of the store, 16 at once',
    unit: 'objects/s',
    figures,
    targets: [{ title: 'get / readFile', values, atLeast: 1 }],
  };
}

/** Measures the contenders in turn, round after round; the first round warms up and does not count. */
async function inTurn(contenders: Readonly<Record<string, () => Promise<number>>>) {
  const figures: Record<string, number[]> = {};
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(contenders)) {
      const figure = await measure();
      if (round >= 0) figures[name] = [...(figures[name] ?? []), figure];
    }
  }
  return figures;
}

async function openStore(directory: string, journalBytesMax?: number) {
  const root = join(directory, 'store');
  return openLocalBackend({
    root,
    publicUrl: 'http://127.0.0.1',
    signingSecrets: ['x'.repeat(32)],
    ...(journalBytesMax === undefined ? {} : { journalBytesMax }),
  });
}

/** MB/s of one connection whose other end sends LARGE_BYTES from another process. */
async function withSocket(receive: (socket: Socket, directory: string) => Promise<void>): Promise<number> {
  return withDirectory(async (directory) => {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const script = `const s=require('net').connect(${port},'127.0.0.1');const b=Buffer.alloc(1e6,1);let n=0;
      const go=()=>{while(n<${LARGE_BYTES / 1e6}){n++;if(!s.write(b))return s.once('drain',go)}s.end()};s.on('connect',go)`;
    const sender = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
    const socket = await new Promise<Socket>((resolve) => server.once('connection', resolve));
    const rate = await megabytesPerSecond(() => receive(socket, directory));
    await new Promise((resolve) => (sender.exitCode === null ? sender.once('exit', resolve) : resolve(null)));
    await new Promise((resolve) => server.close(resolve));
    return rate;
  });
}

async function withDirectory(work: (directory: string) => Promise<number>): Promise<number> {
  const path = scratch();
  used.push(path);
  return work(path);
}

async function megabytesPerSecond(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return LARGE_BYTES / 1000 / (performance.now() - started);
}

async function* one(body: Buffer): AsyncGenerator<Uint8Array> {
  yield body;
}

async function* repeated(chunk: Buffer, count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield chunk;
}

async function repeatedToFile(path: string, bytes = LARGE_BYTES): Promise<void> {
  const file = await open(path, 'wx');
  await file.write(Buffer.alloc(bytes, 1));
  await file.close();
}

async function consume(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of body);
}
