import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeSync, writevSync } from 'node:fs';
import { readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Bucket } from '../bucket.ts';
import { CREATE, chunks, listKeys, REPLACE, readText, refuses } from '../conformance/material.ts';
import { syncData } from './file-calls.ts';
import { commitGroup, type GroupCalls } from './journal-group.ts';
import { newOwnerName, ownerState } from './journal-names.ts';
import { type DraftGroup, encodeGroup, journalThread } from './journal-thread.ts';
import { cutPower, openTestStore, type TestStore } from './test-store.ts';

const logsOf = (store: TestStore) => readdirSync(`${store.root}/journal`);

test('a small new object goes to the journal, large and replacing ones do not', async (context) => {
  const calls = countingCalls();
  const store = await openTestStore(context, { commitGroup: calls.commit });
  await store.bucket.put('large', chunks('x'.repeat(65_500)), CREATE);
  await store.bucket.put('replaced', chunks('x'), REPLACE);
  assert.equal(calls.syncs, 0);
  await store.bucket.put('small', chunks('x'.repeat(64_000)), CREATE);
  assert.equal(calls.syncs, 1);
  assert.equal(logsOf(store).length, 1);
  await store.backend.close();
  assert.deepEqual(logsOf(store), []);
});

test('puts that come while a sync runs share the next one', async (context) => {
  const gate = Promise.withResolvers<void>();
  const calls = countingCalls(() => gate.promise);
  const store = await openTestStore(context, { commitGroup: calls.commit });
  const puts = Array.from({ length: 50 }, (_, number) => store.bucket.put(`${number}`, chunks('x'), CREATE));
  gate.resolve();
  await Promise.all(puts);
  assert.ok(calls.syncs <= 10, `${calls.syncs} syncs for 50 puts`);
});

test('puts whose caller tells how many are in hand go by halves', async (context) => {
  const groups: number[] = [];
  const commitGroup = (group: DraftGroup) => {
    groups.push(group.records.length);
    return journalThread().commit(group);
  };
  const store = await openTestStore(context, { commitGroup });
  const put = (key: string) => store.bucket.put(key, chunks('x'), { ...CREATE, inHand: () => 16 });
  await Promise.all(Array.from({ length: 16 }, (_, number) => put(`${number}`)));
  assert.equal(
    groups.reduce((sum, count) => sum + count),
    16,
  );
  assert.ok(Math.max(...groups) <= 8, `${groups}`);
});

test('without a journal nothing is written to it, and a put is durable by itself', async (context) => {
  const store = await openTestStore(context, { journalBytesMax: 0 });
  await store.bucket.put('a', chunks('x'), CREATE);
  assert.deepEqual(logsOf(store), []);
  assert.equal(await readText(store.bucket, 'a'), 'x');
});

test('an object is not seen before it is on disk', async (context) => {
  const gate = Promise.withResolvers<void>();
  const store = await openTestStore(context, { commitGroup: countingCalls(() => gate.promise).commit });
  const put = store.bucket.put('a', chunks('x'), CREATE);
  while (logsOf(store).length === 0) await nextTurn();
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  await refuses('object_not_found', store.bucket.head('a', {}));
  gate.resolve();
  await put;
  assert.equal(await readText(store.bucket, 'a'), 'x');
});

test('a put whose record cannot be synced is refused and leaves nothing; later ones are stored', async (context) => {
  for (const failing of ['write', 'sync'] as const) {
    const failure = { left: 1 };
    const fail = () => {
      if (failure.left-- > 0)
        throw Object.assign(new Error('disk'), { code: failing === 'sync' ? 'EIO' : 'ENOSPC' });
    };
    const calls: GroupCalls = {
      write: async (fd, records) => {
        if (failing === 'write') {
          // As a full disk does: some of it is written.
          if (failure.left > 0) writeSync(fd, records[0]?.subarray(0, 60) ?? Buffer.alloc(0));
          fail();
        }
        writevSync(fd, records);
      },
      sync: async (fd) => {
        if (failing === 'sync') fail();
        await syncData(fd);
      },
    };
    const store = await openTestStore(context, {
      commitGroup: async (group) => {
        const { refusals, tidy } = await commitGroup(encodeGroup(group), calls);
        await tidy();
        return refusals;
      },
    });
    await refuses('storage_unavailable', store.bucket.put('a', chunks('lost'), CREATE));
    await refuses('object_not_found', store.bucket.head('a', {}));
    assert.deepEqual(await store.temporaries(), []);
    await store.bucket.put('a', chunks('kept'), CREATE);
    // The failed journal is gone after this: until then puts are synced by themselves, and no power cut loses them.
    await store.backend.checkpoint();
    await store.bucket.put('b', chunks('kept too'), CREATE);
    // Whatever became of the journal that failed, its put does not come back over the later one.
    for (const bucket of [store.bucket, new Bucket(await cutPower(context, store, ['b']))]) {
      assert.equal(await readText(bucket, 'a'), 'kept');
      assert.equal(await readText(bucket, 'b'), 'kept too');
    }
  }
});

test('objects whose files were lost with the power come back byte for byte', async (context) => {
  const store = await openTestStore(context);
  const keys = ['missing', 'empty', 'cut', 'zeroed', 'whole'];
  const before = new Map<string, Buffer>();
  for (const key of keys) {
    await store.bucket.put(key, chunks(`bytes of ${key} `.repeat(500)), {
      ...CREATE,
      metadata: { owner: key },
    });
    before.set(key, await readFile(store.pathOf(key)));
  }
  const after = await cutPower(context, store, ['missing'], async (pathOf) => {
    await truncate(pathOf('empty'), 0);
    await truncate(pathOf('cut'), 5000);
    // The end is there and a page of the middle is not.
    const bytes = await readFile(pathOf('zeroed'));
    await writeFile(pathOf('zeroed'), bytes.fill(0, 0, 4096));
  });
  assert.deepEqual((await listKeys(new Bucket(after), '')).sort(), [...keys].sort());
  for (const key of keys) {
    assert.deepEqual(await new Bucket(after).head(key, {}), await store.bucket.head(key, {}));
    assert.ok((await readFile(after.pathOf(key))).equals(before.get(key) ?? Buffer.alloc(0)), key);
  }
  assert.deepEqual(readdirSync(`${after.root}/journal`), []);
});

test('what was deleted or replaced stays so', async (context) => {
  const store = await openTestStore(context);
  for (const key of ['deleted', 'replaced', 'both', 'again'])
    await store.bucket.put(key, chunks('old'), CREATE);
  await store.bucket.delete('deleted', {});
  await store.bucket.put('replaced', chunks('new'), REPLACE);
  await store.bucket.put('both', chunks('new'), REPLACE);
  await store.bucket.delete('both', {});
  await store.bucket.delete('again', {});
  await store.bucket.put('again', chunks('new'), CREATE);
  const bucket = new Bucket(await cutPower(context, store, ['again']));
  assert.deepEqual((await listKeys(bucket, '')).sort(), ['again', 'replaced']);
  assert.equal(await readText(bucket, 'replaced'), 'new');
  assert.equal(await readText(bucket, 'again'), 'new');
});

test('a second store on the same directory leaves the journal of the first alone, and its deletes hold', async (context) => {
  const store = await openTestStore(context);
  for (const key of ['a', 'b', 'c']) await store.bucket.put(key, chunks('old'), CREATE);
  const logs = logsOf(store);
  const second = new Bucket(await store.reopen());
  assert.deepEqual(logsOf(store), logs);
  await second.delete('a', {});
  await second.put('b', chunks('new'), REPLACE);
  await second.delete('b', {});
  await second.put('mine', chunks('x'), CREATE);
  const bucket = new Bucket(await cutPower(context, store, ['c', 'mine']));
  assert.deepEqual((await listKeys(bucket, '')).sort(), ['c', 'mine']);
});

test('a loser of a race for a key does not come back when the winner is deleted', async (context) => {
  const store = await openTestStore(context);
  const second = new Bucket(await store.reopen());
  for (let round = 0; round < 20; round += 1) {
    const results = await Promise.allSettled(
      [store.bucket, second, store.bucket].map((bucket, writer) =>
        bucket.put(`${round}`, chunks(`${writer}`), CREATE),
      ),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    await store.bucket.delete(`${round}`, {});
  }
  assert.deepEqual(await listKeys(new Bucket(await cutPower(context, store, [])), ''), []);
});

test('a replay that is cut short is done again by the next open', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', chunks('x'), CREATE);
  const [log = ''] = logsOf(store);
  const after = await cutPower(context, store, ['a'], async (_pathOf, root) => {
    const claimed = `${log.slice(0, -4)}.00000001-1-1-1-1-1.replay`;
    await rename(`${root}/journal/${log}`, `${root}/journal/${claimed}`);
  });
  assert.equal(await readText(new Bucket(after), 'a'), 'x');
});

test('an object is brought back whatever follows it torn, at every byte of the last record', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('first', chunks('kept'), CREATE);
  const [log = ''] = logsOf(store);
  const path = `${store.root}/journal/${log}`;
  const firstBytes = (await readFile(path)).byteLength;
  await store.bucket.put('last', chunks('y'), CREATE);
  const whole = await readFile(path);
  const single = await openTestStore(context);
  await single.backend.close();
  for (let bytes = firstBytes; bytes <= whole.byteLength; bytes += 1) {
    await writeFile(`${single.root}/journal/00000001-1-1-1-1-1.log`, whole.subarray(0, bytes));
    const again = await single.reopen();
    const keys = await listKeys(new Bucket(again), '');
    assert.deepEqual(keys.sort(), bytes === whole.byteLength ? ['first', 'last'] : ['first']);
    for (const key of keys) await again.delete((await again.head(key as never, {})).key, {});
    await again.close();
  }
});

test('a full journal waits, is retired and leaves its objects on disk', async (context) => {
  const store = await openTestStore(context, { journalBytesMax: 4000 });
  for (let number = 0; number < 40; number += 1)
    await store.bucket.put(`${number}`, chunks('x'.repeat(500)), CREATE);
  assert.ok(logsOf(store).length >= 5);
  await store.bucket.delete('3', {});
  await store.backend.checkpoint();
  assert.deepEqual(logsOf(store), []);
  await store.bucket.put('after', chunks('x'), CREATE);
  assert.equal((await listKeys(store.bucket, '')).length, 40);
});

test('a closed store opened again by the same process has nothing to replay and misses nothing', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', chunks('x'), CREATE);
  await store.backend.close();
  assert.equal(await readText(new Bucket(await store.reopen()), 'a'), 'x');
});

test('files in the directory of the journal that are not ours stay', async (context) => {
  const store = await openTestStore(context);
  await writeFile(`${store.root}/journal/notes.txt`, 'x');
  await (await store.reopen()).close();
  assert.deepEqual(logsOf(store), ['notes.txt']);
});

test('a process is gone when the machine was started since, running while it runs, and unknown in another container', () => {
  const own = newOwnerName();
  const [boot = '', space = '', ...rest] = own.split('-');
  assert.equal(ownerState(own), 'running');
  assert.equal(ownerState(['00000001', space, ...rest].join('-')), 'gone');
  assert.equal(ownerState([boot, '1', ...rest].join('-')), 'unknown');
  assert.equal(ownerState([boot, space, '999999999', ...rest.slice(1)].join('-')), 'gone');
});

test('the journal of a running process is left alone by another, and replayed when it was killed', {
  timeout: 60_000,
}, async (context) => {
  const store = await openTestStore(context);
  const script = join(import.meta.dirname, 'crash-writer.ts');
  const child = spawn(process.execPath, [script, store.root, 'live'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const keys: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const [key = ''] = line.split(' ');
    keys.push(key);
    if (keys.length === 30) {
      const logs = logsOf(store);
      assert.ok(logs.length > 0);
      await (await store.reopen()).close();
      assert.ok(logs.every((log) => logsOf(store).includes(log)));
      child.kill('SIGKILL');
    }
  }
  await exited;
  const small = keys.filter((key) => Number(key.split('/')[2]) % 5 !== 4);
  const bucket = new Bucket(await cutPower(context, store, small));
  for (const key of keys) await bucket.head(key, {});
});

/** The thread's commits, counted: a sync each, that waits for `before`. */
function countingCalls(before: () => Promise<void> = async () => {}) {
  const calls = {
    syncs: 0,
    commit: async (group: DraftGroup) => {
      calls.syncs += 1;
      await before();
      return journalThread().commit(group);
    },
  };
  return calls;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
