import type { S3Client } from '@aws-sdk/client-s3';
import { loadSdk } from '../load-sdk.ts';
import { ProvisioningError } from '../provider.ts';
import type { AwsKeySource, S3ProvisioningParts } from './parts.ts';

export type S3Sdk = typeof import('@aws-sdk/client-s3');

/** The official client of the bucket's region with one identity. */
export interface S3Calls {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** Attempts of the client at one call, the first one included. */
const ATTEMPTS_MAX = 4;
/** Time for one call, in milliseconds. */
const CALL_MS_MAX = 30_000;

/** Loads the official client. @throws ProvisioningError when it is not installed. */
export async function openS3Calls(parts: S3ProvisioningParts, keys: AwsKeySource): Promise<S3Calls> {
  const sdk = await loadSdk('@aws-sdk/client-s3', () => import('@aws-sdk/client-s3'));
  const client = new sdk.S3Client({
    region: parts.region,
    ...(parts.endpoint !== null && { endpoint: parts.endpoint }),
    forcePathStyle: parts.forcePathStyle,
    ...(keys !== null && { credentials: keys }),
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { requestTimeout: CALL_MS_MAX, connectionTimeout: 5_000 },
    // Stores that only speak the protocol know fewer checksums than AWS.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A bucket in the wrong region is a finding, and its other settings are read all the same.
    followRegionRedirects: true,
  });
  return { sdk, client };
}

/**
 * The answer of a call; undefined when the store says that there is no such thing.
 *
 * @param missing codes that mean so; a bucket that is not there always does.
 */
export async function orMissing<Answer>(
  call: Promise<Answer>,
  ...missing: readonly string[]
): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && ['NoSuchBucket', 'NotFound', ...missing].includes(error.name))
      return undefined;
    throw error;
  }
}

/** Repeats what a store refuses for a moment after another change. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof Error &&
    ['OperationAborted', 'ConflictException', 'TooManyRequests'].includes(error.name)
  );
}

/** Status of the answer that a failed call got; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return (error.$metadata as { readonly httpStatusCode?: number }).httpStatusCode;
}

/** Puts the sentence of a failed change in front of the store's own words. */
export function refused(what: string, error: unknown): ProvisioningError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ProvisioningError(`${what} was refused (${reason}).`, { cause: error });
}
