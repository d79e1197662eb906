import { type AwsRecorder, startAwsRecorder } from '../../test/servers/aws-recorder/server.ts';
import type { ProvisioningConfig } from '../config/provisioning-config.ts';
import { readProvisioning } from '../config/provisioning-fields.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import type { Provider } from './provider.ts';
import type { S3ProvisioningParts } from './s3/parts.ts';
import { openS3Provider } from './s3/provider.ts';

/** Keys that open nothing but servers on loopback. */
export const OPERATOR = {
  name: 'operator',
  accessKeyId: 'TESTOPERATORKEY',
  secretAccessKey: 'operator-on-loopback',
};
export const BACKEND = {
  name: 'backend',
  accessKeyId: 'TESTBACKENDKEY',
  secretAccessKey: 'backend-on-loopback',
  identity: 'role/stowage-my-files',
};

export const ORIGIN = 'https://app.example.org';

/** Starts AWS on loopback. */
export function startAws(): Promise<AwsRecorder> {
  return startAwsRecorder({ operator: OPERATOR, backend: BACKEND });
}

/** `provisioning` of a config file, read as it would be. */
export function provisioningOf(fields: object, s3Bucket = 'my-files'): ProvisioningConfig {
  const problems: string[] = [];
  const config = readProvisioning(
    fields,
    { corsOrigins: [ORIGIN], environment: 'test', s3Bucket, s3Endpoint: null },
    problems,
  );
  if (problems.length > 0) throw new Error(problems.join('; '));
  return config;
}

/** What to make of the recorder. */
export function awsParts(aws: AwsRecorder, changes: Partial<S3ProvisioningParts> = {}): S3ProvisioningParts {
  return {
    bucket: 'my-files',
    region: 'eu-central-1',
    endpoint: aws.origin,
    forcePathStyle: true,
    sse: 'AES256',
    kmsKeyId: null,
    provisioning: provisioningOf({}),
    folders: ['brand-images/', 'invoices/'],
    cdnUrl: null,
    delivery: [{ prefix: 'brand-images/', isImmutable: true, isPublic: false }],
    operator: { accessKeyId: OPERATOR.accessKeyId, secretAccessKey: OPERATOR.secretAccessKey },
    backend: { accessKeyId: BACKEND.accessKeyId, secretAccessKey: BACKEND.secretAccessKey },
    backendIsOther: true,
    plainEndpoint: aws.plainOrigin,
    isSecure: true,
    controlEndpoint: aws.origin,
    clock: systemClock,
    log: silentLog,
    ...changes,
  };
}

export function openAws(aws: AwsRecorder, changes: Partial<S3ProvisioningParts> = {}): Promise<Provider> {
  return openS3Provider(awsParts(aws, changes));
}
