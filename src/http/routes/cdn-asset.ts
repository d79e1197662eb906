import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StowageError } from '../../core/errors.ts';
import { keyBelow, PRIVATE_PREFIX } from '../../delivery/cdn/paths.ts';
import { type CdnRead, hasSignature, verifyCdnRead } from '../../delivery/cdn/verify.ts';
import { contentDisposition } from '../../delivery/disposition.ts';
import { cdnCacheControl, edgeCacheControl, signedCacheControl } from '../../delivery/headers.ts';
import { CONTENT_ANSWER, CONTENT_REQUEST_HEADERS } from '../content-answer.ts';
import { deliver } from '../deliver.ts';
import type { Deps } from '../deps.ts';
import { originOf } from '../request-context.ts';
import { publicRoute, type Route } from '../route.ts';
import { shareWithCaches } from '../shared-caches.ts';

/** The header by which an edge that has checked the signature itself says so. */
const ORIGIN_SECRET_HEADER = 'x-stowage-origin-secret';

/** `GET /cdn/{key}`: where a CDN fetches private assets when this service is its origin. */
export function cdnAsset(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: `${PRIVATE_PREFIX}*`,
    operation: 'cdnAsset',
    summary: 'Read an asset by a URL signed for the CDN',
    description:
      'The signature is checked here unless the CDN has done it and says so. Reads are not logged, as caches answer most of them; that the URL was issued is.',
    params: { '*': 'The key of the asset.' },
    headers: CONTENT_REQUEST_HEADERS,
    success: CONTENT_ANSWER,
    errors: [
      ...(['forbidden', 'expired', 'not_found', 'range_not_satisfiable'] as const),
      ...(['database_unavailable', 'storage_unavailable'] as const),
    ],
    handle: (request, reply) => serve(deps, request, reply),
  });
}

async function serve(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const nowMs = deps.clock.now();
  const read = readOf(deps, request, nowMs);
  // Asked of the catalog each time: what is gone must not come back into a cache.
  const asset = await deps.catalog.findAssetByKey(read.key);
  if (asset === undefined) throw noAsset();
  const ofType = deps.config.assetTypes.get(asset.assetType)?.cacheControl ?? '';
  const remainingMs = read.expiresAtMs === null ? null : read.expiresAtMs - nowMs;
  const undo = shareWithCaches(
    deps,
    reply,
    remainingMs === null ? null : cdnCacheControl(ofType, remainingMs, read.isCacheable),
  );
  try {
    return await deliver(deps, request, reply, asset, {
      disposition: contentDisposition(asset.filename, asset.mediaType, 'inline'),
      cacheControl: remainingMs === null ? edgeCacheControl(ofType) : signedCacheControl(ofType, remainingMs),
      embeddable: true,
      beforeRead: async () => asset,
    });
  } catch (error) {
    undo();
    throw error;
  }
}

/** @throws StowageError `not_found` without a CDN, `forbidden`, `expired`. */
function readOf(
  { config, cdn, isTrustedProxy }: Deps,
  request: FastifyRequest,
  nowMs: number,
): Omit<CdnRead, 'expiresAtMs'> & { readonly expiresAtMs: number | null } {
  const target = request.raw.url ?? '';
  if (cdn === null || cdn.origin !== 'service' || cdn.signer === null) throw noAsset();
  // A signature that is there counts, whoever brings it: a cache that forwards it has not checked it.
  if (hasSignature(target)) {
    const { ipAddress } = originOf(request, isTrustedProxy);
    return verifyCdnRead(target, { url: cdn.url, signer: cdn.signer, nowMs, ipAddress });
  }
  const key = keyBelow(PRIVATE_PREFIX, target);
  if (key === undefined) throw noAsset();
  if (!isEdge(request.headers[ORIGIN_SECRET_HEADER], config.cdn?.originSecret ?? null)) {
    throw new StowageError('forbidden', 'The URL is not signed.');
  }
  return { key, expiresAtMs: null, isCacheable: true };
}

function isEdge(presented: string | readonly string[] | undefined, secret: string | null): boolean {
  if (typeof presented !== 'string' || secret === null) return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(secret));
}

function noAsset(): StowageError {
  return new StowageError('not_found', 'There is no such asset.');
}
