import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as aws from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { S3User } from './access.ts';
import { type S3Server, startS3Server } from './server.ts';
import { GUEST, OWNER, STRANGER, USERS } from './test-users.ts';

const Bucket = 'files';
/** How far the clock of the server is from that of its clients, in milliseconds. */
let offMs = 0;
let server: S3Server;
let owner: aws.S3Client;

before(async () => {
  server = await startS3Server({ users: USERS, now: () => Date.now() + offMs });
  owner = clientOf(OWNER);
  await owner.send(new aws.CreateBucketCommand({ Bucket }));
});
after(async () => {
  owner.destroy();
  await server[Symbol.asyncDispose]();
});

function clientOf(user: S3User, changes: Partial<S3User> = {}): aws.S3Client {
  const { sessionToken, ...keys } = { ...user, ...changes };
  return new aws.S3Client({
    endpoint: server.origin,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: sessionToken === undefined ? keys : { ...keys, sessionToken },
  });
}

const put = (client: aws.S3Client, Key: string, more: Partial<aws.PutObjectCommandInput> = {}) =>
  client.send(new aws.PutObjectCommand({ Bucket, Key, Body: Buffer.from('hello'), ...more }));
const read = async (Key: string, more: Partial<aws.GetObjectCommandInput> = {}) =>
  (await owner.send(new aws.GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');

const md5 = (text: string) => createHash('md5').update(text).digest('base64');

async function refused(call: Promise<unknown>, status: number, code: string): Promise<void> {
  const error = await call.then(
    () => assert.fail('was not refused'),
    (thrown: unknown) => thrown as { name: string; $metadata?: { httpStatusCode?: number } },
  );
  assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [code, status]);
}

describe('whoever asks', () => {
  test('with keys of the bucket’s owner may, temporary ones too', async () => {
    await put(owner, 'mine');
    assert.equal(await read('mine'), 'hello');
    await put(clientOf(GUEST), 'by the guest/ü +%&?.txt');
    assert.equal(await read('by the guest/ü +%&?.txt'), 'hello');
  });

  test('with a wrong secret, an unknown key, a wrong token or no signature may not', async () => {
    await refused(put(clientOf(OWNER, { secretAccessKey: 'wrong' }), 'a'), 403, 'SignatureDoesNotMatch');
    await refused(put(clientOf(OWNER, { accessKeyId: 'UNKNOWN' }), 'a'), 403, 'InvalidAccessKeyId');
    await refused(put(clientOf(GUEST, { sessionToken: 'stale' }), 'a'), 403, 'InvalidToken');
    await refused(put(clientOf(STRANGER), 'a'), 403, 'AccessDenied');
    assert.equal((await fetch(`${server.origin}/${Bucket}/mine`)).status, 403);
    assert.equal((await fetch(`${server.origin}/${Bucket}/a`, { method: 'PUT', body: 'x' })).status, 403);
  });

  test('with a clock that is off is refused', async () => {
    offMs = 16 * 60_000;
    try {
      // The official client corrects its clock by the answer, for its next try.
      await refused(put(clientOf(OWNER), 'a'), 403, 'RequestTimeTooSkewed');
    } finally {
      offMs = 0;
    }
  });

  test('for something this server does not know is told so', async () => {
    await refused(put(owner, 'a', { ACL: 'private' }), 400, 'AccessControlListNotSupported');
    await refused(put(owner, 'a', { Tagging: 'a=b' }), 501, 'NotImplemented');
  });
});

describe('a write', () => {
  test('is compared with the digests it announces, and keeps its SHA-256', async () => {
    for (const wrong of [{ ChecksumSHA256: sha256('other') }, { ContentMD5: md5('other') }])
      await refused(put(owner, 'wrong', wrong), 400, 'BadDigest');
    await refused(read('wrong'), 404, 'NoSuchKey');
    await put(owner, 'right', { ChecksumSHA256: sha256('hello') });
    const head = new aws.HeadObjectCommand({ Bucket, Key: 'right', ChecksumMode: 'ENABLED' });
    assert.equal((await owner.send(head)).ChecksumSHA256, sha256('hello'));
  });

  test('tells back how it was to be encrypted', async () => {
    assert.equal(
      (await put(owner, 'sse', { ServerSideEncryption: 'AES256' })).ServerSideEncryption,
      'AES256',
    );
    const kms = await put(owner, 'kms', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' });
    assert.deepEqual([kms.ServerSideEncryption, kms.SSEKMSKeyId], ['aws:kms', 'key-1']);
    const head = await owner.send(new aws.HeadObjectCommand({ Bucket, Key: 'kms' }));
    assert.deepEqual([head.ServerSideEncryption, head.SSEKMSKeyId], ['aws:kms', 'key-1']);
    assert.equal((await put(owner, 'none')).ServerSideEncryption, undefined);
  });

  test('on condition that the key is free has one winner of many', async () => {
    const tries = Array.from({ length: 8 }, () => put(owner, 'once', { IfNoneMatch: '*' }));
    const results = await Promise.allSettled(tries);
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    await refused(put(owner, 'once', { IfNoneMatch: '*' }), 412, 'PreconditionFailed');
    await refused(put(owner, 'once', { IfMatch: '"other"' }), 412, 'PreconditionFailed');
  });

  test('without encryption is refused where a policy says so', async () => {
    const deny = (Sid: string, Condition: object) => ({
      ...{ Sid, Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: 'arn:aws:s3:::strict/*' },
      Condition,
    });
    await owner.send(new aws.CreateBucketCommand({ Bucket: 'strict' }));
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        deny('missing', { Null: { 's3:x-amz-server-side-encryption': 'true' } }),
        deny('other', { StringNotEquals: { 's3:x-amz-server-side-encryption': 'AES256' } }),
      ],
    });
    await owner.send(new aws.PutBucketPolicyCommand({ Bucket: 'strict', Policy }));
    const inStrict = { Bucket: 'strict' };
    await refused(put(owner, 'a', inStrict), 403, 'AccessDenied');
    await refused(put(owner, 'a', { ...inStrict, ServerSideEncryption: 'aws:kms' }), 403, 'AccessDenied');
    await put(owner, 'a', { ...inStrict, ServerSideEncryption: 'AES256' });
    const begin = new aws.CreateMultipartUploadCommand({ ...inStrict, Key: 'b' });
    await refused(owner.send(begin), 403, 'AccessDenied');
    const copy = new aws.CopyObjectCommand({ ...inStrict, Key: 'b', CopySource: 'strict/a' });
    await refused(owner.send(copy), 403, 'AccessDenied');
    const other = new aws.PutBucketPolicyCommand({ ...inStrict, Policy: Policy.replace('Deny', 'Allow') });
    await refused(owner.send(other), 400, 'MalformedPolicy');
  });
});

describe('a copy', () => {
  test('is made of the source it names, as it was, on a key that is free', async () => {
    const { ETag = '' } = await put(owner, 'source', { ContentType: 'text/plain', Metadata: { a: '1' } });
    const copy = (more: Partial<aws.CopyObjectCommandInput>) =>
      owner.send(
        new aws.CopyObjectCommand({ Bucket, Key: 'target', CopySource: `${Bucket}/source`, ...more }),
      );
    await refused(copy({ CopySourceIfMatch: '"other"' }), 412, 'PreconditionFailed');
    await refused(read('target'), 404, 'NoSuchKey');
    await copy({ CopySourceIfMatch: ETag, IfNoneMatch: '*' });
    const { Metadata, ContentType } = await owner.send(new aws.HeadObjectCommand({ Bucket, Key: 'target' }));
    assert.deepEqual([Metadata, ContentType], [{ a: '1' }, 'text/plain']);
    await refused(copy({ IfNoneMatch: '*' }), 412, 'PreconditionFailed');
    await refused(copy({ CopySource: `${Bucket}/missing` }), 404, 'NoSuchKey');
    await refused(copy({ CopySource: `${Bucket}/target` }), 400, 'InvalidRequest');
  });
});

describe('parts', () => {
  test('are listed page by page and become one object', async () => {
    const Key = 'large';
    const { UploadId } = await owner.send(new aws.CreateMultipartUploadCommand({ Bucket, Key }));
    const bodies = Array.from({ length: 7 }, (_, at) => Buffer.alloc(at === 6 ? 10 : 5 * 1024 ** 2, at + 1));
    for (const [at, Body] of bodies.entries())
      await owner.send(new aws.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: at + 1, Body }));
    const Parts: aws.Part[] = [];
    for await (const page of aws.paginateListParts({ client: owner }, { Bucket, Key, UploadId }))
      Parts.push(...(page.Parts ?? []));
    assert.equal(Parts.length, 7);
    const complete = (parts: aws.Part[]) =>
      owner.send(
        new aws.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }),
      );
    await refused(complete(Parts.toReversed()), 400, 'InvalidPartOrder');
    await refused(complete([{ ...Parts[0], ETag: '"other"' }]), 400, 'InvalidPart');
    const { ETag } = await complete(Parts);
    assert.match(ETag ?? '', /^"[0-9a-f]{32}-7"$/);
    const whole = Buffer.concat(bodies);
    const got = await owner.send(new aws.GetObjectCommand({ Bucket, Key }));
    assert.ok(whole.equals((await got.Body?.transformToByteArray()) ?? Buffer.alloc(0)));
    const across = await owner.send(
      new aws.GetObjectCommand({ Bucket, Key, Range: 'bytes=5242870-5242890' }),
    );
    const bytes = Buffer.from((await across.Body?.transformToByteArray()) ?? []);
    assert.deepEqual(bytes, whole.subarray(5242870, 5242891));
    await refused(complete(Parts), 404, 'NoSuchUpload');
  });
});

test('a listing has folders and pages', async () => {
  await owner.send(new aws.CreateBucketCommand({ Bucket: 'listed' }));
  for (const Key of ['a', 'b/1', 'b/2', 'c/1', 'd é&<', 'e']) await put(owner, Key, { Bucket: 'listed' });
  const keys: (string | undefined)[] = [];
  const settings = { client: owner, pageSize: 2 };
  for await (const page of aws.paginateListObjectsV2(settings, { Bucket: 'listed', Delimiter: '/' }))
    keys.push(
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    );
  assert.deepEqual(keys.toSorted(), ['a', 'b/', 'c/', 'd é&<', 'e']);
  const names = ['a', 'nothing'].map((Key) => ({ Key }));
  const Delete = { Objects: names, Quiet: false };
  const { Deleted } = await owner.send(new aws.DeleteObjectsCommand({ Bucket: 'listed', Delete }));
  assert.equal(Deleted?.length, 2);
});

describe('a signed URL', () => {
  const get = (Key: string) => new aws.GetObjectCommand({ Bucket, Key });
  const at = (offsetMs: number) => ({ signingDate: new Date(Date.now() + offsetMs), expiresIn: 60 });

  test('reads until it ends, and not before it begins', async () => {
    await put(owner, 'shared');
    assert.equal(await (await fetch(await getSignedUrl(owner, get('shared'), at(0)))).text(), 'hello');
    for (const offsetMs of [-61_000, 16 * 60_000])
      assert.equal((await fetch(await getSignedUrl(owner, get('shared'), at(offsetMs)))).status, 403);
    const forged = (await getSignedUrl(owner, get('shared'), at(0))).replace('/shared', '/mine');
    assert.equal((await fetch(forged)).status, 403);
  });

  test('does not let unsigned headers of S3 through', async () => {
    const url = await getSignedUrl(owner, get('shared'), at(0));
    assert.equal((await fetch(url, { headers: { 'x-amz-checksum-mode': 'ENABLED' } })).status, 403);
  });
});

describe('a form', () => {
  const postForm = async (change: (fields: Record<string, string>) => void, body = 'hello') => {
    const Conditions = [
      ['content-length-range', 5, 5],
      ['starts-with', '$Cache-Control', 'max'],
    ] as unknown as NonNullable<Parameters<typeof createPresignedPost>[1]['Conditions']>;
    const Fields = {
      'Content-Type': 'image/png',
      'x-amz-meta-a': '1',
      'x-amz-checksum-sha256': sha256('hello'),
    };
    const { url, fields } = await createPresignedPost(owner, { Bucket, Key: 'form', Conditions, Fields });
    fields['Cache-Control'] = 'max-age=1';
    change(fields);
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([body]));
    const answer = await fetch(url, { method: 'POST', body: form });
    return { status: answer.status, code: /<Code>(\w+)/.exec(await answer.text())?.[1] };
  };

  test('stores what its policy allows', async () => {
    assert.deepEqual(await postForm(() => {}), { status: 204, code: undefined });
    const head = await owner.send(new aws.HeadObjectCommand({ Bucket, Key: 'form' }));
    const { ContentType, CacheControl, Metadata, ContentLength } = head;
    assert.deepEqual(
      [ContentType, CacheControl, Metadata, ContentLength],
      ['image/png', 'max-age=1', { a: '1' }, 5],
    );
  });

  test('and nothing else', async () => {
    await owner.send(new aws.DeleteObjectCommand({ Bucket, Key: 'form' }));
    const denied = { status: 403, code: 'AccessDenied' };
    assert.deepEqual(await postForm(() => {}, 'hello!'), { status: 400, code: 'EntityTooLarge' });
    assert.deepEqual(await postForm(() => {}, 'hell'), { status: 400, code: 'EntityTooSmall' });
    assert.deepEqual(await postForm(() => {}, 'jello'), { status: 400, code: 'BadDigest' });
    assert.deepEqual(await postForm((fields) => Object.assign(fields, { key: 'mine' })), denied);
    assert.deepEqual(await postForm((fields) => Object.assign(fields, { 'x-amz-meta-b': '2' })), denied);
    assert.deepEqual(await postForm((fields) => delete fields['Content-Type']), denied);
    const other = Buffer.from('{"expiration":"2999-01-01T00:00:00Z","conditions":[]}').toString('base64');
    assert.deepEqual(await postForm((fields) => Object.assign(fields, { Policy: other })), {
      status: 403,
      code: 'SignatureDoesNotMatch',
    });
    await refused(read('form'), 404, 'NoSuchKey');
  });
});

test('a page may ask what the bucket’s CORS rules allow, and no other', async () => {
  const CORSRules = [
    {
      AllowedOrigins: ['https://*.example'],
      AllowedMethods: ['PUT'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag'],
    },
  ];
  const preflight = (origin: string, method: string) =>
    fetch(`${server.origin}/${Bucket}/a`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'X-Any' },
    });
  assert.equal((await preflight('https://app.example', 'PUT')).status, 403);
  await owner.send(new aws.PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
  const allowed = await preflight('https://app.example', 'PUT');
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example');
  assert.equal(allowed.headers.get('access-control-allow-headers'), 'x-any');
  assert.equal((await preflight('https://app.evil', 'PUT')).status, 403);
  assert.equal((await preflight('https://app.example', 'GET')).status, 403);
  const { CORSRules: kept } = await owner.send(new aws.GetBucketCorsCommand({ Bucket }));
  assert.deepEqual(kept?.[0]?.AllowedMethods, ['PUT']);
});
