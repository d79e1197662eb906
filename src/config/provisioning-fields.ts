import { isAbsolute } from 'node:path';
import { GIB, parseByteSize } from '../core/bytes.ts';
import { type FieldReader, fieldReader } from './field-reader.ts';
import type {
  AwsProvisioningConfig,
  CloudFrontConfig,
  LifecycleConfig,
  ProvisioningConfig,
} from './provisioning-config.ts';

/** What the rest of the settings says about provisioning. */
export interface ProvisioningSurroundings {
  /** `CORS_ORIGINS`. */
  readonly corsOrigins: readonly string[];
  readonly environment: 'production' | 'development' | 'test';
  /** Name of the S3 bucket; null with another backend. */
  readonly s3Bucket: string | null;
  readonly s3Endpoint: string | null;
}

/**
 * Reads `provisioning` of the config file; absent fields have safe values.
 *
 * @param declared the file's `provisioning`, unchecked.
 */
export function readProvisioning(
  declared: unknown,
  around: ProvisioningSurroundings,
  problems: string[],
): ProvisioningConfig {
  const read = fieldReader(declared, 'provisioning', problems);
  const corsOrigins = read.texts('corsOrigins', ORIGIN, 'an origin such as https://app.example.org');
  const config: ProvisioningConfig = {
    environment: read.choice(
      'environment',
      ['dev', 'staging', 'prod'],
      around.environment === 'production' ? 'prod' : 'dev',
    ),
    // A bucket that answers every origin is a finding, so the service's own `*` is not passed on.
    corsOrigins: corsOrigins ?? around.corsOrigins.filter((origin) => origin !== '*'),
    versioning: read.boolean('versioning', true),
    lifecycle: readLifecycle(read.inside('lifecycle')),
    tags: read.record('tags', /^[\p{L}\p{N} +\-=._:/@]{1,128}$/u),
    leaveOut: read.texts('leaveOut', /^[a-z_]{1,60}$/, 'the name of a setting that plan shows') ?? [],
    verifyEveryHours: read.has('verifyEveryHours')
      ? read.integer('verifyEveryHours', { fallback: 24, min: 1, max: 8760 })
      : null,
    aws: readAws(read.inside('aws'), around),
    azure: readAzure(read.inside('azure')),
    gcs: readGcs(read.inside('gcs')),
    local: readLocal(read.inside('local')),
  };
  read.finish();
  return config;
}

const ORIGIN = /^https?:\/\/[a-z0-9.-]{1,253}(:\d{1,5})?$/;
const ARN = /^arn:aws[a-z-]*:(iam|sts)::\d{12}:[\w+=,.@/-]{1,512}$/;
const DAYS_MAX = 36_500;

function readLifecycle(read: FieldReader): LifecycleConfig {
  const days = (name: string, fallback: number): number =>
    read.integer(name, { fallback, min: 1, max: DAYS_MAX });
  const daysOrNever = (name: string, fallback: number): number | null =>
    read.isNull(name) ? null : days(name, fallback);
  const lifecycle = {
    abortMultipartDays: days('abortMultipartDays', 2),
    expireIncomingDays: days('expireIncomingDays', 1),
    oldVersionsRareDays: daysOrNever('oldVersionsRareDays', 30),
    oldVersionsArchiveDays: daysOrNever('oldVersionsArchiveDays', 90),
    oldVersionsDeleteDays: daysOrNever('oldVersionsDeleteDays', 365),
  };
  const steps = [
    lifecycle.oldVersionsRareDays,
    lifecycle.oldVersionsArchiveDays,
    lifecycle.oldVersionsDeleteDays,
  ].filter((step) => step !== null);
  if (steps.some((step, index) => index > 0 && step <= (steps[index - 1] ?? 0)))
    read.problem('oldVersions…Days', 'must rise: rare access, then archive, then deletion');
  return lifecycle;
}

function readAws(read: FieldReader, around: ProvisioningSurroundings): AwsProvisioningConfig {
  const { s3Bucket, s3Endpoint } = around;
  const isAmazon =
    s3Endpoint === null || /\.amazonaws\.com(\.cn)?$/.test(URL.parse(s3Endpoint)?.hostname ?? '');
  const store = read.choice('store', ['aws', 'compatible'], isAmazon ? 'aws' : 'compatible');
  const isAws = store === 'aws' && s3Bucket !== null;
  const identity = read.inside('identity');
  const aws: AwsProvisioningConfig = {
    store,
    logBucket: read.isNull('logBucket')
      ? null
      : (read.text('logBucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket') ??
        (isAws ? `${s3Bucket.slice(0, 58)}-logs` : null)),
    logDays: read.integer('logDays', { fallback: 365, min: 1, max: DAYS_MAX }),
    identity:
      read.isNull('identity') || (!isAws && !read.has('identity'))
        ? null
        : {
            kind: identity.choice('kind', ['role', 'user'], 'role'),
            name:
              identity.text('name', /^[\w+=,.@-]{1,64}$/, 'the name of a role or user') ??
              `stowage-${s3Bucket ?? 'backend'}`.slice(0, 64),
            trustedService:
              identity.text(
                'trustedService',
                /^[a-z0-9.-]{1,128}$/,
                'a service, such as ec2.amazonaws.com',
              ) ?? 'ec2.amazonaws.com',
          },
    allowedPrincipals:
      read.texts('allowedPrincipals', ARN, 'the ARN of a role or user; a wildcard names nobody') ?? [],
    cdn: read.isNull('cdn') || !read.has('cdn') ? null : readCdn(read.inside('cdn')),
  };
  if (aws.logBucket !== null && aws.logBucket === s3Bucket)
    read.problem('logBucket', 'must be another bucket: logs of the writing of logs never end');
  return aws;
}

function readCdn(read: FieldReader): CloudFrontConfig {
  return {
    domain: read.text('domain', /^(?=.{4,253}$)([a-z0-9-]{1,63}\.)+[a-z]{2,63}$/, 'a host name'),
    publicKeys: read.texts('publicKeys', /^-----BEGIN PUBLIC KEY-----[\s\S]{100,4000}$/, 'a PEM text') ?? [],
    priceClass: read.choice(
      'priceClass',
      ['PriceClass_100', 'PriceClass_200', 'PriceClass_All'],
      'PriceClass_100',
    ),
  };
}

function readAzure(read: FieldReader): ProvisioningConfig['azure'] {
  const azure = {
    subscriptionId: read.text('subscriptionId', /^[0-9a-f-]{36}$/i, 'the id of a subscription'),
    resourceGroup: read.text('resourceGroup', /^[-\w.()]{1,90}$/, 'the name of a resource group'),
    location: read.text('location', /^[a-z0-9]{1,40}$/, 'a location such as westeurope'),
    softDeleteDays: read.integer('softDeleteDays', { fallback: 7, min: 1, max: 365 }),
  };
  if ((azure.subscriptionId === null) !== (azure.resourceGroup === null))
    read.problem('subscriptionId', 'and resourceGroup belong together');
  return azure;
}

function readGcs(read: FieldReader): ProvisioningConfig['gcs'] {
  return {
    location: read.text('location', /^[A-Za-z0-9-]{2,40}$/, 'a location such as europe-west3') ?? 'EU',
    kmsKey: read.text(
      'kmsKey',
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
      'projects/…/locations/…/keyRings/…/cryptoKeys/…',
    ),
  };
}

function readLocal(read: FieldReader): ProvisioningConfig['local'] {
  const size = read.text('freeSpaceMin', /^.{1,20}$/, 'a size such as 5gb');
  const freeBytesMin = size === null ? 5 * GIB : parseByteSize(size);
  if (freeBytesMin === undefined) read.problem('freeSpaceMin', 'must be a size such as 5gb');
  const mountPoint = read.text('mountPoint', /^.{1,4096}$/, 'an absolute path');
  if (mountPoint !== null && !isAbsolute(mountPoint)) read.problem('mountPoint', 'must be an absolute path');
  return { freeBytesMin: freeBytesMin ?? 5 * GIB, mountPoint };
}
