import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import * as aws from '@aws-sdk/client-s3';
import { form } from './http.ts';
import { noise } from './samples/bits.ts';
import { sample } from './samples/index.ts';
import { mp4Head } from './samples/media.ts';
import { type Service, startService } from './service.ts';
import { openS3 } from './store.ts';
import type { Asset } from './wire.ts';

const MIB = 1024 * 1024;
const FILM_BYTES = 20 * MIB;
const hasCommand = spawnSync('aws', ['--version'], { timeout: 30_000 }).status === 0;
const NO_COMMAND = { skip: hasCommand ? false : 'the aws command is not installed' };

/** An asset and the bytes it was made of. */
interface Stored {
  readonly asset: Asset;
  readonly bytes: Buffer;
}

const ceph = process.env.TEST_CEPH_ENDPOINT;
describeReader('the small server of this repository', undefined, true);
// Ceph 16 takes the wish to encrypt, obeys policies about it, and does not tell it back.
if (ceph !== undefined) describeReader('Ceph', ceph, false);

/** Someone who knows nothing of Stowage reads what it wrote: AWS's own client and command. */
function describeReader(name: string, endpoint: string | undefined, tellsEncryption: boolean): void {
  describe(`an independent user of S3 on ${name}`, () => {
    let service: Service;
    let s3: aws.S3Client;
    let Bucket: string;
    const stored = new Map<string, Stored>();

    before(async () => {
      service = await startService({}, { store: await openS3(endpoint) });
      const {
        S3_BUCKET_NAME = '',
        S3_ACCESS_KEY = '',
        S3_SECRET_KEY = '',
        S3_ENDPOINT = '',
      } = service.store.settings;
      Bucket = S3_BUCKET_NAME;
      s3 = new aws.S3Client({
        ...{ endpoint: S3_ENDPOINT, region: 'us-east-1', forcePathStyle: true },
        credentials: { accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY },
      });
      const deny = {
        ...{ Sid: 'encrypted', Effect: 'Deny', Principal: '*', Action: 's3:PutObject' },
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } },
      };
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
      const obeyPolicy = () => s3.send(new aws.PutBucketPolicyCommand({ Bucket, Policy }));
      const alice = service.as('alice');
      // Ceph 16 asks for the header with each part too, where S3 takes none, and does not see the field of a form post:
      // for these two only the small server proves it.
      if (name !== 'Ceph') await obeyPolicy();
      const film = {
        ...{ filename: 'film.mp4', mediaType: 'video/mp4' },
        bytes: Buffer.concat([mp4Head(FILM_BYTES), noise(FILM_BYTES, 3)]),
      };
      stored.set('a form, in parts', {
        asset: await alice.store('generated_video', film),
        bytes: film.bytes,
      });
      stored.set('a direct upload', await uploadDirectly(service));
      if (name === 'Ceph') await obeyPolicy();
      const picture = sample('png', 1, 'Größe 1.png');
      stored.set('a form', { asset: await alice.store('image', picture), bytes: picture.bytes });
    });
    after(async () => {
      s3.destroy();
      await service[Symbol.asyncDispose]();
    });

    test('can not store without encryption: so every write of Stowage asked for it', async () => {
      const put = { Bucket, Key: 'plain', Body: 'x' };
      await assert.rejects(s3.send(new aws.PutObjectCommand(put)), { name: 'AccessDenied' });
      await s3.send(new aws.PutObjectCommand({ ...put, ServerSideEncryption: 'AES256' }));
    });

    for (const way of ['a form', 'a form, in parts', 'a direct upload']) {
      test(`reads the bytes and headers of ${way}`, async () => {
        const { asset, bytes } = stored.get(way) ?? assert.fail('nothing was stored');
        assert.equal(asset.s3_url, `s3://${Bucket}/${asset.key}`);
        const got = await s3.send(new aws.GetObjectCommand({ Bucket, Key: asset.key }));
        const body = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
        assert.ok(body.equals(bytes), `${body.length} of ${bytes.length} bytes`);
        assert.equal(got.ContentType, asset.mime_type);
        assert.match(got.CacheControl ?? '', /^(?:private|no-store)/);
        const { uploaded_by, upload_timestamp, content_hash } = tellsEncryption
          ? (got.Metadata ?? {})
          : underscored(got.Metadata);
        assert.match(uploaded_by ?? '', /^[\w-]+$/);
        assert.ok(Math.abs(Date.parse(upload_timestamp ?? '') - Date.parse(asset.created_at)) < 60_000);
        assert.equal(content_hash, createHash('sha256').update(bytes).digest('hex'));
        assert.equal(content_hash, asset.content_hash);
        if (tellsEncryption) assert.equal(got.ServerSideEncryption, 'AES256');
      });
    }

    test('with the aws command reads the same', NO_COMMAND, async () => {
      const { asset, bytes } = stored.get('a form, in parts') ?? assert.fail('nothing was stored');
      const target = path.join(service.directory, 'film.mp4');
      const settings = service.store.settings;
      const env = {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, AWS_EC2_METADATA_DISABLED: 'true' },
        ...{ AWS_DEFAULT_REGION: 'us-east-1', AWS_CONFIG_FILE: path.join(service.directory, 'none') },
        ...{ AWS_ACCESS_KEY_ID: settings.S3_ACCESS_KEY, AWS_SECRET_ACCESS_KEY: settings.S3_SECRET_KEY },
      };
      const run = async (...args: string[]) => {
        const all = ['--endpoint-url', settings.S3_ENDPOINT ?? '', ...args];
        return (await promisify(execFile)('aws', all, { env, timeout: 120_000 })).stdout;
      };
      await run('s3', 'cp', `s3://${Bucket}/${asset.key}`, target, '--only-show-errors');
      assert.ok(readFileSync(target).equals(bytes));
      const head = JSON.parse(await run('s3api', 'head-object', '--bucket', Bucket, '--key', asset.key));
      assert.deepEqual(
        [head.ContentLength, head.ContentType, underscored(head.Metadata).content_hash],
        [bytes.length, 'video/mp4', asset.content_hash],
      );
      const listed = await run('s3', 'ls', '--recursive', `s3://${Bucket}/`);
      for (const { asset: each } of stored.values()) assert.ok(listed.includes(each.key), each.key);
    });
  });
}

/** Ceph tells the underscores of names as dashes; S3 tells names as they were. */
function underscored(metadata: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name.replaceAll('-', '_'), value]),
  );
}

async function uploadDirectly(service: Service): Promise<Stored> {
  const alice = service.as('alice');
  const { bytes, filename, mediaType } = sample('pdf', 2);
  const announced = { filename, mime_type: mediaType, size_bytes: bytes.length, asset_type: 'invoice' };
  const begun = await alice.send('POST', '/api/uploads', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(announced),
  });
  assert.equal(begun.status, 201, begun.text);
  const to = begun.json<{ upload_id: string; url: string; fields: Record<string, string> }>();
  const fields = Object.entries(to.fields).map(([name, body]) => ({ name, body }));
  const made = form([...fields, { name: 'file', filename: 'file', body: bytes }]);
  const sent = await service.send('POST', to.url, made);
  assert.ok(sent.status >= 200 && sent.status < 300, sent.text);
  const answer = await alice.send('POST', `/api/uploads/${to.upload_id}/complete`);
  assert.equal(answer.status, 200, answer.text);
  return { asset: answer.json<Asset>(), bytes };
}
