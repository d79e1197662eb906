import { createHash } from 'node:crypto';
import type { ACMClient } from '@aws-sdk/client-acm';
import type { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import type { CloudFrontConfig } from '../../config/provisioning-config.ts';
import { loadSdk } from '../load-sdk.ts';
import type { S3ProvisioningParts } from '../s3/parts.ts';

export type CloudFrontSdk = typeof import('@aws-sdk/client-cloudfront');
export type AcmSdk = typeof import('@aws-sdk/client-acm');

/** The official clients of a distribution, with the operator's identity. */
export interface CdnCalls {
  readonly sdk: CloudFrontSdk;
  readonly client: CloudFrontClient;
  /** Null without a domain of one's own. */
  readonly acm: { readonly sdk: AcmSdk; readonly client: ACMClient } | null;
}

/** CloudFront is one for the world, and takes certificates of this region only. */
const REGION = 'us-east-1';

/** Loads the official clients. @throws ProvisioningError when one is not installed. */
export async function openCdnCalls(parts: S3ProvisioningParts, cdn: CloudFrontConfig): Promise<CdnCalls> {
  const sdk = await loadSdk('@aws-sdk/client-cloudfront', () => import('@aws-sdk/client-cloudfront'));
  const options = {
    region: REGION,
    ...(parts.controlEndpoint !== null && { endpoint: parts.controlEndpoint }),
    ...(parts.operator !== null && { credentials: parts.operator }),
    maxAttempts: 4,
    requestHandler: { requestTimeout: 30_000, connectionTimeout: 5_000 },
  };
  const client = new sdk.CloudFrontClient(options);
  if (cdn.domain === null) return { sdk, client, acm: null };
  const acm = await loadSdk('@aws-sdk/client-acm', () => import('@aws-sdk/client-acm'));
  return { sdk, client, acm: { sdk: acm, client: new acm.ACMClient(options) } };
}

/** Longest name of which every part of a distribution can be made: the shortest bound is 64, and suffixes follow. */
const NAME_LENGTH_MAX = 54;

/** Name of everything that belongs to one bucket's distribution. */
export function cdnName(bucket: string): string {
  const name = `stowage-${bucket.replaceAll('.', '-')}`;
  if (name.length <= NAME_LENGTH_MAX) return name;
  const hash = createHash('sha256').update(bucket).digest('hex').slice(0, 8);
  return `${name.slice(0, NAME_LENGTH_MAX - 9)}-${hash}`;
}

/** Pages of a list that are read, at most: accounts have fewer things of one kind. */
const PAGES_MAX = 50;

/** All items of a list that comes in pages. */
export async function allPages<Item>(
  page: (
    marker: string | undefined,
  ) => Promise<{ items: readonly Item[] | undefined; next: string | undefined }>,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let marker: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const { items, next } = await page(marker);
    all.push(...(items ?? []));
    if (next === undefined || next === '') break;
    marker = next;
  }
  return all;
}
