import type { AwsProvisioningConfig, ProvisioningConfig } from '../../config/provisioning-config.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';

/** Keys of AWS; null elsewhere means the machine's own chain. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Keys, where they come from, or null for the official chain of credentials. */
export type AwsKeySource = AwsKeys | (() => Promise<AwsKeys>) | null;

/** What a bucket should be, and who makes it so. */
export interface S3ProvisioningParts {
  readonly bucket: string;
  readonly region: string;
  /** Null: AWS in `region`. */
  readonly endpoint: string | null;
  readonly forcePathStyle: boolean;
  readonly sse: 'AES256' | 'aws:kms';
  readonly kmsKeyId: string | null;
  readonly provisioning: ProvisioningConfig;
  /** Prefixes that the asset types store below, each ending in a slash. */
  readonly folders: readonly string[];
  /** What readers reach the bucket's CDN by, without a trailing slash; null: none is in use. */
  readonly cdnUrl: string | null;
  /** How a CDN treats what lies below a prefix; a prefix is there once. */
  readonly delivery: readonly {
    readonly prefix: string;
    readonly isImmutable: boolean;
    readonly isPublic: boolean;
  }[];
  /** Whoever may change the bucket. */
  readonly operator: AwsKeySource;
  /** The service's own keys; null: the chain too. */
  readonly backend: AwsKeys | null;
  /** Whether `backend` is another identity than `operator`, as far as is known here. */
  readonly backendIsOther: boolean;
  /** Where the same bucket would answer without TLS; null: it has no such place. */
  readonly plainEndpoint: string | null;
  /** Whether requests go over TLS: a rule against plain requests would lock everybody out otherwise. */
  readonly isSecure: boolean;
  /** Endpoint of IAM, CloudFront and ACM; null: AWS. */
  readonly controlEndpoint: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** The AWS part of the desired state. */
export function awsOf(parts: S3ProvisioningParts): AwsProvisioningConfig {
  return parts.provisioning.aws;
}

/** Whether the store is AWS itself, and not one that only speaks its protocol. */
export function isAws(parts: S3ProvisioningParts): boolean {
  return awsOf(parts).store === 'aws';
}

/** Base URL of a bucket, ending in a slash, by the addressing style. */
export function bucketUrl(
  parts: Pick<S3ProvisioningParts, 'bucket' | 'region' | 'forcePathStyle'>,
  endpoint: string | null,
): string {
  const base = new URL(endpoint ?? `https://s3.${parts.region}.amazonaws.com`);
  return parts.forcePathStyle
    ? `${base.origin}/${parts.bucket}/`
    : `${base.protocol}//${parts.bucket}.${base.host}/`;
}
