import { canonical, type Json, toJson } from '../json.ts';
import { awsOf, isAws, type S3ProvisioningParts } from './parts.ts';

/** A policy document of AWS, as far as we write it. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: Json;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** ARN of a bucket, in the partition of its region. */
export function bucketArn(bucket: string, region: string): string {
  return `arn:${partitionOf(region)}:s3:::${bucket}`;
}

export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/**
 * The bucket's own policy. It grants nothing but what a distribution needs: rights come from the identities' policies.
 *
 * @param distributionArn of the distribution in front; null without one.
 */
export function bucketPolicy(
  parts: S3ProvisioningParts,
  options: { readonly distributionArn: string | null; readonly identityArn: string | null },
): PolicyDocument {
  const arn = bucketArn(parts.bucket, parts.region);
  return {
    Version: '2012-10-17',
    Statement: [
      ...(parts.isSecure ? [tlsOnly(arn, isAws(parts))] : []),
      ...encryptedPutsOnly(arn, parts),
      ...namedPrincipalsOnly(arn, parts, options.identityArn),
      ...(options.distributionArn === null ? [] : [distributionReads(arn, options.distributionArn)]),
    ],
  };
}

/** The policy of the bucket that server access logs go to. */
export function logBucketPolicy(parts: S3ProvisioningParts, logBucket: string): PolicyDocument {
  const arn = bucketArn(logBucket, parts.region);
  return {
    Version: '2012-10-17',
    Statement: [
      ...(parts.isSecure ? [tlsOnly(arn, isAws(parts))] : []),
      {
        Sid: 'StowageServerAccessLogs',
        Effect: 'Allow',
        Principal: { Service: 'logging.s3.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `${arn}/${parts.bucket}/*`,
        Condition: { ArnLike: { 'aws:SourceArn': bucketArn(parts.bucket, parts.region) } },
      },
    ],
  };
}

/**
 * On AWS the key is always there. Ceph has it with TLS only, so there its absence must count as well.
 */
function tlsOnly(arn: string, isAmazon: boolean): PolicyStatement {
  return {
    Sid: 'StowageTlsOnly',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn, `${arn}/*`],
    Condition: { [isAmazon ? 'Bool' : 'BoolIfExists']: { 'aws:SecureTransport': 'false' } },
  };
}

/**
 * A negated condition holds as well when the header is missing (IAM User Guide, "Condition operators"), so one
 * statement refuses puts without encryption and those with another one.
 */
function encryptedPutsOnly(arn: string, { sse, kmsKeyId }: S3ProvisioningParts): readonly PolicyStatement[] {
  const statement = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: `${arn}/*` } as const;
  return [
    {
      Sid: 'StowageEncryptedPutsOnly',
      ...statement,
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': sse } },
    },
    // The store compares with the key's ARN, whatever the writer named it by.
    ...(sse === 'aws:kms' && kmsKeyId?.startsWith('arn:')
      ? [
          {
            Sid: 'StowageThisKeyOnly',
            ...statement,
            Condition: {
              StringNotEqualsIfExists: { 's3:x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId },
            },
          },
        ]
      : []),
  ];
}

/** Only objects: whoever may change the bucket's settings can mend them, whatever this list says. */
function namedPrincipalsOnly(
  arn: string,
  parts: S3ProvisioningParts,
  identityArn: string | null,
): readonly PolicyStatement[] {
  const { allowedPrincipals } = awsOf(parts);
  if (allowedPrincipals.length === 0) return [];
  const named = [
    ...new Set([...(identityArn === null ? [] : [identityArn]), ...allowedPrincipals]),
  ].toSorted();
  return [
    {
      Sid: 'StowageNamedPrincipalsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:DeleteObject*', 's3:GetObject*', 's3:PutObject*'],
      Resource: `${arn}/*`,
      // Services such as CloudFront come with no principal's ARN of ours; their own statement limits them.
      Condition: {
        ArnNotEquals: { 'aws:PrincipalArn': named },
        Bool: { 'aws:PrincipalIsAWSService': 'false' },
      },
    },
  ];
}

/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html */
function distributionReads(arn: string, distributionArn: string): PolicyStatement {
  return {
    Sid: 'StowageCloudFrontReads',
    Effect: 'Allow',
    Principal: { Service: 'cloudfront.amazonaws.com' },
    Action: 's3:GetObject',
    Resource: `${arn}/*`,
    Condition: { StringEquals: { 'AWS:SourceArn': distributionArn } },
  };
}

/** A policy in one form, statements by name: order, single-element lists and spellings of "anyone" don't differ. */
export function policyJson(document: unknown): Json {
  const { Statement = [] } = (typeof document === 'string' ? JSON.parse(document) : document) as {
    Statement?: unknown;
  };
  const statements = (Array.isArray(Statement) ? Statement : [Statement]) as readonly Record<
    string,
    unknown
  >[];
  return Object.fromEntries(
    statements.map((statement, index) => {
      const { Sid, ...rest } = statement;
      return [typeof Sid === 'string' && Sid !== '' ? Sid : `statement ${index + 1}`, normal(toJson(rest))];
    }),
  );
}

function normal(value: Json): Json {
  if (Array.isArray(value)) {
    const items = value.map(normal);
    return items.length === 1
      ? (items[0] ?? null)
      : items.toSorted((a, b) => compare(canonical(a), canonical(b)));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'AWS' && normal(only[1]) === '*') return '*';
  return Object.fromEntries(entries.map(([name, inside]) => [name, normal(inside)]));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
