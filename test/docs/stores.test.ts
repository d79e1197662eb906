import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CORSConfiguration,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { BucketCalls } from '../../src/provisioning/gcs/calls.ts';
import { OPERATOR, openAws, provisioningOf, startAws } from '../../src/provisioning/test-aws.ts';
import { applyAll } from '../../src/provisioning/test-run.ts';
import { png } from '../acceptance/samples/images.ts';
import { type Environment, startService } from '../acceptance/service.ts';
import { startGcsServer } from '../servers/gcs/server.ts';
import { makeTestAccount } from '../servers/gcs/test-account.ts';
import { blockWith } from './claims.ts';

const S3 = 'docs/providers/s3.md';
const GCS = 'docs/providers/gcs.md';
const ORIGIN = 'https://app.example.com';
const json = (document: string, piece: string) => JSON.parse(blockWith(document, piece).text);

describe('what the pages about stores show', () => {
  test('is taken by S3: lifecycle and CORS', async () => {
    await using aws = await startAws();
    await using provider = await openAws(aws);
    await applyAll(provider);
    const { accessKeyId, secretAccessKey } = OPERATOR;
    const client = new S3Client({
      ...{ endpoint: aws.origin, region: 'eu-central-1', forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
    });
    const Bucket = 'my-files';
    await client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: json(S3, 'AbortIncompleteMultipartUpload'),
      }),
    );
    const CORSConfiguration: CORSConfiguration = json(S3, 'CORSRules');
    assert.deepEqual(CORSConfiguration.CORSRules?.[0]?.AllowedOrigins, [ORIGIN]);
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }));
    client.destroy();
  });

  test('allows on S3 what the backend asks for, and no more', async () => {
    await using aws = await startAws();
    await using provider = await openAws(aws);
    const { identity_policy: made } = await provider.documents(AbortSignal.timeout(10_000));
    assert.deepEqual(rights(json(S3, 's3:ListBucket')), rights(made));
  });

  test('is taken by Google: lifecycle, and CORS that lets a page send what it is told to', async () => {
    await using account = await makeTestAccount('operator');
    await using server = await startGcsServer({
      accounts: new Map([[account.email, account.publicKey]]),
      operators: [account.email],
      buckets: ['my-files'],
    });
    const calls = new BucketCalls({
      ...{ bucket: 'my-files', projectId: 'my-project', endpoint: server.origin },
      credentialsPath: account.keyFilePath,
      operatorCredentialsPath: account.keyFilePath,
      ...{ backendIsOther: false, provisioning: provisioningOf({}), clock: systemClock, log: silentLog },
    });
    const signal = AbortSignal.timeout(30_000);
    await calls.patch({ lifecycle: json(GCS, 'AbortIncompleteMultipartUpload') }, signal);
    await calls.patch({ cors: json(GCS, 'responseHeader') }, signal);
    const { url, headers } = await begun({
      STORAGE_BACKEND: 'gcs',
      GCS_BUCKET_NAME: 'my-files',
      GCS_CREDENTIALS_PATH: account.keyFilePath,
      GCS_ENDPOINT: server.origin,
    });
    await calls.close();
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'PUT' },
    });
    assert.equal(preflight.headers.get('access-control-allow-origin'), ORIGIN);
    const allowed = (preflight.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(',');
    assert.deepEqual(
      headers.filter((name) => !allowed.includes(name)),
      [],
    );
  });

  test('lets a page send to Azure what it is told to', async () => {
    const block = blockWith('docs/providers/azure.md', 'az storage cors').text;
    const [, list = ''] = /--allowed-headers '([^']+)'/.exec(block) ?? [];
    const patterns = list.split(',').map((name) => new RegExp(`^${name.replace('*', '.*')}$`));
    const { headers } = await begun({}, 'azure');
    assert.ok(headers.length > 0);
    assert.deepEqual(
      headers.filter((name) => !patterns.some((pattern) => pattern.test(name))),
      [],
    );
  });
});

/** Where a direct upload is sent, and the names of the headers that it must have. */
async function begun(
  settings: Environment,
  backend: 'local' | 'azure' = 'local',
): Promise<{ readonly url: string; readonly headers: readonly string[] }> {
  await using service = await startService(settings, { backend });
  const answer = await service.as('alice').send('POST', '/api/uploads', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ filename: 'a.png', asset_type: 'image', mime_type: 'image/png', size_bytes: png().byteLength },
      metadata: { note: 'kept' },
    }),
  });
  assert.equal(answer.status, 201, answer.text);
  const { url, headers } = answer.json<{ url: string; headers: Readonly<Record<string, string>> }>();
  return { url, headers: Object.keys(headers).map((name) => name.toLowerCase()) };
}

/** Which actions a policy allows on which resource. */
function rights(policy: unknown): object {
  const { Statement } = policy as {
    Statement: readonly { Effect: string; Action: readonly string[]; Resource: string }[];
  };
  return Object.fromEntries(
    Statement.map(({ Effect, Action, Resource }) => [`${Effect} ${Resource}`, Action.toSorted()]),
  );
}
