import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, existsSync, fdatasyncSync, openSync, writeFileSync, writevSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { silentLog } from '../../core/log.ts';
import { noise } from '../conformance/material.ts';
import { commitGroup } from './journal-group.ts';
import { draftPut, draftSettled, type RecordDraft, readRecords } from './journal-record.ts';
import { type DraftGroup, encodeGroup, JournalThread } from './journal-thread.ts';
import { openLayout, placeOfName } from './layout.ts';

const NAMES = ['ab', 'cd', 'ef'].map((digits) => digits.repeat(32));
const [FIRST = '', SECOND = '', THIRD = ''] = NAMES;

test('a group is written to the journal and its objects get their places', async (context) => {
  const { group, pathOf, temporaries } = await openGroup(context);
  const thread = new JournalThread();
  context.after(() => thread.close());
  const files = [noise(300, 1), noise(60_000, 2)];
  const refusals = await thread.commit(
    group([draftPut(FIRST, files.slice(0, 1)), draftSettled(THIRD, 'v'), draftPut(SECOND, files.slice(1))]),
  );
  assert.deepEqual(refusals, []);
  assert.ok((await readFile(pathOf(FIRST))).equals(files[0] ?? Buffer.alloc(0)));
  assert.ok((await readFile(pathOf(SECOND))).equals(files[1] ?? Buffer.alloc(0)));
  assert.deepEqual(
    readRecords(await readFile(group([]).path)).map(({ type, name }) => [type, name]),
    [
      ['put', FIRST],
      ['settled', THIRD],
      ['put', SECOND],
    ],
  );
  await thread.rest();
  assert.deepEqual(await temporaries(), []);
});

test('groups that are asked for at once keep their bytes apart', async (context) => {
  const { group, pathOf } = await openGroup(context);
  const thread = new JournalThread();
  context.after(() => thread.close());
  await Promise.all(
    NAMES.map((name, seed) => thread.commit(group([draftPut(name, [noise(9_000 - seed, seed)])]))),
  );
  for (const [seed, name] of NAMES.entries())
    assert.ok((await readFile(pathOf(name))).equals(noise(9_000 - seed, seed)), name);
});

test('nothing has its place before the journal is on disk, and nothing gets one when that fails', async (context) => {
  const { group, pathOf, placed, temporaries } = await openGroup(context);
  const seen: string[][] = [];
  const write = async (fd: number, records: readonly Buffer[]) => void writevSync(fd, records);
  const { tidy } = await commitGroup(encodeGroup(group([draftPut(FIRST, [noise(100, 1)])])), {
    write,
    sync: async (fd) => {
      seen.push(await placed());
      fdatasyncSync(fd);
      seen.push(await placed());
    },
  });
  assert.deepEqual(seen, [[], []]);
  assert.equal((await temporaries()).length, 1);
  await tidy();
  assert.ok((await readFile(pathOf(FIRST))).equals(noise(100, 1)));

  const failing = commitGroup(encodeGroup(group([draftPut(SECOND, [noise(100, 2)])])), {
    write,
    sync: () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' })),
  });
  await assert.rejects(failing, { code: 'EIO' });
  assert.deepEqual(await placed(), [FIRST]);
  assert.deepEqual(await temporaries(), []);
});

test('a taken key is refused and not recorded; an object that gets no place is recorded and says so', async (context) => {
  const { group, pathOf, directoryOf, temporaries } = await openGroup(context);
  const thread = new JournalThread();
  context.after(() => thread.close());
  writeFileSync(pathOf(FIRST), 'there first');
  await rm(directoryOf(SECOND), { recursive: true });
  const refusals = await thread.commit(group(NAMES.map((name, seed) => draftPut(name, [noise(200, seed)]))));
  assert.deepEqual(
    refusals.map(({ index, code, recorded }) => ({ index, code, recorded })),
    [
      { index: 0, code: 'EEXIST', recorded: false },
      { index: 1, code: 'ENOENT', recorded: true },
    ],
  );
  assert.equal(await readFile(pathOf(FIRST), 'utf8'), 'there first');
  assert.ok((await readFile(pathOf(THIRD))).equals(noise(200, 2)));
  assert.deepEqual(
    readRecords(await readFile(group([]).path)).map(({ name }) => name),
    [SECOND, THIRD],
  );
  await thread.rest();
  assert.deepEqual(await temporaries(), []);
});

// The first is told by an event, the second by the constructor.
for (const url of [new URL('./nothing.ts', import.meta.url), new URL('http://127.0.0.1/nothing.js')]) {
  test(`where no thread can be had the work is done without it (${url.protocol})`, async (context) => {
    const { group, pathOf } = await openGroup(context);
    const thread = new JournalThread(url);
    for (const name of [FIRST, SECOND])
      assert.deepEqual(await thread.commit(group([draftPut(name, [noise(100, 1)])])), []);
    assert.ok((await readFile(pathOf(SECOND))).equals(noise(100, 1)));
    await thread.sync([pathOf(FIRST), pathOf(THIRD)], 2);
  });
}

test('a thread that ends in the middle of its first group refuses it, and does not write it twice', async (context) => {
  const { group, pathOf } = await openGroup(context);
  const program = `
    import { parentPort } from 'node:worker_threads';
    import { writeSync } from 'node:fs';
    parentPort.postMessage({ does: 'start' });
    parentPort.on('message', ({ task }) => { writeSync(task.fd, 'torn'); throw new Error('the thread fails'); });`;
  const thread = new JournalThread(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  await assert.rejects(thread.commit(group([draftPut(FIRST, [noise(100, 1)])])), /the thread fails/);
  assert.equal(await readFile(group([]).path, 'utf8'), 'torn');
  await assert.rejects(readFile(pathOf(FIRST)), { code: 'ENOENT' });
});

test('a group is answered before all is tidied up after it; then the thread may end, not before', async (context) => {
  const { group, directoryOf } = await openGroup(context);
  const mark = join(directoryOf(FIRST), 'tidied');
  const program = `
    import { parentPort } from 'node:worker_threads';
    import { writeFileSync } from 'node:fs';
    parentPort.postMessage({ does: 'start' });
    parentPort.on('message', ({ number }) => {
      parentPort.postMessage({ does: 'end', number, refusals: [], failure: null });
      setTimeout(() => {
        writeFileSync(${JSON.stringify(mark)}, '');
        parentPort.postMessage({ does: 'rest', number });
      }, 100);
    });`;
  const thread = new JournalThread(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  await thread.commit(group([draftPut(FIRST, [noise(100, 1)])]));
  assert.equal(existsSync(mark), false);
  await thread.close();
  assert.equal(existsSync(mark), true);
});

test('a thread whose file has gone since is done without', async (context) => {
  const { group, pathOf } = await openGroup(context);
  const path = `${group([]).path}-worker.ts`;
  writeFileSync(path, `import ${JSON.stringify(new URL('./journal-worker.ts', import.meta.url).href)};`);
  const thread = new JournalThread(pathToFileURL(path));
  await thread.commit(group([draftPut(FIRST, [noise(100, 1)])]));
  await rm(path);
  await thread.close();
  assert.deepEqual(await thread.commit(group([draftPut(SECOND, [noise(100, 2)])])), []);
  assert.ok((await readFile(pathOf(SECOND))).equals(noise(100, 2)));
});

test('a group of many tiny objects takes few descriptors', async (context) => {
  const { group, placed } = await openGroup(context);
  const records = Array.from({ length: 400 }, (_, index) =>
    draftPut(index.toString(16).padStart(64, '0'), [noise(10, index)]),
  );
  // The system gives the lowest number that is free.
  const nextDescriptor = (): number => {
    const fd = openSync(group([]).path, 'r');
    closeSync(fd);
    return fd;
  };
  const before = nextDescriptor();
  let meanwhile = before;
  await commitGroup(encodeGroup(group(records)), {
    write: async (fd, buffers) => void writevSync(fd, buffers),
    sync: async (fd) => {
      await Promise.resolve();
      meanwhile = nextDescriptor();
      fdatasyncSync(fd);
    },
  });
  assert.ok(meanwhile - before <= 100, `${meanwhile - before} descriptors`);
  assert.equal((await placed()).length, 400);
});

test('a thread that has ended is replaced; a failing sync is told with its code', async (context) => {
  const { group, pathOf, directoryOf } = await openGroup(context);
  const thread = new JournalThread();
  context.after(() => thread.close());
  await thread.commit(group([draftPut(FIRST, [noise(100, 1)])]));
  await thread.close();
  await thread.commit(group([draftPut(SECOND, [noise(100, 2)])]));
  assert.ok((await readFile(pathOf(SECOND))).equals(noise(100, 2)));
  await thread.sync([pathOf(FIRST), pathOf(SECOND), pathOf(THIRD)], 2);
  await assert.rejects(thread.sync([`${pathOf(FIRST)}/below`], 2), { code: 'ENOTDIR' });
  await thread.sync([directoryOf(FIRST)], 2);
});

test('a process waits for its puts and what is left to do for them, and ends by itself', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'stowage-thread-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  const program = `
    import { openLocalBackend } from ${JSON.stringify(new URL('./backend.ts', import.meta.url).href)};
    import { Bucket } from ${JSON.stringify(new URL('../bucket.ts', import.meta.url).href)};
    const backend = await openLocalBackend({
      root: ${JSON.stringify(join(root, 'store'))}, publicUrl: 'http://127.0.0.1', freeBytesMin: 0,
      signingSecrets: ['a secret of the tests, 32 bytes +'],
    });
    const body = (async function* () { yield Buffer.from('hello'); })();
    const options = { mode: 'create', contentType: 'text/plain', cacheControl: '', metadata: {} };
    const { version } = await new Bucket(backend).put('a', body, options);
    process.stdout.write(version);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 60_000,
  });
  assert.match(stdout, /^[0-9a-f-]{36}$/);
  assert.deepEqual(await readdir(join(root, 'store', 'tmp')), []);
});

/** A store's directories with an open journal. */
async function openGroup(context: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'stowage-thread-'));
  const layout = await openLayout(join(root, 'store'), silentLog);
  const path = join(root, 'journal');
  const fd = openSync(path, 'w');
  context.after(async () => {
    closeSync(fd);
    await rm(root, { recursive: true, force: true });
  });
  const group = (records: readonly RecordDraft[]): DraftGroup & { path: string } => ({
    fd,
    layout,
    records,
    path,
  });
  return {
    group,
    pathOf: (name: string) => placeOfName(layout, name).path,
    directoryOf: (name: string) => placeOfName(layout, name).directory,
    temporaries: () => readdir(layout.temporary),
    /** Names of all objects that have a place. */
    placed: async () => {
      const found = await readdir(layout.objects, { recursive: true });
      return found.filter((each) => each.includes('/')).map((each) => each.slice(3));
    },
  };
}
