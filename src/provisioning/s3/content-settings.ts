import type { CORSRule } from '@aws-sdk/client-s3';
import type { Json } from '../json.ts';
import type { Setting } from '../provider.ts';
import { orMissing, type S3Calls } from './calls.ts';
import type { S3ProvisioningParts } from './parts.ts';

/** Versioning on the main bucket. */
export function versioningSetting(
  { client, sdk }: S3Calls,
  { bucket: Bucket, provisioning }: S3ProvisioningParts,
): Setting {
  return {
    name: 'versioning',
    protects: 'What is overwritten or deleted by mistake can be brought back.',
    async read() {
      const answer = await orMissing(client.send(new sdk.GetBucketVersioningCommand({ Bucket })));
      if (answer === undefined) return undefined;
      return answer.Status === 'Enabled' ? 'on' : 'off';
    },
    desired: async () => (provisioning.versioning ? 'on' : 'off'),
    async apply() {
      await client.send(
        new sdk.PutBucketVersioningCommand({
          Bucket,
          VersioningConfiguration: { Status: provisioning.versioning ? 'Enabled' : 'Suspended' },
        }),
      );
    },
  };
}

/** What browsers of the named origins may do with a signed URL; without origins no rule at all. */
export function corsSetting(
  { client, sdk }: S3Calls,
  { bucket: Bucket, provisioning }: S3ProvisioningParts,
): Setting {
  const rules = corsRules(provisioning.corsOrigins);
  return {
    name: 'cors',
    protects:
      'Pages of your origins, and of no others, read and write by signed URLs; ETag can be seen by them.',
    async read() {
      const answer = await orMissing(
        client.send(new sdk.GetBucketCorsCommand({ Bucket })),
        'NoSuchCORSConfiguration',
      );
      if (answer === undefined) return rules.length === 0 ? [] : undefined;
      return (answer.CORSRules ?? []).map(corsJson);
    },
    desired: async () => rules.map(corsJson),
    async apply() {
      if (rules.length === 0) await client.send(new sdk.DeleteBucketCorsCommand({ Bucket }));
      else
        await client.send(
          new sdk.PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [...rules] } }),
        );
    },
  };
}

/** The CORS rules of a bucket. */
export function corsRules(origins: readonly string[]): readonly CORSRule[] {
  if (origins.length === 0) return [];
  return [
    {
      AllowedOrigins: [...origins],
      AllowedMethods: ['GET', 'HEAD', 'POST', 'PUT'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag'],
      MaxAgeSeconds: 3600,
    },
  ];
}

function corsJson(rule: CORSRule): Json {
  return {
    origins: rule.AllowedOrigins?.toSorted() ?? [],
    methods: rule.AllowedMethods?.toSorted() ?? [],
    headers: rule.AllowedHeaders?.toSorted() ?? [],
    expose: rule.ExposeHeaders?.toSorted() ?? [],
    max_age_seconds: rule.MaxAgeSeconds ?? null,
  };
}

/** Empty objects that show the folders to people who look at the bucket in a console. */
export function foldersSetting({ client, sdk }: S3Calls, parts: S3ProvisioningParts): Setting {
  const { bucket: Bucket, folders } = parts;
  const present = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const Prefix of folders) {
      const answer = await orMissing(
        client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 })),
      );
      if ((answer?.Contents?.length ?? 0) > 0) found.push(Prefix);
    }
    return found;
  };
  return {
    name: 'folders',
    protects: 'Each kind of asset has a place that people find.',
    async read() {
      const found = await present();
      return found.length === 0 && folders.length > 0 ? undefined : found;
    },
    desired: async () => folders,
    async apply() {
      const found = new Set(await present());
      for (const Key of folders) {
        if (found.has(Key)) continue;
        await client.send(
          new sdk.PutObjectCommand({
            Bucket,
            Key,
            Body: new Uint8Array(),
            ContentLength: 0,
            ServerSideEncryption: parts.sse,
            ...(parts.kmsKeyId !== null && { SSEKMSKeyId: parts.kmsKeyId }),
          }),
        );
      }
    },
  };
}

/** Every request to the bucket is written to the log bucket, by the store itself. */
export function accessLogsSetting({ client, sdk }: S3Calls, bucket: string, logBucket: string): Setting {
  const desired = { bucket: logBucket, prefix: `${bucket}/` };
  return {
    name: 'access_logs',
    protects: 'Requests that pass by Stowage are on record too.',
    async read() {
      const answer = await orMissing(client.send(new sdk.GetBucketLoggingCommand({ Bucket: bucket })));
      const { TargetBucket, TargetPrefix = '' } = answer?.LoggingEnabled ?? {};
      return TargetBucket === undefined ? undefined : { bucket: TargetBucket, prefix: TargetPrefix };
    },
    desired: async () => desired,
    async apply() {
      await client.send(
        new sdk.PutBucketLoggingCommand({
          Bucket: bucket,
          BucketLoggingStatus: { LoggingEnabled: { TargetBucket: logBucket, TargetPrefix: desired.prefix } },
        }),
      );
    },
  };
}
