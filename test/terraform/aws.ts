import type { LifecycleRule } from '@aws-sdk/client-s3';
import type { Json } from '../../src/provisioning/json.ts';
import { lifecycleJson } from '../../src/provisioning/s3/lifecycle.ts';
import { policyJson } from '../../src/provisioning/s3/policy.ts';
import { all, type Block, type Evaluated, only } from './evaluate.ts';

/** What the module for AWS makes, setting by setting, in the shape of `stowage provision plan`. */
export function settingsOfAws({ resources }: Evaluated): Readonly<Record<string, Json>> {
  const one = (name: string): Block => only(resources.get(name) as never);
  const has = (name: string): boolean => (resources.get(name)?.length ?? 0) > 0;
  const bucket = (name: string, prefix: string): Record<string, Json> => ({
    [`${prefix}bucket`]: { region: 'eu-central-1' },
    [`${prefix}public_access_block`]: publicAccess(one(`aws_s3_bucket_public_access_block.${name}`)),
    [`${prefix}object_ownership`]: only(one(`aws_s3_bucket_ownership_controls.${name}`).rule)
      .object_ownership as Json,
    [`${prefix}encryption`]: encryption(one(`aws_s3_bucket_server_side_encryption_configuration.${name}`)),
    [`${prefix}lifecycle`]: lifecycle(one(`aws_s3_bucket_lifecycle_configuration.${name}`)),
    [`${prefix}tags`]: one(`aws_s3_bucket.${name}`).tags as Json,
    [`${prefix}bucket_policy`]: policyJson(documentOf(one(`aws_iam_policy_document.${name}`))),
  });
  return {
    ...bucket('files', ''),
    versioning:
      only(one('aws_s3_bucket_versioning.files').versioning_configuration).status === 'Enabled'
        ? 'on'
        : 'off',
    cors: has('aws_s3_bucket_cors_configuration.files')
      ? all(one('aws_s3_bucket_cors_configuration.files').cors_rule).map(cors)
      : [],
    folders: (resources.get('aws_s3_object.folder') ?? []).map(({ key }) => key as Json),
    ...(has('aws_s3_bucket.logs') && {
      ...bucket('logs', 'log_'),
      access_logs: {
        // The module names the bucket by the resource that makes it.
        bucket: one('aws_s3_bucket.logs').bucket as Json,
        prefix: one('aws_s3_bucket_logging.files').target_prefix as Json,
      },
    }),
    ...identity(resources, has, one),
  };
}

function identity(
  _resources: Evaluated['resources'],
  has: (name: string) => boolean,
  one: (name: string) => Block,
): Record<string, Json> {
  const policy = policyJson(documentOf(one('aws_iam_policy_document.identity')));
  if (has('aws_iam_role.backend')) {
    const trust = policyJson(documentOf(one('aws_iam_policy_document.trust')));
    return { identity: { role: one('aws_iam_role.backend').name as Json, trust }, identity_policy: policy };
  }
  if (has('aws_iam_user.backend'))
    return { identity: { user: one('aws_iam_user.backend').name as Json }, identity_policy: policy };
  return {};
}

function publicAccess(block: Block): Json {
  return {
    BlockPublicAcls: block.block_public_acls as Json,
    IgnorePublicAcls: block.ignore_public_acls as Json,
    BlockPublicPolicy: block.block_public_policy as Json,
    RestrictPublicBuckets: block.restrict_public_buckets as Json,
  };
}

function encryption(block: Block): Json {
  const rule = only(block.rule);
  const byDefault = only(rule.apply_server_side_encryption_by_default);
  return {
    algorithm: byDefault.sse_algorithm as Json,
    ...(byDefault.kms_master_key_id !== undefined && { key: byDefault.kms_master_key_id as Json }),
    ...(rule.bucket_key_enabled !== undefined && { bucket_key: rule.bucket_key_enabled as Json }),
  };
}

function cors(rule: Block): Json {
  const sorted = (name: string) => [...(rule[name] as string[])].sort();
  return {
    origins: sorted('allowed_origins'),
    methods: sorted('allowed_methods'),
    headers: sorted('allowed_headers'),
    expose: sorted('expose_headers'),
    max_age_seconds: rule.max_age_seconds as Json,
  };
}

function lifecycle(block: Block): Json {
  return lifecycleJson(all(block.rule).map(ruleOf));
}

function ruleOf(rule: Block): LifecycleRule {
  const [expiration] = all(rule.expiration);
  const [oldVersions] = all(rule.noncurrent_version_expiration);
  const [abort] = all(rule.abort_incomplete_multipart_upload);
  const transitions = all(rule.noncurrent_version_transition);
  return {
    ID: rule.id as string,
    Status: rule.status as 'Enabled',
    Filter: { Prefix: only(rule.filter).prefix as string },
    ...(abort && {
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: Number(abort.days_after_initiation) },
    }),
    ...(expiration && {
      Expiration:
        expiration.days === undefined
          ? { ExpiredObjectDeleteMarker: expiration.expired_object_delete_marker === true }
          : { Days: Number(expiration.days) },
    }),
    ...(oldVersions && {
      NoncurrentVersionExpiration: { NoncurrentDays: Number(oldVersions.noncurrent_days) },
    }),
    ...(transitions.length > 0 && {
      NoncurrentVersionTransitions: transitions.map((each) => ({
        NoncurrentDays: Number(each.noncurrent_days),
        StorageClass: each.storage_class as 'GLACIER',
      })),
    }),
  };
}

/** The JSON that the data source makes of a policy document. */
export function documentOf(block: Block): object {
  return {
    Version: '2012-10-17',
    Statement: all(block.statement).map((statement) => {
      const [principals] = all(statement.principals);
      const conditions: Record<string, Record<string, unknown>> = {};
      for (const { test, variable, values } of all(statement.condition)) {
        conditions[String(test)] = { ...conditions[String(test)], [String(variable)]: values };
      }
      return {
        Sid: statement.sid,
        Effect: statement.effect,
        ...(principals && {
          Principal: principals.type === '*' ? '*' : { [String(principals.type)]: principals.identifiers },
        }),
        Action: statement.actions,
        ...(statement.resources !== undefined && { Resource: statement.resources }),
        ...(Object.keys(conditions).length > 0 && { Condition: conditions }),
      };
    }),
  };
}
