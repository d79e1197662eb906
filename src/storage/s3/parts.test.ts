import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type FaultyProxy, startFaultyProxy } from '../../../test/servers/chaos/proxy.ts';
import { type S3Server, startS3Server } from '../../../test/servers/s3/server.ts';
import { OWNER, USERS } from '../../../test/servers/s3/test-users.ts';
import { MIB } from '../../core/bytes.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import type { StorageBackend } from '../backend.ts';
import { Bucket } from '../bucket.ts';
import { CREATE, refuses } from '../conformance/material.ts';
import { PARTS_IN_FLIGHT_MAX, PUT_PART_BYTES } from '../put-in-parts.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import type { S3Options } from './options.ts';

/** Above what goes up in one request, and above 100 MB. */
const LARGE_BYTES = 104 * MIB;
const PIECE = Buffer.alloc(MIB, 7);

let server: S3Server;
let proxy: FaultyProxy;
let backend: StorageBackend;
let bucket: Bucket;
before(async () => {
  server = await startS3Server({ users: USERS });
  proxy = await startFaultyProxy(Number(new URL(server.origin).port));
  const options: S3Options = {
    bucket: 'parts',
    region: 'us-east-1',
    credentials: OWNER,
    endpoint: `http://127.0.0.1:${proxy.port}`,
    publicEndpoint: null,
    forcePathStyle: true,
    sse: 'AES256',
    kmsKeyId: null,
    signedWrite: 'post',
    clock: systemClock,
    log: silentLog,
  };
  const client = new S3Client(options);
  await client.callForText({ method: 'PUT', key: null });
  await client.close();
  backend = openS3Backend(options);
  bucket = new Bucket(backend);
});
after(async () => {
  await backend.close();
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  proxy.fault = () => null;
});

const isPart = (url: string | undefined) => url?.includes('partNumber=') === true;
const uploadsLeft = () => server.buckets.get('parts')?.uploads.size;

describe('a large object on S3', () => {
  test('goes up in parts, several at once and never more than may be held', async () => {
    let [taken, arrived, atOnce, atOnceMax, heldMax] = [0, 0, 0, 0, 0];
    async function* body() {
      for (let piece = 0; piece < LARGE_BYTES / MIB; piece += 1) {
        taken += MIB;
        heldMax = Math.max(heldMax, taken - arrived);
        yield PIECE;
      }
    }
    proxy.fault = (request) => {
      if (!isPart(request.url)) return null;
      atOnce += 1;
      atOnceMax = Math.max(atOnceMax, atOnce);
      request.once('end', () => {
        atOnce -= 1;
        arrived += PUT_PART_BYTES;
      });
      return null;
    };
    const info = await bucket.put('large', body(), CREATE);
    assert.equal(info.sizeBytes, LARGE_BYTES);
    assert.ok(atOnceMax > 1 && atOnceMax <= PARTS_IN_FLIGHT_MAX, `${atOnceMax} parts at once`);
    const heldBound = (PARTS_IN_FLIGHT_MAX + 1) * PUT_PART_BYTES;
    assert.ok(heldMax <= heldBound, `${heldMax / MIB} MiB were held`);
    assert.equal(uploadsLeft(), 0);
  });

  test('whose part is cut off is sent again, that part only', async () => {
    let [cut, parts] = [0, 0];
    proxy.fault = ({ url }) => {
      if (!isPart(url)) return null;
      parts += 1;
      return cut++ === 1 ? { cutRequestAfterBytes: MIB } : null;
    };
    async function* body() {
      for (let piece = 0; piece < 32; piece += 1) yield PIECE;
    }
    assert.equal((await bucket.put('again', body(), CREATE)).sizeBytes, 32 * MIB);
    assert.equal(parts, 5);
  });

  test('that is aborted, or that the store stops taking, leaves no parts', async () => {
    const cut = new AbortController();
    async function* body(stop?: () => void) {
      for (let piece = 0; piece < 64; piece += 1) {
        if (piece === 40) stop?.();
        yield PIECE;
      }
    }
    const aborted = bucket.put(
      'aborted',
      body(() => cut.abort()),
      { ...CREATE, signal: cut.signal },
    );
    await refuses('aborted', aborted);
    assert.equal(uploadsLeft(), 0);
    proxy.fault = ({ url }) => (isPart(url) ? { status: 503 } : null);
    await refuses('storage_unavailable', bucket.put('refused', body(), CREATE));
    proxy.fault = () => null;
    assert.equal(uploadsLeft(), 0);
    for (const key of ['aborted', 'refused']) await refuses('object_not_found', bucket.head(key, {}));
  });
});
