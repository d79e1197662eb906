// Question: what does S3 cost through Stowage's own signed requests, against Amazon's client?
// Method: both clients in turn in this process, against the same server in another one. The server is a sink on loopback that
// takes all and checks nothing (bench/baselines/s3-sink.ts), so that the client is what is measured. Where Ceph is
// installed the same puts go to a gateway of it as well, for the rows "on Ceph": there the store costs most. Amazon's
// client is as it comes (50 kept connections, more than are used); both compute SHA-256 of every part. Median of the rounds.
import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  S3Client as OfficialClient,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { systemClock } from '../src/core/clock.ts';
import { parseObjectKey } from '../src/core/key.ts';
import { silentLog } from '../src/core/log.ts';
import type { PutOptions, StorageBackend } from '../src/storage/backend.ts';
import { openS3Backend } from '../src/storage/s3/backend.ts';
import { S3Client } from '../src/storage/s3/client.ts';
import type { S3Options } from '../src/storage/s3/options.ts';
import { startCeph } from './ceph.ts';
import { type Answer, inTurn, perSecond, ratios, startBaseline } from './harness.ts';

const SMALL = Buffer.alloc(10_000, 0x5a);
/** Small objects of one measurement: about as long for each client, and less where a real store is the limit. */
const SMALL_COUNTS = { own: 5_000, official: 1_000, onStore: 300 };
const AT_ONCE = 32;
const PART = Buffer.alloc(8 << 20, 0x5a);
const PARTS = 12;
const PARTS_AT_ONCE = 4;
/** Large objects of one measurement, one after the other; a gateway in memory has no room for more. */
const LARGE_COUNTS = { sink: 3, onStore: 1 };
const KEYS = { accessKeyId: 'TESTSTOWAGEKEY', secretAccessKey: 'test-secret-of-stowage-on-loopback' };
const REGION = 'us-east-1';
const BUCKET = 'bench';
const WRITE: PutOptions = {
  mode: 'replace',
  contentType: 'application/octet-stream',
  cacheControl: 'private, max-age=0',
  metadata: { uploaded_by: 'bench', upload_timestamp: '2026-01-01T00:00:00Z' },
};

interface Pair {
  readonly own: StorageBackend;
  readonly official: OfficialClient;
  readonly bucket: string;
  readonly isSink: boolean;
}

/** 10 KB objects and 96 MB in parts, into a sink and, where there is one, into a real store. */
export async function s3Put(rounds: number): Promise<Answer> {
  return overStores(rounds, {
    question: `10 KB objects to S3, ${AT_ONCE} at once, SHA-256 of each computed`,
    unit: 'objects/s',
    title: '10 KB puts, stowage / official client',
    atLeast: 4,
    own: ({ own, isSink }) =>
      perSecond(isSink ? SMALL_COUNTS.own : SMALL_COUNTS.onStore, AT_ONCE, (number) => ownPut(own, number)),
    official: ({ official, bucket, isSink }) =>
      perSecond(isSink ? SMALL_COUNTS.official : SMALL_COUNTS.onStore, AT_ONCE, async (number) => {
        await official.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: `small/${number}`,
            Body: SMALL,
            ContentType: WRITE.contentType,
            CacheControl: WRITE.cacheControl,
            Metadata: WRITE.metadata as Record<string, string>,
            ServerSideEncryption: 'AES256',
            ChecksumSHA256: createHash('sha256').update(SMALL).digest('base64'),
          }),
        );
      }),
  });
}

export async function s3PutParts(rounds: number): Promise<Answer> {
  return overStores(rounds, {
    question: `96 MB to S3 in parts of 8 MiB, ${PARTS_AT_ONCE} at once, SHA-256 of each computed`,
    unit: 'MB/s',
    title: 'parts, stowage / official client',
    atLeast: 1.5,
    own: ({ own, isSink }) => megabytesPerSecond(isSink, () => ownPutLarge(own)),
    official: ({ official, bucket, isSink }) =>
      megabytesPerSecond(isSink, () => officialPutLarge(official, bucket)),
  });
}

/** One URL after the other: what a list or a redirect waits for. */
export async function s3Presign(rounds: number): Promise<Answer> {
  const pair = openPair('https://s3.us-east-1.amazonaws.com', BUCKET);
  const figures = await inTurn(rounds, {
    stowage: () => signingRate(50_000, (number) => ownUrl(pair.own, number)),
    'official presigner': () => signingRate(1_000, (number) => officialUrl(pair, number)),
  });
  await closePair(pair);
  return {
    question: 'Presigning a read URL for S3, one after the other',
    unit: 'URLs/s',
    figures,
    targets: [
      {
        title: 'presigning, stowage / official presigner',
        values: ratios(figures, 'stowage', 'official presigner'),
        atLeast: 50,
      },
    ],
  };
}

async function overStores(
  rounds: number,
  bench: {
    readonly question: string;
    readonly unit: string;
    readonly title: string;
    readonly atLeast: number;
    readonly own: (pair: Pair) => Promise<number>;
    readonly official: (pair: Pair) => Promise<number>;
  },
): Promise<Answer> {
  const sink = await startBaseline('s3-sink', 's3-sink.ts', []);
  const ceph = await startCeph();
  const pairs: Record<string, Pair> = { '': openPair(sink.origin, BUCKET) };
  try {
    if (ceph !== null) pairs[' on Ceph'] = await openBucketOn(ceph.origin);
    const contenders = Object.entries(pairs).flatMap(([where, pair]) => [
      [`stowage${where}`, () => bench.own(pair)] as const,
      [`official client${where}`, () => bench.official(pair)] as const,
    ]);
    const figures = await inTurn(rounds, Object.fromEntries(contenders));
    const values = ratios(figures, 'stowage', 'official client');
    return {
      question: bench.question,
      unit: bench.unit,
      figures,
      targets: [{ title: bench.title, values, atLeast: bench.atLeast }],
    };
  } finally {
    await Promise.all(Object.values(pairs).map(closePair));
    await sink.stop();
    ceph?.stop();
  }
}

async function openBucketOn(store: string): Promise<Pair> {
  const bucket = `bench-${process.pid}-${Date.now()}`;
  const client = new S3Client(s3OptionsFor(store, bucket));
  await client.callForText({ method: 'PUT', key: null });
  await client.close();
  return openPair(store, bucket);
}

function openPair(endpoint: string, bucket: string): Pair {
  const official = new OfficialClient({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: KEYS,
  });
  return { own: openS3Backend(s3OptionsFor(endpoint, bucket)), official, bucket, isSink: bucket === BUCKET };
}

async function closePair({ own, official }: Pair): Promise<void> {
  await own.close();
  official.destroy();
}

/** A bucket at an address, by the keys of the tests. */
export function s3OptionsFor(endpoint: string, bucket: string): S3Options {
  return {
    bucket,
    region: REGION,
    credentials: KEYS,
    endpoint,
    publicEndpoint: null,
    forcePathStyle: true,
    sse: 'AES256',
    kmsKeyId: null,
    signedWrite: 'post',
    clock: systemClock,
    log: silentLog,
  };
}

async function ownPut(own: StorageBackend, number: number): Promise<void> {
  await own.put(parseObjectKey(`small/${number}`), repeated(SMALL, 1), WRITE);
}

async function ownPutLarge(own: StorageBackend): Promise<void> {
  await own.put(parseObjectKey('large/1'), repeated(PART, PARTS), WRITE);
}

async function officialPutLarge(official: OfficialClient, bucket: string): Promise<void> {
  const target = { Bucket: bucket, Key: 'large/1' };
  const { UploadId } = await official.send(
    new CreateMultipartUploadCommand({
      ...target,
      ChecksumAlgorithm: 'SHA256',
      ServerSideEncryption: 'AES256',
    }),
  );
  const parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string }[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < PARTS) {
      const PartNumber = ++next;
      const ChecksumSHA256 = createHash('sha256').update(PART).digest('base64');
      const part = { ...target, UploadId, PartNumber, Body: PART, ChecksumSHA256 };
      const { ETag } = await official.send(new UploadPartCommand(part));
      parts.push({ PartNumber, ETag, ChecksumSHA256 });
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker));
  const Parts = parts.sort((a, b) => a.PartNumber - b.PartNumber);
  await official.send(
    new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
  );
}

async function ownUrl(own: StorageBackend, number: number): Promise<string> {
  const { url } = await own.signRead(
    parseObjectKey(`brand-images/user-1/1700000000_ab12cd34_${number}.jpg`),
    {
      nowMs: 1_700_000_000_000,
      lifetimeSeconds: 3600,
      contentDisposition: 'inline; filename="photo.jpg"',
      contentType: 'image/jpeg',
      grant: null,
    },
  );
  return url;
}

async function officialUrl({ official, bucket }: Pair, number: number): Promise<string> {
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: `brand-images/user-1/1700000000_ab12cd34_${number}.jpg`,
    ResponseContentDisposition: 'inline; filename="photo.jpg"',
    ResponseContentType: 'image/jpeg',
  });
  return getSignedUrl(official, command, { expiresIn: 3600, signingDate: new Date(1_700_000_000_000) });
}

async function signingRate(count: number, sign: (number: number) => Promise<string>): Promise<number> {
  const started = performance.now();
  for (let number = 0; number < count; number += 1) await sign(number);
  return (count * 1000) / (performance.now() - started);
}

async function megabytesPerSecond(isSink: boolean, work: () => Promise<void>): Promise<number> {
  const objects = isSink ? LARGE_COUNTS.sink : LARGE_COUNTS.onStore;
  const started = performance.now();
  for (let object = 0; object < objects; object += 1) await work();
  return (objects * PARTS * PART.byteLength) / 1000 / (performance.now() - started);
}

async function* repeated(chunk: Buffer, count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield chunk;
}
