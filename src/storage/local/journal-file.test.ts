import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createFile } from './file-calls.ts';
import { JournalFile } from './journal-file.ts';
import { draftPut, draftSettled } from './journal-record.ts';
import { GROUP_BYTES_MAX } from './journal-thread.ts';

const RECORD = draftSettled('0'.repeat(64), 'a version');

test('records that come in turns of the event loop one after the other go in one group', async (context) => {
  const { file, groups } = await openJournal(context);
  const appended = await appendEachTurn(file, (turns) => turns < 4);
  assert.deepEqual(await Promise.all(appended), [null, null, null, null]);
  await file.append(RECORD);
  assert.deepEqual(groups, [4, 1]);
});

test('a full group waits for nobody', async (context) => {
  const { file, groups } = await openJournal(context);
  const appended = file.append(draftPut('0'.repeat(64), [Buffer.alloc(GROUP_BYTES_MAX)]));
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.equal(groups.length, 1, 'in the same turn of the event loop');
  await appended;
});

test('a group goes although records never stop coming', async (context) => {
  const { file, groups } = await openJournal(context);
  const giveUpMs = performance.now() + 10_000;
  const appended = await appendEachTurn(file, () => groups.length === 0 && performance.now() < giveUpMs);
  assert.notEqual(groups.length, 0);
  await Promise.all(appended);
});

test('where callers tell how many they have in hand, one half goes while the other waits', async (context) => {
  const { file, groups } = await openJournal(context);
  // As they come from 16 clients in one turn: the first knows of no other.
  await Promise.all(Array.from({ length: 16 }, (_, index) => file.append(RECORD, index + 1)));
  assert.deepEqual(groups, [8, 8]);
  await Promise.all(Array.from({ length: 8 }, () => file.append(RECORD, 16)));
  await file.append(RECORD, 16);
  assert.deepEqual(groups, [8, 8, 8, 1], 'half of them, and one that comes alone');
});

test('one that does not tell is not cut off from those that do, and a note has no say', async (context) => {
  const { file, groups } = await openJournal(context);
  const append = (...inHand: (number | undefined)[]) =>
    Promise.all(inHand.map((count) => file.append(RECORD, count)));
  await append(...Array.from({ length: 20 }, () => undefined), 2);
  assert.deepEqual(groups.splice(0), [21]);
  await append(4, 4, 4, 4, 0);
  assert.deepEqual(groups.splice(0), [2, 2, 1]);
  await append(0, 0, 0);
  assert.deepEqual(groups, [3]);
});

/** Appends a record in each turn of the event loop, before the journal looks. */
async function appendEachTurn(
  file: JournalFile,
  goesOn: (turns: number) => boolean,
): Promise<readonly Promise<unknown>[]> {
  const appended: Promise<unknown>[] = [];
  while (goesOn(appended.length)) {
    const next = turn();
    appended.push(file.append(RECORD));
    await next;
  }
  return appended;
}

/** A journal that only counts what its groups hold. */
async function openJournal(context: TestContext): Promise<{ file: JournalFile; groups: number[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-journal-'));
  const path = join(directory, 'a.log');
  const groups: number[] = [];
  const file = new JournalFile({
    base: 'a',
    path,
    fd: await createFile(path),
    layout: { objects: directory, temporary: directory },
    commit: async ({ records }) => {
      groups.push(records.length);
      return [];
    },
  });
  context.after(async () => {
    await file.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { file, groups };
}
