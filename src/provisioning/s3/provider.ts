import type { Cdn } from '../cloudfront/cdn.ts';
import { type Json, toJson } from '../json.ts';
import { LATER, type Provider, type Setting } from '../provider.ts';
import {
  bucketSetting,
  encryptionSetting,
  lifecycleSetting,
  ownershipSetting,
  policySetting,
  publicAccessSetting,
  tagsSetting,
} from './bucket-settings.ts';
import { openS3Calls, orMissing, type S3Calls } from './calls.ts';
import {
  accessLogsSetting,
  corsRules,
  corsSetting,
  foldersSetting,
  versioningSetting,
} from './content-settings.ts';
import { countObjects, removeBucket } from './emptying.ts';
import {
  type IamCalls,
  identityArn,
  identityPolicy,
  identityPolicySetting,
  identitySetting,
  openIamCalls,
  removeIdentity,
  trustPolicy,
} from './identity.ts';
import { bucketLifecycle, logLifecycle } from './lifecycle.ts';
import { awsOf, isAws, type S3ProvisioningParts } from './parts.ts';
import { bucketPolicy, logBucketPolicy, type PolicyDocument } from './policy.ts';
import { outsideProbes } from './probes.ts';
import { restoreProbe } from './restore-probe.ts';

/** Opens a bucket of S3 for provisioning. @throws ProvisioningError when an official client is not installed. */
export async function openS3Provider(parts: S3ProvisioningParts): Promise<Provider> {
  const aws = awsOf(parts);
  const calls = await openS3Calls(parts, parts.operator);
  const iam = aws.identity === null ? null : await openIamCalls(parts, parts.operator);
  const cdn = await openCdn(parts);
  const arnOfIdentity = async (): Promise<string | null> =>
    iam === null || aws.identity === null ? null : await identityArn(iam, aws.identity);
  const distributionArn = async (): Promise<string | null> =>
    cdn === null ? null : ((await cdn.distributionArn()) ?? LATER);
  const rights = async (): Promise<PolicyDocument> => identityPolicy(parts, await distributionArn());
  const policy = async (): Promise<PolicyDocument> =>
    bucketPolicy(parts, {
      distributionArn: await distributionArn(),
      identityArn: aws.identity === null ? null : ((await arnOfIdentity()) ?? LATER),
    });
  return {
    name: 's3',
    bucket: parts.bucket,
    storeSetting: 'bucket',
    settings: [
      ...bucketSettings(parts, calls),
      ...logSettings(parts, calls),
      ...(iam === null || aws.identity === null ? [] : [identitySetting(iam, aws.identity)]),
      ...(cdn?.settings ?? []),
      ...(iam === null || aws.identity === null ? [] : [identityPolicySetting(iam, aws.identity, rights)]),
      policySetting(calls, { bucket: parts.bucket, prefix: '' }, policy),
    ],
    probes: [...outsideProbes(parts), ...(parts.provisioning.versioning ? [restoreProbe(calls, parts)] : [])],
    warnings: parts.isSecure
      ? []
      : ['The endpoint is plain http, so no rule against plain requests is made.'],
    contents: () => countObjects(calls, parts.bucket),
    // The distribution goes first: it needs the bucket to the end.
    destroy: async (options) => [
      ...((await cdn?.destroy(options)) ?? []),
      ...(await destroy(parts, calls, iam, options)),
    ],
    variables: variablesOf(parts),
    async documents() {
      return {
        bucket_policy: toJson(await policy()),
        cors: toJson(corsRules(parts.provisioning.corsOrigins)),
        lifecycle: toJson({ Rules: bucketLifecycle(parts.provisioning.lifecycle) }),
        identity_policy: toJson(await rights()),
        ...(aws.identity?.kind === 'role' && { identity_trust: toJson(trustPolicy(aws.identity)) }),
        ...(aws.logBucket !== null && { log_bucket_policy: toJson(logBucketPolicy(parts, aws.logBucket)) }),
      } satisfies Record<string, Json>;
    },
    notes: async () => [...notesOf(parts), ...((await cdn?.notes()) ?? [])],
    async [Symbol.asyncDispose]() {
      calls.client.destroy();
      iam?.client.destroy();
      cdn?.[Symbol.dispose]();
    },
  };
}

async function openCdn(parts: S3ProvisioningParts): Promise<(Cdn & Disposable) | null> {
  const { cdn } = awsOf(parts);
  if (cdn === null) return null;
  const [{ openCdnCalls }, { cdnOf }] = await Promise.all([
    import('../cloudfront/calls.ts'),
    import('../cloudfront/cdn.ts'),
  ]);
  const calls = await openCdnCalls(parts, cdn);
  return {
    ...cdnOf(parts, cdn, calls),
    [Symbol.dispose]() {
      calls.client.destroy();
      calls.acm?.client.destroy();
    },
  };
}

/** The bucket and all that is in it but the policy, which needs what comes after. */
function bucketSettings(parts: S3ProvisioningParts, calls: S3Calls): readonly Setting[] {
  const place = { bucket: parts.bucket, prefix: '' } as const;
  return [
    bucketSetting(parts, calls, place),
    publicAccessSetting(parts, calls, place),
    ownershipSetting(calls, place),
    encryptionSetting(calls, place, parts),
    versioningSetting(calls, parts),
    corsSetting(calls, parts),
    lifecycleSetting(calls, place, bucketLifecycle(parts.provisioning.lifecycle)),
    tagsSetting(calls, place, tagsOf(parts)),
    foldersSetting(calls, parts),
  ];
}

/** The bucket for server access logs, as closed as the other one. */
function logSettings(parts: S3ProvisioningParts, calls: S3Calls): readonly Setting[] {
  const { logBucket, logDays } = awsOf(parts);
  if (logBucket === null) return [];
  const place = { bucket: logBucket, prefix: 'log_' } as const;
  return [
    bucketSetting(parts, calls, place),
    publicAccessSetting(parts, calls, place),
    ownershipSetting(calls, place),
    // Log delivery knows no KMS key of ours.
    encryptionSetting(calls, place, { sse: 'AES256', kmsKeyId: null }),
    lifecycleSetting(calls, place, logLifecycle(logDays)),
    tagsSetting(calls, place, tagsOf(parts)),
    policySetting(calls, place, async () => logBucketPolicy(parts, logBucket)),
    accessLogsSetting(calls, parts.bucket, logBucket),
  ];
}

function tagsOf(parts: S3ProvisioningParts): Readonly<Record<string, string>> {
  const { tags, environment } = parts.provisioning;
  return { ...tags, application: 'stowage', environment };
}

async function destroy(
  parts: S3ProvisioningParts,
  calls: S3Calls,
  iam: IamCalls | null,
  options: Parameters<Provider['destroy']>[0],
): Promise<readonly string[]> {
  const { logBucket, identity } = awsOf(parts);
  const { client, sdk } = calls;
  const removed: string[] = [];
  // The policy goes first: it may refuse whoever deletes. Logging would go on writing into a bucket that is emptied.
  await orMissing(client.send(new sdk.DeleteBucketPolicyCommand({ Bucket: parts.bucket })));
  if (isAws(parts))
    await orMissing(
      client.send(new sdk.PutBucketLoggingCommand({ Bucket: parts.bucket, BucketLoggingStatus: {} })),
    );
  if (await removeBucket(calls, parts.bucket, options)) removed.push(`bucket ${parts.bucket}`);
  if (logBucket !== null) {
    const logs = await countObjects(calls, logBucket);
    if (logs.exists && (logs.objects === 0 || options.force)) {
      // Others may keep their logs there: nobody has typed its name.
      if (await removeBucket(calls, logBucket, { ...options, prefix: `${parts.bucket}/` }))
        removed.push(`bucket ${logBucket}`);
      else options.progress(`${logBucket} holds what is not of ${parts.bucket}, and stays`);
    } else if (logs.exists) options.progress(`${logBucket} holds logs and stays; --force removes it too`);
  }
  if (iam !== null && identity !== null && (await removeIdentity(iam, identity)))
    removed.push(`${identity.kind} ${identity.name}`);
  return removed;
}

/** Variables of `deploy/terraform/aws`. */
function variablesOf(parts: S3ProvisioningParts): Readonly<Record<string, Json>> {
  const { environment, corsOrigins, versioning, lifecycle, tags } = parts.provisioning;
  const { logBucket, logDays, identity, allowedPrincipals, cdn } = awsOf(parts);
  return {
    bucket: parts.bucket,
    region: parts.region,
    environment,
    sse_algorithm: parts.sse,
    kms_key_id: parts.kmsKeyId,
    cors_origins: corsOrigins,
    versioning,
    abort_multipart_days: lifecycle.abortMultipartDays,
    expire_incoming_days: lifecycle.expireIncomingDays,
    old_versions_rare_days: lifecycle.oldVersionsRareDays,
    old_versions_archive_days: lifecycle.oldVersionsArchiveDays,
    old_versions_delete_days: lifecycle.oldVersionsDeleteDays,
    folders: parts.folders,
    log_bucket: logBucket,
    log_days: logDays,
    identity_kind: identity?.kind ?? null,
    identity_name: identity?.name ?? null,
    identity_service: identity?.trustedService ?? null,
    allowed_principals: allowedPrincipals,
    tags,
    cdn: cdn !== null,
    cdn_domain: cdn?.domain ?? null,
    cdn_public_keys: cdn?.publicKeys ?? [],
    cdn_price_class: cdn?.priceClass ?? null,
    cdn_folders: parts.delivery.map(({ prefix, isImmutable, isPublic }) => ({
      prefix,
      immutable: isImmutable,
      public: isPublic,
    })),
  };
}

function notesOf(parts: S3ProvisioningParts): readonly string[] {
  const { identity } = awsOf(parts);
  if (identity === null)
    return ['Give the backend an identity with the policy that "stowage provision export" prints.'];
  return identity.kind === 'role'
    ? [`Run the service with the role ${identity.name} (an instance profile, a task role, IRSA).`]
    : [`Make the service's keys: aws iam create-access-key --user-name ${identity.name}`];
}
