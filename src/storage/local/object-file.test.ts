import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { KIB } from '../../core/bytes.ts';
import { Bucket } from '../bucket.ts';
import {
  chunks,
  inChunks,
  listKeys,
  noise,
  REPLACE,
  readBytes,
  readText,
  refuses,
} from '../conformance/material.ts';
import { encodeFooter } from './object-footer.ts';
import { openTestStore, type TestStore } from './test-store.ts';

const SIZES = [0, 1, 10 * KIB, 64 * KIB - 300, 64 * KIB, 256 * KIB - 1, 256 * KIB, 600 * KIB, 1100 * KIB];

for (const sizeBytes of SIZES) {
  test(`an object of ${sizeBytes} bytes is its bytes, then a footer`, async (context) => {
    const store = await openTestStore(context);
    const bytes = noise(sizeBytes, sizeBytes + 1);
    const info = await store.bucket.put('a', inChunks(bytes, 10_000), REPLACE);
    const file = await readFile(store.pathOf('a'));
    assert.ok(file.subarray(0, sizeBytes).equals(bytes));
    assert.ok(file.subarray(sizeBytes).equals(encodeFooter(info)));
    assert.ok((await readBytes(store.bucket, 'a')).equals(bytes));
  });
}

test('a footer of more than four KiB is read too', async (context) => {
  const store = await openTestStore(context);
  const key = `${'"'.repeat(400)}/${'"'.repeat(400)}`;
  const metadata = { quotes: '"'.repeat(2000) };
  const cacheControl = '"'.repeat(1000);
  const info = await store.bucket.put(key, inChunks(noise(100 * KIB, 1), 9999), {
    ...REPLACE,
    metadata,
    cacheControl,
  });
  assert.deepEqual(await store.bucket.head(key, {}), info);
  assert.equal((await readBytes(store.bucket, key)).byteLength, 100 * KIB);
});

test('a file that was cut, altered or emptied is object_corrupt and does not stop a listing', async (context) => {
  const store = await openTestStore(context);
  const path = store.pathOf('a');
  await store.bucket.put('other', chunks('x'), REPLACE);
  for (const sizeBytes of [10, 200 * KIB]) {
    await store.bucket.put('a', inChunks(noise(sizeBytes, 2), 64 * KIB), REPLACE);
    const whole = await readFile(path);
    const flipped = (position: number) => {
      const copy = Buffer.from(whole);
      copy[position] = (copy[position] ?? 0) ^ 1;
      return copy;
    };
    const damaged: Record<string, Buffer> = {
      'end mark': flipped(whole.byteLength - 1),
      'footer length': flipped(whole.byteLength - 16),
      'footer checksum': flipped(whole.byteLength - 12),
      footer: flipped(whole.byteLength - 40),
      'cut tail': whole.subarray(0, -1),
      'bytes only': whole.subarray(0, sizeBytes),
      'a byte more': Buffer.concat([Buffer.from('x'), whole]),
      empty: Buffer.alloc(0),
    };
    for (const [title, bytes] of Object.entries(damaged)) {
      await writeFile(path, bytes);
      await refuses('object_corrupt', store.bucket.get('a', {})).catch((error: unknown) => {
        throw new Error(title, { cause: error });
      });
      await refuses('object_corrupt', store.bucket.head('a', {}));
      assert.deepEqual(await listKeys(store.bucket, ''), ['other']);
    }
    await rm(path);
  }
});

test('the file of one key under the name of another is object_corrupt', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', chunks('x'), REPLACE);
  await rename(store.pathOf('a'), store.pathOf('b'));
  await refuses('object_corrupt', store.bucket.get('b', {}));
  await refuses('object_corrupt', store.bucket.head('b', {}));
});

test('an encrypted object is refused by its name, not shown as bytes', async (context) => {
  const store = await openTestStore(context);
  const info = await store.bucket.put('a', chunks('x'), REPLACE);
  const plain = encodeFooter(info);
  const json = plain
    .subarray(0, -16)
    .toString()
    .replace('"encryption":null', '"encryption":{"cipher":"later"}');
  const { crc32 } = await import('node:zlib');
  const tail = Buffer.from(plain.subarray(-16));
  tail.writeUInt32LE(json.length, 0);
  tail.writeUInt32LE(crc32(json), 4);
  await writeFile(store.pathOf('a'), Buffer.concat([Buffer.from('x'), Buffer.from(json), tail]));
  await refuses('capability_missing', store.bucket.get('a', {}));
});

test('an object cut while it is read fails instead of ending early', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', inChunks(noise(3000 * KIB, 3), 64 * KIB), REPLACE);
  const { body } = await store.bucket.get('a', {});
  await truncate(store.pathOf('a'), 1000 * KIB);
  await refuses('object_corrupt', async () => {
    for await (const _chunk of body);
  });
});

test('a body whose signal fires stops and gives its descriptor back', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', inChunks(noise(3000 * KIB, 4), 64 * KIB), REPLACE);
  const before = openDescriptors(store);
  const cut = new AbortController();
  const { body } = await store.bucket.get('a', { signal: cut.signal });
  await refuses('aborted', async () => {
    for await (const _chunk of body) cut.abort();
  });
  assert.deepEqual(openDescriptors(store), before);
});

test('symlinks, directories and pipes in the place of an object are refused', async (context) => {
  const store = await openTestStore(context);
  const path = store.pathOf('a');
  await writeFile(`${store.root}/../outside`, 'secret');
  await symlink(`${store.root}/../outside`, path);
  await refuses('storage_denied', store.bucket.get('a', {}));
  await refuses('object_exists', store.bucket.put('a', chunks('x'), { ...REPLACE, mode: 'create' }));
  // A replacing put takes the link's place and leaves what it pointed to alone.
  await store.bucket.put('a', chunks('mine'), REPLACE);
  assert.equal(await readText(store.bucket, 'a'), 'mine');
  assert.equal(await readFile(`${store.root}/../outside`, 'utf8'), 'secret');
  await rm(path);
  await mkdir(path);
  await refuses('object_corrupt', store.bucket.get('a', {}));
  await rm(path, { recursive: true });
  execFileSync('mkfifo', [path]);
  await refuses('object_corrupt', store.bucket.get('a', {}));
});

test('a copy that is refused gives the descriptor of its source back', async (context) => {
  const store = await openTestStore(context);
  await store.bucket.put('a', inChunks(noise(3000 * KIB, 5), 64 * KIB), REPLACE);
  const full = new Bucket(await store.reopen({ freeBytesMin: Number.MAX_SAFE_INTEGER }));
  const before = openDescriptors(store);
  await refuses('storage_unavailable', full.copy('a', 'b', REPLACE));
  const cut = new AbortController();
  const copying = store.bucket.copy('a', 'b', { ...REPLACE, signal: cut.signal });
  cut.abort();
  await refuses('aborted', copying);
  // The put does not wait for the body that it ends.
  for (let turn = 0; turn < 1000 && openDescriptors(store).length > before.length; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(openDescriptors(store), before);
});

/** Descriptors of this process that point below the store. */
function openDescriptors(store: TestStore): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(store.root);
    } catch {
      return false;
    }
  });
}
