import type { FastifyRequest } from 'fastify';
import { clientNetwork } from '../../access/client-address.ts';
import type { EntryFacts } from '../../access/entries.ts';
import type { Asset } from '../../catalog/catalog.ts';
import { StowageError } from '../../core/errors.ts';
import { signedCacheControl } from '../../delivery/headers.ts';
import { expiredRead, type ReadClaims } from '../../storage/index.ts';
import { CONTENT_ANSWER, CONTENT_REQUEST_HEADERS } from '../content-answer.ts';
import { deliver } from '../deliver.ts';
import type { Deps } from '../deps.ts';
import { loggedRefusal, recordRead } from '../reach.ts';
import { originOf } from '../request-context.ts';
import { publicRoute, type Route } from '../route.ts';

/** `GET /files/{key}`: what a signed URL of the local backend allows. */
export function readFile(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: '/files/*',
    operation: 'readFile',
    summary: 'Read an asset by a signed URL',
    description:
      'The URL itself is the permission. The read is in the access log under the user it was issued to. Issued where files are on local disk, and good to its end when they move; cloud stores answer their own URLs.',
    params: { '*': 'The key of the asset.' },
    headers: CONTENT_REQUEST_HEADERS,
    success: CONTENT_ANSWER,
    errors: [
      ...(['forbidden', 'expired', 'not_found', 'range_not_satisfiable'] as const),
      ...(['database_unavailable', 'storage_unavailable'] as const),
    ],
    handle: async (request, reply) => {
      const nowMs = deps.clock.now();
      const origin = originOf(request, deps.isTrustedProxy);
      const { claims, asset } = await openBySignedUrl(deps, request, { origin, nowMs });
      const typeCacheControl = deps.config.assetTypes.get(asset.assetType)?.cacheControl ?? '';
      return await deliver(deps, request, reply, asset, {
        disposition: claims.contentDisposition,
        cacheControl: signedCacheControl(typeCacheControl, claims.expiresAtMs - nowMs),
        embeddable: true,
        beforeRead: () =>
          recordRead(deps, asset, {
            action: 'download',
            actor: claims.grant ?? asset,
            origin,
            backend: asset.backend,
            nowMs,
          }),
      });
    },
  });
}

/**
 * What the URL allows, and the asset it was issued for. A refusal is in the access log, but for a forged URL, which names
 * nobody; that of an expired one is there once a day for each client.
 */
async function openBySignedUrl(
  deps: Deps,
  request: FastifyRequest,
  when: Pick<EntryFacts, 'origin' | 'nowMs'>,
): Promise<{ readonly claims: ReadClaims; readonly asset: Asset }> {
  let claims: ReadClaims | undefined;
  try {
    claims = deps.localFiles.urls.verifyRead(request.raw.url ?? '', when.nowMs);
    return { claims, asset: await assetOf(deps, claims, request.method === 'HEAD') };
  } catch (error) {
    const expired = expiredRead(error);
    const { grant = null, key = null } = claims ?? expired ?? {};
    if (grant === null) throw error;
    const facts: EntryFacts = { action: 'download', actor: grant, backend: deps.stores.main.name, ...when };
    const logged = () => loggedRefusal(deps, facts, { assetId: grant.assetId, assetType: null, key }, error);
    if (expired === undefined) throw await logged();
    // An expired URL stays authentic for ever: a row for each use would let whoever holds it fill the log. The first use that
    // can't be logged is answered as any refusal that can't (`database_unavailable`), and so are those after it until one is
    // in the log: what nobody wrote down must not look like a use that somebody did.
    const { assetId, userId } = grant;
    const client = clientNetwork(when.origin.ipAddress);
    const url = { assetId, userId, expiresAtMs: expired.expiresAtMs, client };
    await deps.expired.once(url, when.nowMs, logged);
    throw error;
  }
}

/** The asset that the URL was issued for: its key alone is not enough, a key could be given again. */
async function assetOf(deps: Deps, claims: ReadClaims, mustExist: boolean): Promise<Asset> {
  const asset = mustExist
    ? await deps.catalog.findAssetByKey(claims.key)
    : await deps.facts.byKey(claims.key);
  if (asset === undefined) throw noAsset();
  const { grant } = claims;
  if (grant !== null && (grant.assetId !== asset.assetId || grant.tenantId !== asset.tenantId))
    throw noAsset();
  return asset;
}

function noAsset(): StowageError {
  return new StowageError('not_found', 'There is no such asset.');
}
