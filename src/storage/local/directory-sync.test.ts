import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirectorySync } from './directory-sync.ts';

/** A sync that the test finishes by hand. */
function handSync() {
  const started: { path: string; finish: () => void; fail: (error: Error) => void }[] = [];
  const sync = (path: string) =>
    new Promise<void>((finish, fail) => {
      started.push({ path, finish, fail });
    });
  return { started, group: new DirectorySync(sync) };
}

test('syncs of one directory that come while one runs share the next', async () => {
  const { started, group } = handSync();
  const first = group.sync('a');
  const later = [group.sync('a'), group.sync('a'), group.sync('a')];
  assert.equal(started.length, 1);
  started[0]?.finish();
  await first;
  await nextTurn();
  assert.equal(started.length, 2);
  const last = group.sync('a');
  started[1]?.finish();
  await Promise.all(later);
  await nextTurn();
  assert.equal(started.length, 3);
  started[2]?.finish();
  await last;
});

test('directories are synced beside each other', () => {
  const { started, group } = handSync();
  void group.sync('a');
  void group.sync('b');
  assert.deepEqual(
    started.map(({ path }) => path),
    ['a', 'b'],
  );
});

test('a failed sync fails those it was for, and the next starts all the same', async () => {
  const { started, group } = handSync();
  const first = group.sync('a');
  const second = group.sync('a');
  started[0]?.fail(new Error('disk'));
  await assert.rejects(first, /disk/);
  await nextTurn();
  started[1]?.finish();
  await second;
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
