import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newBucket, type RecordedBucket, setting } from '../../../test/servers/aws-recorder/s3.ts';
import type { AwsRecorder } from '../../../test/servers/aws-recorder/server.ts';
import { startAwsRecorder } from '../../../test/servers/aws-recorder/server.ts';
import { BACKEND, OPERATOR, openAws } from '../test-aws.ts';
import { applyAll, driftOf, failuresOf, planAll, verifyAll } from '../test-run.ts';

/** One thing that somebody did to a good bucket. */
interface Misconfiguration {
  readonly name: string;
  seed(bucket: RecordedBucket, aws: AwsRecorder): void;
  /** The setting that plan must show. */
  readonly drift: string;
  /** Questions from outside that must fail as well; none where only the settings tell. */
  readonly outside?: readonly string[];
}

const OPEN =
  '<PublicAccessBlockConfiguration><BlockPublicAcls>false</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>';

function withStatement(policy: string | null, statement: object): string {
  const document = JSON.parse(policy ?? '{}');
  return JSON.stringify({ ...document, Statement: [...document.Statement, statement] });
}

function withoutStatement(policy: string | null, sid: string): string {
  const document = JSON.parse(policy ?? '{}');
  return JSON.stringify({
    ...document,
    Statement: document.Statement.filter((each: { Sid?: string }) => each.Sid !== sid),
  });
}

const MISCONFIGURATIONS: readonly Misconfiguration[] = [
  {
    name: 'a policy lets everybody read',
    seed(bucket) {
      bucket.settings.set('publicAccessBlock', setting(OPEN));
      const Resource = 'arn:aws:s3:::my-files/*';
      bucket.policy = withStatement(bucket.policy, {
        ...{ Sid: 'Public', Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource },
      });
    },
    drift: 'bucket_policy',
    outside: ['anonymous_read'],
  },
  {
    name: 'public access is no longer blocked and an ACL opens the bucket',
    seed(bucket) {
      bucket.settings.set('publicAccessBlock', setting(OPEN));
      bucket.settings.set(
        'ownershipControls',
        setting(
          '<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>',
        ),
      );
      bucket.acl = 'public-read';
    },
    drift: 'public_access_block',
    outside: ['anonymous_read', 'anonymous_list'],
  },
  {
    name: 'ACLs count again',
    seed: (bucket) =>
      void bucket.settings.set(
        'ownershipControls',
        setting(
          '<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>',
        ),
      ),
    drift: 'object_ownership',
  },
  {
    name: 'there is no encryption by default',
    seed: (bucket) => void bucket.settings.delete('encryption'),
    drift: 'encryption',
  },
  {
    name: 'encryption is by another algorithm',
    seed: (bucket) =>
      void bucket.settings.set(
        'encryption',
        setting(
          '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>other</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>',
        ),
      ),
    drift: 'encryption',
  },
  {
    name: 'puts without encryption are allowed',
    seed(bucket) {
      bucket.policy = withoutStatement(bucket.policy, 'StowageEncryptedPutsOnly');
    },
    drift: 'bucket_policy',
    outside: ['unencrypted_put'],
  },
  {
    name: 'requests without TLS are allowed',
    seed(bucket) {
      bucket.policy = withoutStatement(bucket.policy, 'StowageTlsOnly');
    },
    drift: 'bucket_policy',
    outside: ['plain_http'],
  },
  {
    name: 'another account may read',
    seed(bucket) {
      bucket.policy = withStatement(bucket.policy, {
        ...{ Sid: 'Friend', Effect: 'Allow', Action: 's3:GetObject' },
        Principal: { AWS: 'arn:aws:iam::999900001111:root' },
        Resource: 'arn:aws:s3:::my-files/*',
      });
    },
    drift: 'bucket_policy',
  },
  {
    name: 'CORS answers every origin',
    seed: (bucket) =>
      void bucket.settings.set(
        'cors',
        setting(
          '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>',
        ),
      ),
    drift: 'cors',
    outside: ['preflight_foreign'],
  },
  {
    name: 'versioning is suspended',
    seed: (bucket) =>
      void bucket.settings.set(
        'versioning',
        setting('<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>'),
      ),
    drift: 'versioning',
  },
  {
    name: 'the lifecycle is gone',
    seed: (bucket) => void bucket.settings.delete('lifecycle'),
    drift: 'lifecycle',
  },
  {
    name: 'the bucket is in another region',
    seed(bucket, aws) {
      aws.buckets.set(bucket.name, newBucket(bucket.name, 'ap-south-1'));
    },
    drift: 'bucket',
  },
  {
    name: 'the log bucket is gone',
    seed: (_bucket, aws) => void aws.buckets.delete('my-files-logs'),
    drift: 'log_bucket',
  },
  {
    name: 'nothing is logged',
    seed: (bucket) =>
      void bucket.settings.set('logging', setting('<BucketLoggingStatus></BucketLoggingStatus>')),
    drift: 'access_logs',
  },
  {
    name: 'the tags are of another environment',
    seed: (bucket) =>
      void bucket.settings.set(
        'tagging',
        setting(
          '<Tagging><TagSet><Tag><Key>environment</Key><Value>prod</Value></Tag><Tag><Key>bill</Key><Value>42</Value></Tag></TagSet></Tagging>',
        ),
      ),
    drift: 'tags',
  },
  {
    name: 'the backend may do everything',
    seed(_bucket, aws) {
      const identity = aws.identities.get(BACKEND.identity);
      identity?.policies.set(
        'stowage-backend',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
      );
    },
    drift: 'identity_policy',
    outside: ['confined'],
  },
  {
    name: 'anybody’s machines may take the role',
    seed(_bucket, aws) {
      const identity = aws.identities.get(BACKEND.identity);
      if (identity !== undefined)
        identity.trust =
          '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}';
    },
    drift: 'identity',
  },
];

describe('of a bucket that somebody changed', () => {
  for (const { name, seed, drift, outside = [] } of MISCONFIGURATIONS) {
    test(`${name}: plan shows it, verify finds it, apply mends it, once`, async () => {
      await using aws = await startAwsRecorder({ operator: OPERATOR, backend: BACKEND });
      await using provider = await openAws(aws);
      await applyAll(provider);
      const bucket = aws.buckets.get('my-files');
      assert.ok(bucket !== undefined);
      seed(bucket, aws);

      const plan = await planAll(provider);
      assert.ok(driftOf(plan).includes(drift), driftOf(plan).join());
      const failures = failuresOf(await verifyAll(provider));
      for (const check of [drift, ...outside])
        assert.ok(failures.includes(check), `${check}: ${failures.join()}`);

      await applyAll(provider);
      assert.deepEqual(failuresOf(await verifyAll(provider)), []);
      assert.deepEqual((await applyAll(provider)).applied, []);
    });
  }

  test('labels of others survive', async () => {
    await using aws = await startAwsRecorder({ operator: OPERATOR, backend: BACKEND });
    await using provider = await openAws(aws);
    await applyAll(provider);
    aws.buckets
      .get('my-files')
      ?.settings.set(
        'tagging',
        setting('<Tagging><TagSet><Tag><Key>bill</Key><Value>42</Value></Tag></TagSet></Tagging>'),
      );
    await applyAll(provider);
    const tags = JSON.stringify(aws.buckets.get('my-files')?.settings.get('tagging'));
    assert.match(tags, /bill/);
    assert.match(tags, /stowage/);
  });
});
