import assert from 'node:assert/strict';
import fs from 'node:fs';
import { dirname } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { KIB, MIB } from '../../core/bytes.ts';
import { CREATE, inChunks, noise, REPLACE, readBytes, readText, refuses } from '../conformance/material.ts';
import { openTestStore, type TestStore } from './test-store.ts';

type Done = (error: NodeJS.ErrnoException | null) => void;

/** Notes what is asked of the disk from now on: which file is synced, which place is taken, which directory is synced. */
function watchDisk(context: TestContext, { root }: TestStore) {
  const events: string[] = [];
  const failing = { fdatasync: false, fsync: false };
  const pathOf = (fd: number) => fs.readlinkSync(`/proc/self/fd/${fd}`).slice(root.length + 1);
  const shown = (path: string) => (path.startsWith('tmp/') ? 'temporary file' : path);
  for (const name of ['fdatasync', 'fsync'] as const) {
    const real = fs[name];
    context.mock.method(fs, name, (fd: number, done: Done) => {
      const path = shown(pathOf(fd));
      if (failing[name]) {
        setImmediate(done, Object.assign(new Error('The disk is gone.'), { code: 'EIO' }));
        return;
      }
      real(fd, (error) => {
        // When it is on disk, not when it was asked for; a file may be synced piece by piece.
        if (events.at(-1) !== `${path} synced`) events.push(`${path} synced`);
        done(error);
      });
    });
  }
  const place = (to: string) => events.push(`${to.slice(root.length + 1)} taken`);
  const { linkSync, link, rename } = fs;
  context.mock.method(fs, 'linkSync', (from: string, to: string) => {
    place(to);
    linkSync(from, to);
  });
  context.mock.method(fs, 'link', (from: string, to: string, done: Done) => {
    place(to);
    link(from, to, done);
  });
  context.mock.method(fs, 'rename', (from: string, to: string, done: Done) => {
    place(to);
    rename(from, to, done);
  });
  return { events, failing };
}

/** Every way that makes an object without the journal. */
const WAYS: Readonly<Record<string, (store: TestStore) => Promise<unknown>>> = {
  'a large new object': ({ bucket }) => bucket.put('a', inChunks(noise(300 * KIB, 1), 9000), CREATE),
  'a large object that replaces one': ({ bucket }) =>
    bucket.put('a', inChunks(noise(300 * KIB, 2), 9000), REPLACE),
  'a small object that replaces one': ({ bucket }) => bucket.put('a', inChunks(noise(KIB, 3), 100), REPLACE),
  'a copy': async ({ bucket }) => bucket.copy('source', 'a', CREATE),
};

describe('a power cut finds what was answered, since', { skip: process.platform !== 'linux' }, () => {
  for (const [sizeBytes, expected] of [
    [10 * KIB, 1],
    [300 * KIB, 1],
    [2 * MIB, 0],
  ] as const) {
    const is = expected === 1 ? 'is' : 'is not';
    test(`a body of ${sizeBytes} bytes ${is} told to be whole before it is synced`, async (context) => {
      const store = await openTestStore(context);
      await store.bucket.put('opens the journal', inChunks(noise(KIB, 4), KIB), CREATE);
      const { events } = watchDisk(context, store);
      const seen: (readonly string[])[] = [];
      const onWhole = () => seen.push([...events]);
      await store.bucket.put('a', inChunks(noise(sizeBytes, 5), 9000), { ...CREATE, onWhole });
      assert.deepEqual(
        seen,
        Array.from({ length: expected }, () => []),
      );
    });
  }

  for (const [title, make] of Object.entries(WAYS)) {
    test(`${title} is on disk before it has its place, and its name before the put is done`, async (context) => {
      const store = await openTestStore(context);
      await store.bucket.put('source', inChunks(noise(300 * KIB, 4), 9000), CREATE);
      const { events } = watchDisk(context, store);
      await make(store);
      const place = store.pathOf('a').slice(store.root.length + 1);
      assert.deepEqual(events, ['temporary file synced', `${place} taken`, `${dirname(place)} synced`]);
    });
  }

  test('the parts of an upload are, and the object that they make', async (context) => {
    const store = await openTestStore(context);
    const upload = await store.bucket.beginMultipart('a', REPLACE);
    const { events } = watchDisk(context, store);
    const part = await upload.putPart(1, inChunks(noise(300 * KIB, 5), 9000), { sizeBytes: 300 * KIB });
    assert.equal(events.length, 3);
    assert.deepEqual([events[0], events[2]], ['temporary file synced', `parts/${upload.uploadId} synced`]);
    events.length = 0;
    await upload.complete([part], CREATE);
    const place = store.pathOf('a').slice(store.root.length + 1);
    assert.deepEqual(events.slice(0, 3), [
      'temporary file synced',
      `${place} taken`,
      `${dirname(place)} synced`,
    ]);
  });

  test('a small new object is when there is no journal', async (context) => {
    const store = await openTestStore(context, { journalBytesMax: 0 });
    const { events } = watchDisk(context, store);
    await store.bucket.put('a', inChunks(noise(KIB, 6), 100), CREATE);
    const place = store.pathOf('a').slice(store.root.length + 1);
    assert.deepEqual(events, ['temporary file synced', `${place} taken`, `${dirname(place)} synced`]);
  });

  test('a delete is answered when its name is gone from the disk', async (context) => {
    const store = await openTestStore(context);
    await store.bucket.put('a', inChunks(noise(300 * KIB, 7), 9000), CREATE);
    const { events } = watchDisk(context, store);
    await store.bucket.delete('a', {});
    assert.deepEqual(events, [`${dirname(store.pathOf('a')).slice(store.root.length + 1)} synced`]);
  });
});

describe('a disk that cannot sync', { skip: process.platform !== 'linux' }, () => {
  test('refuses the put before the object has its place: what was there stays, and nothing is left', async (context) => {
    const store = await openTestStore(context);
    await store.bucket.put('old', inChunks(Buffer.from('old'), 3), REPLACE);
    const { failing } = watchDisk(context, store);
    failing.fdatasync = true;
    const body = () => inChunks(noise(300 * KIB, 8), 9000);
    await refuses('storage_unavailable', store.bucket.put('old', body(), REPLACE));
    await refuses('storage_unavailable', store.bucket.put('new', body(), CREATE));
    assert.equal(await readText(store.bucket, 'old'), 'old');
    await refuses('object_not_found', store.bucket.head('new', {}));
    assert.deepEqual(await store.temporaries(), []);
  });

  test('does not acknowledge a put whose name may be lost', async (context) => {
    const store = await openTestStore(context);
    const { failing } = watchDisk(context, store);
    failing.fsync = true;
    const put = store.bucket.put('a', inChunks(noise(300 * KIB, 9), 9000), CREATE);
    await refuses('storage_unavailable', put);
    failing.fsync = false;
    await store.bucket.put('a', inChunks(noise(300 * KIB, 10), 9000), REPLACE);
    assert.ok((await readBytes(store.bucket, 'a')).equals(noise(300 * KIB, 10)));
  });
});
