import { newUuid } from '../../core/ids.ts';
import { type CdnOrigin, cachedPaths } from './paths.ts';
import type { Purger } from './purge.ts';

/** Paths with a wildcard that CloudFront takes at a time; each key has one or two. */
const WILDCARDS_MAX = 15;
/** CloudFront is one service for the whole world, and lives there. */
const REGION = 'us-east-1';

export interface CloudFrontPurgerOptions {
  readonly distributionId: string;
  readonly origin: CdnOrigin;
  /** What clients reach the CDN by: a path in it is part of every path there. */
  readonly url: string;
  /** Null: the machine's own chain of credentials. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | null;
  } | null;
  /** Another endpoint, for tests; Amazon's by default. */
  readonly endpoint?: string;
}

/**
 * Purges a CloudFront distribution by invalidations, with Amazon's own client, which is loaded with the first one. Each
 * path ends in `*`: the name in an answer is part of a URL's query, so one file may be cached under several. A key holds a
 * UUID, so no other file's path begins like that.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateInvalidation.html
 */
export function openCloudFrontPurger(options: CloudFrontPurgerOptions): Purger {
  const base = new URL(options.url).pathname.replace(/\/$/, '');
  let opening: ReturnType<typeof openClient> | undefined;
  return {
    name: `CloudFront ${options.distributionId}`,
    keysMax: Math.floor(WILDCARDS_MAX / cachedPaths(options.origin, 'key').length),
    async purge(keys, signal) {
      opening ??= openClient(options);
      const { client, CreateInvalidationCommand } = await opening;
      const paths = keys.flatMap((key) => cachedPaths(options.origin, key)).map((path) => `${base}${path}*`);
      const answer = await client.send(
        new CreateInvalidationCommand({
          DistributionId: options.distributionId,
          InvalidationBatch: {
            // Unlike for another batch: asked twice with one reference, CloudFront does nothing the second time.
            CallerReference: newUuid(),
            Paths: { Quantity: paths.length, Items: paths },
          },
        }),
        { abortSignal: signal },
      );
      return answer.Invalidation?.Id ?? null;
    },
    async close() {
      // A client that could not be loaded needs no end.
      const opened = await opening?.catch(() => undefined);
      opened?.client.destroy();
    },
  };
}

async function openClient({ credentials, endpoint }: CloudFrontPurgerOptions) {
  const { CloudFrontClient, CreateInvalidationCommand } = await import('@aws-sdk/client-cloudfront').catch(
    (error: unknown) => {
      throw new Error('CDN_DISTRIBUTION_ID needs the package @aws-sdk/client-cloudfront: install it', {
        cause: error,
      });
    },
  );
  const client = new CloudFrontClient({
    region: REGION,
    maxAttempts: 2,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== null && { credentials: withoutNull(credentials) }),
  });
  return { client, CreateInvalidationCommand };
}

function withoutNull({ sessionToken, ...keys }: NonNullable<CloudFrontPurgerOptions['credentials']>) {
  return sessionToken === null ? keys : { ...keys, sessionToken };
}
