import assert from 'node:assert/strict';
import fs from 'node:fs';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { DirectorySync } from './directory-sync.ts';
import { FileSystemSync, type WholeSync } from './file-system-sync.ts';
import { Journal, SYNC_WHOLE_MIN } from './journal.ts';
import { draftPut, encodeRecord, RECORD_HEADER_BYTES } from './journal-record.ts';
import { JournalThread } from './journal-thread.ts';
import { objectPlace, openLayout } from './layout.ts';
import { encodeFooter } from './object-footer.ts';
import { PlaceLocks } from './place-locks.ts';

test('a journal is full after ten seconds and retired when it has waited', async (context) => {
  const { journal, layout, put } = await openTestJournal(context);
  const startMs = performance.now();
  await put('a');
  await journal.tick(startMs + 9_000);
  await put('b');
  assert.equal((await readdir(layout.journal)).length, 1);
  await journal.tick(performance.now() + 10_001);
  await put('c');
  assert.equal((await readdir(layout.journal)).length, 2);
  await journal.tick(startMs + 44_000);
  assert.equal((await readdir(layout.journal)).length, 2);
  await journal.tick(performance.now() + 46_000);
  assert.equal((await readdir(layout.journal)).length, 1);
});

test('a checkpoint that failed keeps the journal, and the next one writes the objects anew', async (context) => {
  const { journal, layout, put } = await openTestJournal(context);
  const place = objectPlace(layout, parseObjectKey('a'));
  const file = await put('a');
  // The disk fails: nothing of the directory can be synced.
  await rename(place.directory, `${place.directory}-away`);
  const fullMs = performance.now() + 10_001;
  await journal.tick(fullMs);
  await journal.tick(fullMs + 36_000);
  assert.equal((await readdir(layout.journal)).length, 1);
  await rename(`${place.directory}-away`, place.directory);
  const { ino } = await stat(place.path);
  await truncate(place.path, 10);
  // Not at once again, but after a pause.
  await journal.tick(fullMs + 37_000);
  assert.equal((await readdir(layout.journal)).length, 1);
  await journal.tick(fullMs + 42_000);
  assert.deepEqual(await readdir(layout.journal), []);
  assert.ok((await readFile(place.path)).equals(file));
  assert.notEqual((await stat(place.path)).ino, ino);
});

for (const { count, answer, asked, oneByOne } of [
  { count: SYNC_WHOLE_MIN - 1, answer: 'done', asked: 0, oneByOne: SYNC_WHOLE_MIN - 1 },
  { count: SYNC_WHOLE_MIN, answer: 'done', asked: 1, oneByOne: 0 },
  { count: SYNC_WHOLE_MIN, answer: 'none', asked: 1, oneByOne: SYNC_WHOLE_MIN },
] as const) {
  test(`of a journal of ${count} puts ${oneByOne} are synced one by one where the file system's sync is ${answer}`, async (context) => {
    const watched = await openWatchedJournal(context, [answer]);
    await watched.fill('a', count);
    await watched.journal.checkpoint();
    assert.deepEqual(await readdir(watched.layout.journal), []);
    assert.deepEqual([watched.asked(), watched.oneByOne()], [asked, oneByOne]);
  });
}

test('beside the journal of another process the file system is not synced whole', async (context) => {
  const watched = await openWatchedJournal(context, []);
  await watched.fill('a', SYNC_WHOLE_MIN);
  await writeFile(join(watched.layout.journal, '0a1b2c3d-4026531836-1-1-abc-def.log'), '');
  await watched.journal.checkpoint();
  assert.deepEqual([watched.asked(), watched.oneByOne()], [0, SYNC_WHOLE_MIN]);
});

for (const fails of ['the sync', 'the flush behind it'] as const) {
  test(`when ${fails} of the file system fails, the objects of all journals are written anew`, async (context) => {
    const watched = await openWatchedJournal(context, [fails === 'the sync' ? 'failed' : 'done', 'none']);
    const { journal, layout } = watched;
    await watched.fill('first', SYNC_WHOLE_MIN);
    await watched.fill('second', 2);
    const paths = ['first 0', 'second 0'].map((key) => objectPlace(layout, parseObjectKey(key)).path);
    const before = await Promise.all(paths.map(async (path) => (await stat(path)).ino));
    if (fails !== 'the sync') await rename(layout.objects, `${layout.objects}-away`);
    await assert.rejects(journal.checkpoint());
    if (fails !== 'the sync') await rename(`${layout.objects}-away`, layout.objects);
    assert.equal((await readdir(layout.journal)).length, 2);
    await journal.checkpoint();
    assert.deepEqual(await readdir(layout.journal), []);
    for (const [at, path] of paths.entries()) assert.notEqual((await stat(path)).ino, before[at]);
    assert.deepEqual([watched.asked(), watched.oneByOne()], [1, 0]);
  });
}

test('an object that could not be synced while its journal was retired keeps the journal', async (context) => {
  const watched = await openWatchedJournal(context, []);
  const { journal, layout } = watched;
  await watched.fill('a', SYNC_WHOLE_MIN);
  const place = objectPlace(layout, parseObjectKey('a 0'));
  watched.onAsked(async () => {
    // A delete comes in between, and the disk fails it.
    await rename(place.directory, `${place.directory}-away`);
    await mkdir(place.directory);
    await link(join(`${place.directory}-away`, basename(place.path)), place.path);
    const { fdatasync } = fs;
    const failing = context.mock.method(fs, 'fdatasync', (_fd: number, done: (error: Error) => void) =>
      setImmediate(done, Object.assign(new Error('The disk is gone.'), { code: 'EIO' })),
    );
    await assert.rejects(journal.settle(place), { code: 'EIO' });
    failing.mock.mockImplementation(fdatasync);
    await rm(place.directory, { recursive: true });
    await rename(`${place.directory}-away`, place.directory);
  });
  await assert.rejects(journal.checkpoint(), /could not be synced meanwhile/);
  assert.equal((await readdir(layout.journal)).length, 1);
  const { ino } = await stat(place.path);
  await journal.checkpoint();
  assert.deepEqual(await readdir(layout.journal), []);
  assert.notEqual((await stat(place.path)).ino, ino);
});

test('closing does not wait for a sync that hangs, whoever began it', async (context) => {
  const fileSystem = new FileSystemSync('/', null);
  const hanging = async (signal: AbortSignal): Promise<WholeSync> => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return 'none';
  };
  context.mock.method(fileSystem, 'run', hanging);
  const { journal, layout, put } = await openTestJournal(context, fileSystem);
  await Promise.all(Array.from({ length: SYNC_WHOLE_MIN }, (_, number) => put(`${number}`)));
  const fullMs = performance.now() + 10_001;
  await journal.tick(fullMs);
  const behind = journal.tick(fullMs + 36_000);
  const startedMs = performance.now();
  await journal.close();
  await behind;
  assert.ok(performance.now() - startedMs < 8_000);
  // Left for the next open.
  assert.equal((await readdir(layout.journal)).length, 1);
});

/** A journal whose syncs of the whole file system answer so, and which are counted. */
async function openWatchedJournal(context: TestContext, answers: WholeSync[]) {
  const fileSystem = new FileSystemSync('/', null);
  let onAsked = async (): Promise<void> => {};
  const { mock } = context.mock.method(fileSystem, 'run', async () => {
    await onAsked();
    return answers.shift() ?? 'done';
  });
  const sync = context.mock.method(JournalThread.prototype, 'sync').mock;
  const opened = await openTestJournal(context, fileSystem);
  return {
    ...opened,
    asked: () => mock.callCount(),
    onAsked: (run: () => Promise<void>) => {
      onAsked = run;
    },
    oneByOne: () => sync.calls.flatMap(({ arguments: [paths] }) => paths).length,
    /** Puts objects and lets the journal be full. */
    fill: async (name: string, count: number) => {
      await Promise.all(Array.from({ length: count }, (_, number) => opened.put(`${name} ${number}`)));
      await opened.journal.tick(performance.now() + 10_001);
    },
  };
}

/** A journal in a tree of its own, and a way to put small objects through it. */
async function openTestJournal(context: TestContext, fileSystem = new FileSystemSync('/', null)) {
  const root = await mkdtemp(join(tmpdir(), 'stowage-journal-'));
  const layout = await openLayout(join(root, 'store'), silentLog);
  const directories = new DirectorySync();
  const journal = new Journal({
    layout,
    directories,
    locks: new PlaceLocks(),
    log: silentLog,
    bytesMax: 1024 * 1024,
    fileSystem,
  });
  context.after(async () => {
    await journal.close();
    await rm(root, { recursive: true, force: true });
  });
  const put = async (text: string): Promise<Buffer> => {
    const key = parseObjectKey(text);
    const version = `version of ${text}`;
    const info = {
      key,
      version,
      sizeBytes: 1,
      contentType: '',
      cacheControl: '',
      metadata: {},
      modifiedAtMs: 1,
    };
    const place = objectPlace(layout, key);
    const record = draftPut(place.name, [Buffer.from('x'), encodeFooter(info)]);
    assert.ok(await journal.put({ place, version, record }));
    return encodeRecord(record).subarray(RECORD_HEADER_BYTES);
  };
  return { journal, layout, put };
}
