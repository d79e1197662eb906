import type { Config } from '../config/config.ts';
import { openCloudFrontPurger } from '../delivery/cdn/cloudfront-purger.ts';
import { openHttpPurger } from '../delivery/cdn/http-purger.ts';
import type { Purger } from '../delivery/cdn/purge.ts';

/** Whatever must forget deleted assets, by the settings; none when nothing is told to. Asks nothing of them yet. */
export function openPurgers(config: Pick<Config, 'cdn' | 'storage'>): readonly Purger[] {
  const { cdn, storage } = config;
  if (cdn === null) return [];
  const { url, origin, distributionId } = cdn;
  return [
    ...cdn.purgeUrls.map((cache) => openHttpPurger({ cache, url, origin })),
    ...(distributionId === null
      ? []
      : [
          openCloudFrontPurger({ distributionId, url, origin, credentials: storage.s3?.credentials ?? null }),
        ]),
  ];
}
