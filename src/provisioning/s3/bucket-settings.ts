import type { BucketLocationConstraint, LifecycleRule } from '@aws-sdk/client-s3';
import { pause } from '../apply.ts';
import { type Json, toJson } from '../json.ts';
import { type ApplyContext, ProvisioningError, type Setting } from '../provider.ts';
import { isPassing, orMissing, refused, type S3Calls, statusOf } from './calls.ts';
import { lifecycleJson } from './lifecycle.ts';
import { isAws, type S3ProvisioningParts } from './parts.ts';
import { type PolicyDocument, policyJson } from './policy.ts';

/** Names of one bucket and of its settings: those of the log bucket begin with `log_`. */
export interface BucketPlace {
  readonly bucket: string;
  readonly prefix: '' | 'log_';
}

/** A name that was just given up, or a change that still travels, is waited for this long, in milliseconds. */
const WAIT_MS_MAX = 120_000;
const WAIT_PAUSE_MS = 3_000;

/** The bucket itself, in its region. */
export function bucketSetting(parts: S3ProvisioningParts, calls: S3Calls, place: BucketPlace): Setting {
  const { client, sdk } = calls;
  const Bucket = place.bucket;
  const create = async (context: ApplyContext): Promise<void> => {
    // us-east-1 is the absence of a constraint; a store that only speaks the protocol knows its own place.
    const isNamed = isAws(parts) && parts.region !== 'us-east-1';
    await repeatWhilePassing(
      () =>
        client.send(
          new sdk.CreateBucketCommand({
            Bucket,
            ...(isNamed && {
              CreateBucketConfiguration: { LocationConstraint: parts.region as BucketLocationConstraint },
            }),
          }),
        ),
      context,
    ).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'BucketAlreadyOwnedByYou') return;
      if (error instanceof Error && error.name === 'BucketAlreadyExists')
        throw new ProvisioningError(`The name ${Bucket} is taken by another account: choose another one.`);
      throw refused(`Making the bucket ${Bucket}`, error);
    });
  };
  return {
    name: `${place.prefix}bucket`,
    protects: 'Files have a place, in the region that was promised to their owners.',
    mend: 'a bucket with objects in it cannot move: set S3_REGION to where it is, or make another and move the files',
    async read() {
      const answer = await orMissing(client.send(new sdk.HeadBucketCommand({ Bucket }))).catch(
        (error: unknown) => {
          // A HEAD has no body that names the cause.
          if (statusOf(error) !== 403) throw error;
          throw new ProvisioningError(
            `These keys may not look at ${Bucket} (403): they are wrong or lack rights, or the bucket is another account's.`,
            { cause: error },
          );
        },
      );
      if (answer === undefined) return undefined;
      return isAws(parts) ? { region: answer.BucketRegion ?? null } : {};
    },
    desired: async () => (isAws(parts) ? { region: parts.region } : {}),
    async apply(current, context) {
      if (current !== undefined) {
        const listed = await client.send(new sdk.ListObjectVersionsCommand({ Bucket, MaxKeys: 1 }));
        if ((listed.Versions?.length ?? 0) + (listed.DeleteMarkers?.length ?? 0) > 0)
          throw new ProvisioningError(
            `${Bucket} is in another region and holds objects, so it stays: set S3_REGION to where it is, or make a bucket of another name and move the files.`,
          );
        context.progress(`${Bucket} is empty: it is made again in ${parts.region}`);
        await client.send(new sdk.DeleteBucketCommand({ Bucket }));
      }
      await create(context);
    },
  };
}

export function publicAccessSetting(
  parts: S3ProvisioningParts,
  { client, sdk }: S3Calls,
  { bucket: Bucket, prefix }: BucketPlace,
): Setting {
  const desired = {
    // Ceph 16 refuses every put while this is set. An ignored ACL opens nothing either.
    BlockPublicAcls: isAws(parts),
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  return {
    name: `${prefix}public_access_block`,
    protects: 'No ACL and no policy, whoever writes one, makes an object public.',
    async read() {
      const answer = await orMissing(
        client.send(new sdk.GetPublicAccessBlockCommand({ Bucket })),
        'NoSuchPublicAccessBlockConfiguration',
      );
      const block = answer?.PublicAccessBlockConfiguration;
      return block === undefined || Object.values(block).every((value) => !value) ? undefined : toJson(block);
    },
    desired: async () => desired,
    async apply() {
      await client.send(
        new sdk.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: desired }),
      );
    },
  };
}

export function ownershipSetting({ client, sdk }: S3Calls, { bucket: Bucket, prefix }: BucketPlace): Setting {
  return {
    name: `${prefix}object_ownership`,
    protects: 'Every object belongs to the account of the bucket, and ACLs count for nothing.',
    async read() {
      const answer = await orMissing(
        client.send(new sdk.GetBucketOwnershipControlsCommand({ Bucket })),
        'OwnershipControlsNotFoundError',
      );
      return answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
    },
    desired: async () => 'BucketOwnerEnforced',
    async apply() {
      await client.send(
        new sdk.PutBucketOwnershipControlsCommand({
          Bucket,
          OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        }),
      );
    },
  };
}

export function encryptionSetting(
  { client, sdk }: S3Calls,
  { bucket: Bucket, prefix }: BucketPlace,
  { sse, kmsKeyId }: Pick<S3ProvisioningParts, 'sse' | 'kmsKeyId'>,
): Setting {
  const desired = {
    algorithm: sse,
    ...(sse === 'aws:kms' && kmsKeyId !== null && { key: kmsKeyId }),
    ...(sse === 'aws:kms' && { bucket_key: true }),
  };
  return {
    name: `${prefix}encryption`,
    protects: 'What is written without asking for it is encrypted at rest all the same.',
    async read() {
      const answer = await orMissing(
        client.send(new sdk.GetBucketEncryptionCommand({ Bucket })),
        'ServerSideEncryptionConfigurationNotFoundError',
      );
      const rule = answer?.ServerSideEncryptionConfiguration?.Rules?.[0];
      const byDefault = rule?.ApplyServerSideEncryptionByDefault;
      if (byDefault === undefined) return undefined;
      return {
        algorithm: byDefault.SSEAlgorithm ?? null,
        ...(byDefault.KMSMasterKeyID !== undefined && { key: byDefault.KMSMasterKeyID }),
        ...(byDefault.SSEAlgorithm === 'aws:kms' && { bucket_key: rule?.BucketKeyEnabled ?? false }),
      };
    },
    desired: async () => desired,
    async apply() {
      await client.send(
        new sdk.PutBucketEncryptionCommand({
          Bucket,
          ServerSideEncryptionConfiguration: {
            Rules: [
              {
                ApplyServerSideEncryptionByDefault: {
                  SSEAlgorithm: sse,
                  ...(sse === 'aws:kms' && kmsKeyId !== null && { KMSMasterKeyID: kmsKeyId }),
                },
                ...(sse === 'aws:kms' && { BucketKeyEnabled: true }),
              },
            ],
          },
        }),
      );
    },
  };
}

export function policySetting(
  { client, sdk }: S3Calls,
  { bucket: Bucket, prefix }: BucketPlace,
  document: (signal: AbortSignal) => Promise<PolicyDocument>,
): Setting {
  return {
    name: `${prefix}bucket_policy`,
    protects: 'Nobody comes in without TLS, by another account or around encryption.',
    async read() {
      const answer = await orMissing(
        client.send(new sdk.GetBucketPolicyCommand({ Bucket })),
        'NoSuchBucketPolicy',
      );
      return answer?.Policy === undefined ? undefined : policyJson(answer.Policy);
    },
    desired: async (signal) => policyJson(await document(signal)),
    async apply(_current, { signal }) {
      const Policy = JSON.stringify(await document(signal));
      // Public statements that are there now are replaced, so the block on public policies is no hindrance.
      await client.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
    },
  };
}

export function lifecycleSetting(
  { client, sdk }: S3Calls,
  { bucket: Bucket, prefix }: BucketPlace,
  rules: readonly LifecycleRule[],
): Setting {
  return {
    name: `${prefix}lifecycle`,
    protects: 'Nothing that nobody needs is paid for for ever: given-up uploads, old versions, old logs.',
    async read() {
      const answer = await orMissing(
        client.send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket })),
        'NoSuchLifecycleConfiguration',
      );
      return answer?.Rules?.length ? lifecycleJson(answer.Rules) : undefined;
    },
    desired: async () => lifecycleJson(rules),
    async apply() {
      await client.send(
        new sdk.PutBucketLifecycleConfigurationCommand({
          Bucket,
          LifecycleConfiguration: { Rules: [...rules] },
        }),
      );
    },
  };
}

/** Labels of ours are kept right; those of others are left alone. */
export function tagsSetting(
  { client, sdk }: S3Calls,
  { bucket: Bucket, prefix }: BucketPlace,
  tags: Readonly<Record<string, string>>,
): Setting {
  const readAll = async (): Promise<ReadonlyMap<string, string>> => {
    const answer = await orMissing(client.send(new sdk.GetBucketTaggingCommand({ Bucket })), 'NoSuchTagSet');
    return new Map((answer?.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  };
  return {
    name: `${prefix}tags`,
    protects: 'Whoever sees the bucket or its bill knows what it is for.',
    async read() {
      const all = await readAll();
      const own: Record<string, Json> = {};
      for (const name of Object.keys(tags)) {
        const value = all.get(name);
        if (value !== undefined) own[name] = value;
      }
      return Object.keys(own).length === 0 ? undefined : own;
    },
    desired: async () => tags,
    async apply() {
      const all = new Map([...(await readAll()), ...Object.entries(tags)]);
      await client.send(
        new sdk.PutBucketTaggingCommand({
          Bucket,
          Tagging: { TagSet: [...all].map(([Key, Value]) => ({ Key, Value })) },
        }),
      );
    },
  };
}

async function repeatWhilePassing<Answer>(
  call: () => Promise<Answer>,
  { signal, progress }: ApplyContext,
): Promise<Answer> {
  for (let waitedMs = 0; ; waitedMs += WAIT_PAUSE_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isPassing(error) || waitedMs >= WAIT_MS_MAX) throw error;
      progress(`The store is still busy with an earlier change; waiting (${waitedMs / 1000} s)`);
      await pause(WAIT_PAUSE_MS, signal);
    }
  }
}
