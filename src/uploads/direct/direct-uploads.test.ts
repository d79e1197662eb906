import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Catalog } from '../../catalog/catalog.ts';
import { openTestCatalog, type TestCatalog } from '../../catalog/testing.ts';
import type { AssetType } from '../../core/asset-type.ts';
import { collectBytes, MIB, streamOf } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import type { Principal } from '../../core/principal.ts';
import type { BackendCapabilities } from '../../storage/backend.ts';
import { Bucket, openMemoryBackend } from '../../storage/index.ts';
import { singleStore } from '../../storage/stores.ts';
import { claimOf, EVERYTHING, inChunks, sendThrough } from '../../validation/samples/admission.ts';
import { SAMPLES } from '../../validation/samples/index.ts';
import {
  type BeginRequest,
  createDirectUploads,
  type DirectBucket,
  type DirectUploads,
} from './direct-uploads.ts';
import type { UploadInstructions } from './instructions.ts';

const TEXT = Buffer.from('Straight to the store.\n');
const EVIL = Buffer.from('<script>alert(1)</script');
const NOTE: AssetType = {
  ...EVERYTHING,
  name: 'note',
  accepts: { 'text/plain': ['txt'] },
  keyTemplate: 'notes/{user_id}/{project_id}/{uuid8}_{filename}',
  cacheControl: 'private, max-age=60',
};
const ALICE: Principal = { userId: 'alice', tenantId: 'acme', role: 'user' };
const ASK = { principal: ALICE, origin: { requestId: 'r1', ipAddress: '192.0.2.1', userAgent: 'test' } };
const FIRST_MS = Date.UTC(2026, 0, 2, 3, 0, 0);

/** Direct uploads over a store in memory, that plays the client's part too. */
interface Ground {
  readonly uploads: DirectUploads;
  readonly bucket: Bucket;
  readonly catalog: Catalog;
  begin(changes?: Partial<BeginRequest>): Promise<UploadInstructions>;
  /** Stores bytes as whoever has the URL does. */
  send(uploadId: string, bytes: Buffer): Promise<void>;
  keys(): Promise<string[]>;
}

let store: TestCatalog;
let nowMs = FIRST_MS;
before(async () => {
  store = await openTestCatalog({ clock: { now: () => nowMs } });
});
after(async () => {
  await store[Symbol.asyncDispose]();
});

function openGround(
  options: {
    readonly wrap?: (bucket: Bucket) => DirectBucket;
    readonly wrapCatalog?: (catalog: Catalog) => Catalog;
    readonly capabilities?: Partial<BackendCapabilities>;
    readonly sealFirst?: boolean;
  } = {},
): Ground {
  const clock = { now: () => nowMs };
  const { capabilities = {} } = options;
  const bucket = new Bucket(openMemoryBackend({ clock, capabilities }));
  const wrapped: DirectBucket = options.wrap?.(bucket) ?? bucket;
  const uploads = createDirectUploads({
    bucket: wrapped,
    stores: singleStore(wrapped),
    catalog: options.wrapCatalog?.(store.catalog) ?? store.catalog,
    assetTypes: new Map([EVERYTHING, NOTE].map((type) => [type.name, type])),
    uploadLimit: { filesMax: 1_000_000, windowSeconds: 3600 },
    openMax: 1000,
    sealFirst: options.sealFirst ?? false,
    clock,
    log: silentLog,
  });
  return {
    uploads,
    bucket,
    catalog: store.catalog,
    async begin(changes = {}) {
      const { instructions } = await uploads.begin({
        ...ASK,
        ...{ filename: 'a.txt', sizeBytes: TEXT.length, mediaType: 'text/plain', assetType: 'note' },
        ...{ sha256: null, fields: new Map([['project_id', 'p-1']]), metadata: {} },
        ...changes,
      });
      return instructions;
    },
    async send(uploadId, bytes) {
      await bucket.put(parseObjectKey(`incoming/${uploadId}`), streamOf(bytes), {
        ...{ mode: 'replace', contentType: 'text/plain', cacheControl: '', metadata: {} },
      });
    },
    async keys() {
      return (await bucket.list({ prefix: '', cursor: null, limit: 1000 })).entries.map(({ key }) => key);
    },
  };
}

test('a promoted object has the type, the cache control and the facts of one that came by a form', async () => {
  const ground = openGround();
  const { uploadId } = await ground.begin({ metadata: { a: 1 } });
  await ground.send(uploadId, TEXT);
  const { asset } = await ground.uploads.complete(uploadId, ASK);
  const contentHash = createHash('sha256').update(TEXT).digest('hex');
  assert.deepEqual(await ground.keys(), [asset.key]);
  assert.match(asset.key, /^notes\/alice\/p-1\/[0-9a-f]{8}_a\.txt$/);
  const { info, body } = await ground.bucket.get(asset.key, {});
  assert.deepEqual(await collectBytes(body, MIB), TEXT);
  assert.deepEqual([info.contentType, info.cacheControl], ['text/plain', 'private, max-age=60']);
  assert.deepEqual(Object.keys(info.metadata).toSorted(), [
    'content_hash',
    'upload_timestamp',
    'uploaded_by',
  ]);
  assert.equal(info.metadata.content_hash, contentHash);
  assert.deepEqual(await ground.catalog.findAsset('acme', asset.assetId), asset);
  assert.deepEqual([asset.contentHash, asset.metadata, asset.userId], [contentHash, { a: 1 }, 'alice']);
});

test('of eight completions at once one makes the asset, and the others get it or are told to wait', async () => {
  const ground = openGround();
  const { uploadId } = await ground.begin();
  await ground.send(uploadId, TEXT);
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => ground.uploads.complete(uploadId, ASK)),
  );
  const ids = new Set<string>();
  let made = 0;
  for (const result of results) {
    if (result.status === 'rejected') {
      assert.ok(isStowageError(result.reason, 'conflict'), result.reason);
      assert.equal(result.reason.fields.retry_after_seconds, 1);
    } else {
      ids.add(result.value.asset.assetId);
      if (!result.value.replayed) made += 1;
    }
  }
  assert.deepEqual([ids.size, made], [1, 1]);
  const { asset, replayed } = await ground.uploads.complete(uploadId, ASK);
  assert.ok(replayed && ids.has(asset.assetId));
  assert.equal((await ground.keys()).length, 1);
});

test('a wrong digest is refused, and the bytes are gone', async () => {
  const ground = openGround();
  const { uploadId } = await ground.begin({ sha256: '0'.repeat(64) });
  await ground.send(uploadId, TEXT);
  await assert.rejects(ground.uploads.complete(uploadId, ASK), { code: 'digest_mismatch' });
  await assert.rejects(ground.uploads.complete(uploadId, ASK), { code: 'digest_mismatch' });
  assert.deepEqual(await ground.keys(), []);
});

test('another size than the announced one is refused where the store did not', async () => {
  const ground = openGround();
  for (const [bytes, code] of [
    [Buffer.alloc(0), 'empty_file'],
    [TEXT.subarray(1), 'malformed_request'],
    [Buffer.concat([TEXT, TEXT]), 'malformed_request'],
  ] as const) {
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, bytes);
    await assert.rejects(ground.uploads.complete(uploadId, ASK), { code });
  }
  assert.deepEqual(await ground.keys(), []);
});

describe('bytes that are replaced while they are judged', () => {
  /** A store in which the client sends other bytes right before a call. */
  const replacing = (before: 'get' | 'copy') => {
    let armed = true;
    return (bucket: Bucket): DirectBucket => {
      const evil = async (key: string) => {
        if (!armed || !key.startsWith('incoming/') || key.endsWith('.sealed')) return;
        armed = false;
        const write = { mode: 'replace', contentType: 'text/plain', cacheControl: '', metadata: {} } as const;
        await bucket.put(key, streamOf(EVIL.subarray(0, TEXT.length)), write);
      };
      return withMethods(bucket, {
        async get(key, options) {
          if (before === 'get') await evil(key);
          return bucket.get(key, options);
        },
        async copy(source, target, options) {
          if (before === 'copy') await evil(source);
          return bucket.copy(source, target, options);
        },
      });
    };
  };

  test('after the judgement never become an asset: the version tells', async () => {
    const ground = openGround({ wrap: replacing('copy') });
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, TEXT);
    await assert.rejects(ground.uploads.complete(uploadId, ASK), { code: 'conflict' });
    assert.deepEqual(await ground.keys(), [`incoming/${uploadId}`], 'the copy is gone');
    // Judged again, they are what they are.
    await assert.rejects(
      ground.uploads.complete(uploadId, ASK),
      (error) => isStowageError(error, 'file_type_mismatch') || isStowageError(error, 'suspicious_content'),
    );
    assert.deepEqual(await ground.keys(), []);
  });

  test('before the judgement are those that are judged', async () => {
    const ground = openGround({ wrap: replacing('get') });
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, TEXT);
    await assert.rejects(ground.uploads.complete(uploadId, ASK), StowageError);
    assert.deepEqual(
      (await ground.keys()).filter((key) => !key.startsWith('incoming/')),
      [],
    );
  });

  test('do not matter where they were copied out of reach before', async () => {
    const ground = openGround({ wrap: replacing('get'), sealFirst: true });
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, TEXT);
    const { asset } = await ground.uploads.complete(uploadId, ASK);
    const { body } = await ground.bucket.get(asset.key, {});
    assert.deepEqual(await collectBytes(body, MIB), TEXT);
    assert.deepEqual(await ground.keys(), [asset.key]);
  });
});

describe('when something fails', () => {
  test('a store that is down leaves the upload open, to be completed later', async () => {
    let isDown = true;
    const ground = openGround({
      wrap: (bucket) =>
        withMethods(bucket, {
          copy: (...given) => (isDown ? failing() : bucket.copy(...given)),
        }),
    });
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, TEXT);
    await assert.rejects(ground.uploads.complete(uploadId, ASK), { code: 'storage_unavailable' });
    isDown = false;
    assert.equal((await ground.uploads.complete(uploadId, ASK)).replayed, false);
  });

  test('a catalog that is lost after the commit answers the asset to the next call', async () => {
    let isLost = true;
    const ground = openGround({
      wrapCatalog: (catalog) => ({
        ...catalog,
        async commitUpload(upload) {
          const outcome = await catalog.commitUpload(upload);
          if (!isLost) return outcome;
          throw new StowageError('database_unavailable', 'The connection broke.');
        },
      }),
    });
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, TEXT);
    await assert.rejects(ground.uploads.complete(uploadId, ASK), { code: 'database_unavailable' });
    isLost = false;
    const { asset, replayed } = await ground.uploads.complete(uploadId, ASK);
    assert.ok(replayed);
    await ground.bucket.head(asset.key, {});
  });

  test('a crash in the middle is taken over when its claim has run out', async () => {
    const ground = openGround();
    const { uploadId } = await ground.begin();
    await ground.send(uploadId, TEXT);
    const claim = '00000000-0000-4000-8000-000000000000';
    await ground.catalog.claimUpload(uploadId, { claim, nowMs, untilMs: nowMs + 60_000, expired: false });
    await assert.rejects(ground.uploads.complete(uploadId, ASK), { code: 'conflict' });
    nowMs += 60_000;
    assert.equal((await ground.uploads.complete(uploadId, ASK)).replayed, false);
  });

  test('instructions that can not be made leave no reservation behind', async () => {
    const before = await store.catalog.uploadAllowance(ALICE, LIMIT, nowMs);
    const ground = openGround({
      wrap: (bucket) => withMethods(bucket, { signWrite: failing }),
    });
    await assert.rejects(ground.begin(), { code: 'storage_unavailable' });
    assert.deepEqual(await store.catalog.uploadAllowance(ALICE, LIMIT, nowMs), before);
  });
});

/** The bucket with some of its methods replaced. */
function withMethods(bucket: Bucket, methods: Partial<DirectBucket>): DirectBucket {
  return {
    name: bucket.name,
    capabilities: bucket.capabilities,
    head: (...given) => bucket.head(...given),
    get: (...given) => bucket.get(...given),
    copy: (...given) => bucket.copy(...given),
    deleteMany: (...given) => bucket.deleteMany(...given),
    signWrite: (...given) => bucket.signWrite(...given),
    beginMultipart: (...given) => bucket.beginMultipart(...given),
    resumeMultipart: (...given) => bucket.resumeMultipart(...given),
    ...methods,
  };
}

const LIMIT = { filesMax: 1_000_000, windowSeconds: 3600 };
async function failing(): Promise<never> {
  throw new StowageError('storage_unavailable', 'The store is down.');
}

describe('how a file goes up', () => {
  const small = { partBytesMin: 1, partBytesMax: 10, singlePutBytesMax: 20, partsMax: 100 };

  test('above what one request takes in parts, joined when complete', async () => {
    const ground = openGround({ capabilities: small });
    const begun = await ground.begin();
    assert.ok(begun.method === 'multipart');
    assert.deepEqual(
      begun.parts.map(({ sizeBytes }) => sizeBytes),
      [10, 10, 3],
    );
    const upload = await ground.catalog.findUpload('acme', begun.uploadId);
    assert.ok(upload?.storeUploadId);
    const write = { contentType: 'text/plain', cacheControl: '', metadata: {} };
    const parts = ground.bucket.resumeMultipart(upload.incomingKey, upload.storeUploadId, write);
    const put = (number: number, bytes: Buffer) =>
      parts.putPart(number, streamOf(bytes), { sizeBytes: bytes.length });
    await put(3, TEXT.subarray(20));
    await put(1, TEXT.subarray(0, 10));
    await assert.rejects(ground.uploads.complete(begun.uploadId, ASK), { code: 'conflict' });
    await put(2, TEXT.subarray(10, 19));
    await assert.rejects(ground.uploads.complete(begun.uploadId, ASK), { code: 'conflict' });
    await put(2, TEXT.subarray(10, 20));
    const { asset } = await ground.uploads.complete(begun.uploadId, ASK);
    assert.equal(asset.contentHash, createHash('sha256').update(TEXT).digest('hex'));
    assert.deepEqual(await ground.keys(), [asset.key]);
  });

  test('is a file too large where the store takes neither', async () => {
    const ground = openGround({ capabilities: { ...small, signedParts: false } });
    await assert.rejects(ground.begin(), { code: 'file_too_large', fields: { limit_bytes: 20 } });
  });
});

describe('the hostile table through this door', () => {
  // One store for all: what is left in it at the end belongs to the accepted ones.
  for (const sample of SAMPLES) {
    test(`${sample.title} (${sample.mediaType}) gets the verdict of the gate: ${sample.expect}`, async () => {
      const ground = openGround();
      const bytes = sample.bytes();
      const sizeBytes = bytes.length;
      // What a form would be told that announces as much as this door requires.
      const gate = await sendThrough(
        inChunks(bytes, () => 65_536),
        claimOf(sample, { sizeBytes }),
      );
      const expected = 'error' in gate ? codeOf(gate.error) : 'accepted';
      const { filename, declared: mediaType } = sample;
      let seen: string;
      try {
        const begun = await ground.begin({ filename, mediaType, sizeBytes, assetType: 'everything' });
        await ground.send(begun.uploadId, bytes);
        const { asset } = await ground.uploads.complete(begun.uploadId, ASK);
        assert.equal(asset.mediaType, sample.mediaType);
        assert.deepEqual(await ground.keys(), [asset.key]);
        seen = 'accepted';
      } catch (error) {
        if (!isStowageError(error)) throw error;
        seen = error.code;
        assert.deepEqual(await ground.keys(), []);
      }
      assert.equal(seen, expected);
    });
  }
});

function codeOf(error: unknown): string {
  assert.ok(isStowageError(error));
  return error.code;
}
