import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { collectBytes, KIB, MIB, streamOf } from '../core/bytes.ts';
import { type ErrorCode, isStowageError, StowageError } from '../core/errors.ts';
import { Bucket } from '../storage/bucket.ts';
import { openTestStore } from '../storage/local/test-store.ts';
import { openMemoryBackend } from '../storage/memory/backend.ts';
import { watchedChunks } from '../validation/samples/admission.ts';
import { ALICE, NOTE } from './intake-fixture.ts';
import { type FileToStore, KEPT_BYTES_MAX, objectMetadata, storeFile } from './store-file.ts';
import type { UploadBucket } from './upload.ts';

const NOW_MS = 1_700_000_000_000;
const clock = { now: () => NOW_MS };
const THEIRS = 'theirs';

/** Text in chunks, and how often it was asked for and closed. */
function watched(sizeBytes: number, chunkBytes: number) {
  const bytes = Buffer.from('A line of text.\n'.repeat(Math.ceil(sizeBytes / 16))).subarray(0, sizeBytes);
  return { bytes, ...watchedChunks(bytes, chunkBytes) };
}

function fileOf({ body }: Pick<FileToStore, 'body'>, changes: Partial<FileToStore> = {}): FileToStore {
  return {
    body,
    claim: { filename: 'a.txt', mediaType: 'text/plain', sizeBytes: null, sha256: null },
    assetType: NOTE,
    fields: new Map(),
    owner: ALICE,
    signal: new AbortController().signal,
    bodyEndsOnAbort: false,
    ...changes,
  };
}

/** A bucket in which somebody else takes each of the first keys just before it is put, so that it is really taken. */
function overtaken(bucket: Bucket, times: number) {
  const taken: string[] = [];
  const puts: string[] = [];
  const overtaking: UploadBucket = {
    deleteMany: (keys, options) => bucket.deleteMany(keys, options),
    put: async (key, body, options) => {
      puts.push(key);
      if (taken.length < times) {
        taken.push(key);
        await bucket.put(key, streamOf(Buffer.from(THEIRS)), { ...options, sizeBytes: 6, metadata: {} });
      }
      return bucket.put(key, body, options);
    },
  };
  return { bucket: overtaking, taken, puts };
}

/** A bucket whose first put ends as `first` does. */
function withFirstPut(bucket: Bucket, first: UploadBucket['put']) {
  const puts: string[] = [];
  const changed: UploadBucket = {
    deleteMany: (keys, options) => bucket.deleteMany(keys, options),
    put: async (key, body, options) => {
      puts.push(key);
      return puts.length === 1 ? first(key, body, options) : bucket.put(key, body, options);
    },
  };
  return { bucket: changed, puts };
}

async function read(bucket: Bucket, key: string): Promise<Buffer> {
  return collectBytes((await bucket.get(key, {})).body, MIB);
}

async function keysOf(bucket: Bucket): Promise<string[]> {
  const page = await bucket.list({ prefix: '', cursor: null, limit: 1000 });
  return page.entries.map(({ key }) => key);
}

function fails(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isStowageError(error, code);
}

for (const name of ['memory', 'local'] as const) {
  describe(`a file whose key is taken in a store (${name})`, () => {
    const open = async (context: Parameters<typeof openTestStore>[0]): Promise<Bucket> => {
      if (name === 'memory') return new Bucket(openMemoryBackend());
      const store = await openTestStore(context);
      context.after(() => store.backend.close());
      return store.bucket;
    };

    for (const sizeBytes of [1, 10_000, 100_000, KEPT_BYTES_MAX]) {
      for (const announced of [false, true]) {
        const title = `of ${sizeBytes} bytes${announced ? ', announced,' : ''} is stored whole under another one`;
        test(title, async (context) => {
          const bucket = await open(context);
          const race = overtaken(bucket, 2);
          const { bytes, seen, body } = watched(sizeBytes, 16_000);
          const file = fileOf({ body });
          const claim = { ...file.claim, sizeBytes: announced ? sizeBytes : null };
          const stored = await storeFile({ bucket: race.bucket, clock }, { ...file, claim });

          assert.equal(race.puts.length, 3);
          assert.equal(stored.key, race.puts[2]);
          assert.equal(new Set(race.puts).size, 3);
          const sha256 = createHash('sha256').update(bytes).digest();
          assert.equal(stored.contentHash, sha256.toString('hex'));
          const verdict = { filename: 'a.txt', mediaType: 'text/plain', sizeBytes, sha256 };
          assert.deepEqual(stored.verdict, verdict);
          assert.ok((await read(bucket, stored.key)).equals(bytes));
          const info = await bucket.head(stored.key, {});
          assert.deepEqual([info.contentType, info.cacheControl], ['text/plain', NOTE.cacheControl]);
          assert.deepEqual(info.metadata, objectMetadata(ALICE, NOW_MS, verdict));
          // What the others have is theirs as before, and there is nothing else.
          assert.deepEqual((await keysOf(bucket)).sort(), race.puts.toSorted());
          for (const key of race.taken) assert.equal((await read(bucket, key)).toString(), THEIRS);
          assert.deepEqual(seen, { chunks: Math.ceil(sizeBytes / 16_000), closed: 1 });
        });
      }
    }

    test('is a conflict when every key drawn is taken', async (context) => {
      const bucket = await open(context);
      const race = overtaken(bucket, 3);
      const { seen, body } = watched(10_000, 4_000);
      await assert.rejects(storeFile({ bucket: race.bucket, clock }, fileOf({ body })), fails('conflict'));
      assert.equal(race.puts.length, 3);
      assert.deepEqual((await keysOf(bucket)).sort(), race.taken.toSorted());
      for (const key of race.taken) assert.equal((await read(bucket, key)).toString(), THEIRS);
      assert.deepEqual(seen, { chunks: 3, closed: 1 });
    });

    test('is a conflict when it is too large, or in too many chunks, to be kept', async (context) => {
      const bucket = await open(context);
      for (const [sizeBytes, chunkBytes] of [
        [KEPT_BYTES_MAX + 1, 64 * KIB],
        // The gate joins what it looks at first into one chunk.
        [10_000, 10],
      ] as const) {
        const race = overtaken(bucket, 1);
        const { seen, body } = watched(sizeBytes, chunkBytes);
        await assert.rejects(storeFile({ bucket: race.bucket, clock }, fileOf({ body })), fails('conflict'));
        assert.equal(race.puts.length, 1);
        assert.equal(seen.closed, 1);
      }
      assert.equal((await keysOf(bucket)).length, 2);
    });

    test('is a conflict at once when the template makes no other key', async (context) => {
      const bucket = await open(context);
      const race = overtaken(bucket, 1);
      const assetType = { ...NOTE, keyTemplate: 'notes/{user_id}/{filename}' };
      const { body } = watched(100, 100);
      const file = fileOf({ body }, { assetType });
      await assert.rejects(storeFile({ bucket: race.bucket, clock }, file), fails('conflict'));
      assert.deepEqual(race.puts, ['notes/alice/a.txt']);
      assert.equal((await read(bucket, 'notes/alice/a.txt')).toString(), THEIRS);
    });

    test('is aborted when its client leaves between two puts', async (context) => {
      const bucket = await open(context);
      const client = new AbortController();
      const { bucket: left, puts } = withFirstPut(bucket, async (key, body, options) => {
        const race = overtaken(bucket, 1);
        try {
          return await race.bucket.put(key, body, options);
        } finally {
          client.abort();
        }
      });
      const { seen, body } = watched(10_000, 4_000);
      const file = fileOf({ body }, { signal: client.signal });
      await assert.rejects(storeFile({ bucket: left, clock }, file), fails('aborted'));
      assert.deepEqual(await keysOf(bucket), puts.slice(0, 1));
      assert.deepEqual(seen, { chunks: 3, closed: 1 });
    });
  });
}

describe('a store that says the key is taken', () => {
  const taken = () => new StowageError('object_exists', 'Taken.');

  test('before it reads anything is asked again with the same body', async () => {
    const bucket = new Bucket(openMemoryBackend());
    const { bytes, seen, body } = watched(MIB, 64 * KIB);
    const first = withFirstPut(bucket, async () => Promise.reject(taken()));
    const stored = await storeFile({ bucket: first.bucket, clock }, fileOf({ body }));
    assert.ok((await read(bucket, stored.key)).equals(bytes), 'whatever its size');
    assert.equal(first.puts.length, 2);
    assert.deepEqual(seen, { chunks: 16, closed: 1 });
  });

  test('before it reads anything, and then after the last byte, is asked a third time', async () => {
    const bucket = new Bucket(openMemoryBackend());
    const race = overtaken(bucket, 1);
    const puts: string[] = [];
    const early: UploadBucket = {
      ...race.bucket,
      put: async (key, ...rest) => {
        puts.push(key);
        if (puts.length === 1) throw taken();
        return race.bucket.put(key, ...rest);
      },
    };
    const { bytes, body } = watched(10_000, 4_000);
    const { key } = await storeFile({ bucket: early, clock }, fileOf({ body }));
    assert.equal(key, puts[2]);
    assert.ok((await read(bucket, key)).equals(bytes));
    assert.equal((await read(bucket, race.taken[0] ?? '')).toString(), THEIRS);
  });

  test('after part of a body, or all but its end, is not asked again: nobody has judged the rest', async () => {
    for (const reads of [1, 3]) {
      const bucket = new Bucket(openMemoryBackend());
      const partly = withFirstPut(bucket, async (_key, body) => {
        const chunks = body[Symbol.asyncIterator]();
        for (let read = 0; read < reads; read += 1) await chunks.next();
        await chunks.return?.();
        throw taken();
      });
      const { seen, body } = watched(12_000, 4_000);
      const storing = storeFile({ bucket: partly.bucket, clock }, fileOf({ body }));
      await assert.rejects(storing, fails('conflict'));
      assert.equal(partly.puts.length, 1);
      assert.deepEqual(await keysOf(bucket), []);
      assert.equal(seen.closed, 1);
    }
  });

  test('of a body that nobody read ends it when the third key is taken too', async () => {
    const bucket = new Bucket(openMemoryBackend());
    const never: UploadBucket = {
      deleteMany: (keys, options) => bucket.deleteMany(keys, options),
      put: async () => Promise.reject(taken()),
    };
    const { seen, body } = watched(MIB, 64 * KIB);
    await assert.rejects(storeFile({ bucket: never, clock }, fileOf({ body })), fails('conflict'));
    assert.deepEqual(seen, { chunks: 1, closed: 1 });
  });
});

test('a store that fails at the second key tells that, and nothing of the file stays', async () => {
  const bucket = new Bucket(openMemoryBackend());
  const race = overtaken(bucket, 1);
  const failing: UploadBucket = {
    ...race.bucket,
    put: async (key, ...rest) => {
      if (race.puts.length === 1) throw new StowageError('storage_unavailable', 'The store is down.');
      return race.bucket.put(key, ...rest);
    },
  };
  const { body } = watched(10_000, 4_000);
  await assert.rejects(storeFile({ bucket: failing, clock }, fileOf({ body })), fails('storage_unavailable'));
  assert.deepEqual(await keysOf(bucket), race.taken);
});

test('what the gate refuses is refused once, whoever has its key', async () => {
  const bucket = new Bucket(openMemoryBackend());
  const race = overtaken(bucket, 3);
  const bytes = Buffer.concat([Buffer.alloc(9_000, 'x'), Buffer.alloc(1_000)]);
  const file = fileOf({ body: streamOf(bytes) });
  const claim = { ...file.claim, sha256: createHash('sha256').update('else').digest() };
  for (const refusedFile of [file, { ...file, body: streamOf(Buffer.alloc(100, 'x')), claim }]) {
    const code = refusedFile.claim.sha256 === null ? 'file_type_mismatch' : 'digest_mismatch';
    const before = race.puts.length;
    await assert.rejects(storeFile({ bucket: race.bucket, clock }, refusedFile), fails(code));
    assert.equal(race.puts.length, before + 1);
  }
  assert.deepEqual((await keysOf(bucket)).sort(), race.taken.toSorted());
});
