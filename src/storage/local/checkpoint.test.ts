import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { DirectorySync } from './directory-sync.ts';
import { FileSystemSync } from './file-system-sync.ts';
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

for (const { count, answers, asked } of [
  { count: SYNC_WHOLE_MIN - 1, answers: true, asked: 0 },
  { count: SYNC_WHOLE_MIN, answers: true, asked: 1 },
  { count: SYNC_WHOLE_MIN, answers: false, asked: 1 },
]) {
  const title = answers ? `asks ${asked} times for the whole file system` : 'syncs each when that fails';
  test(`a journal of ${count} puts ${title}`, async (context) => {
    const fileSystem = new FileSystemSync('/', null);
    const { mock } = context.mock.method(fileSystem, 'run', async () => answers);
    const sync = context.mock.method(JournalThread.prototype, 'sync');
    const { journal, layout, put } = await openTestJournal(context, fileSystem);
    await Promise.all(Array.from({ length: count }, (_, number) => put(`${number}`)));
    await journal.checkpoint();
    assert.deepEqual(await readdir(layout.journal), []);
    assert.equal(mock.callCount(), asked);
    const synced = sync.mock.calls.flatMap(({ arguments: [paths] }) => paths);
    assert.equal(synced.length, answers && asked > 0 ? 0 : count);
  });
}

test('what a failed sync of the file system has told, no other journal waits for', async (context) => {
  const fileSystem = new FileSystemSync('/', null);
  const answers = [false, true, true];
  const { mock } = context.mock.method(fileSystem, 'run', async () => answers.shift() ?? true);
  const sync = context.mock.method(JournalThread.prototype, 'sync').mock;
  const { journal, put } = await openTestJournal(context, fileSystem);
  const fill = async (name: string) => {
    await Promise.all(Array.from({ length: SYNC_WHOLE_MIN }, (_, number) => put(`${name} ${number}`)));
    await journal.tick(performance.now() + 10_001);
  };
  await fill('first');
  await fill('second');
  await journal.checkpoint();
  // The second was there when the first one's sync failed: another would have been told nothing.
  assert.equal(mock.callCount(), 1);
  assert.equal(sync.calls.flatMap(({ arguments: [paths] }) => paths).length, 2 * SYNC_WHOLE_MIN);
  await fill('third');
  await journal.checkpoint();
  assert.equal(mock.callCount(), 2);
  assert.equal(sync.calls.flatMap(({ arguments: [paths] }) => paths).length, 2 * SYNC_WHOLE_MIN);
});

test('closing does not wait for a sync that hangs, whoever began it', async (context) => {
  const fileSystem = new FileSystemSync('/', null);
  const hanging = async (signal?: AbortSignal) => {
    await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    return false;
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
