import { StowageError } from '../../core/errors.ts';
import { keyBelow, PUBLIC_PREFIX } from '../../delivery/cdn/paths.ts';
import { contentDisposition } from '../../delivery/disposition.ts';
import { CONTENT_ANSWER, CONTENT_REQUEST_HEADERS } from '../content-answer.ts';
import { deliver } from '../deliver.ts';
import type { Deps } from '../deps.ts';
import { publicRoute, type Route } from '../route.ts';
import { shareWithCaches } from '../shared-caches.ts';

/** `GET /public/{key}`: assets of public types, for everybody and every cache. */
export function publicAsset(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: `${PUBLIC_PREFIX}*`,
    operation: 'publicAsset',
    summary: 'Read an asset of a public asset type',
    description: 'The URL is permanent. Reads are not logged: caches answer most of them.',
    params: { '*': 'The key of the asset.' },
    headers: CONTENT_REQUEST_HEADERS,
    success: CONTENT_ANSWER,
    errors: ['not_found', 'range_not_satisfiable', 'database_unavailable', 'storage_unavailable'],
    handle: async (request, reply) => {
      const key = keyBelow(PUBLIC_PREFIX, request.raw.url ?? '');
      const asset = key === undefined ? undefined : await deps.catalog.findAssetByKey(key);
      const type = asset === undefined ? undefined : deps.config.assetTypes.get(asset.assetType);
      if (asset === undefined || type?.visibility !== 'public') {
        throw new StowageError('not_found', 'There is no such asset.');
      }
      shareWithCaches(deps, reply, null);
      return await deliver(deps, request, reply, asset, {
        disposition: contentDisposition(asset.filename, asset.mediaType, 'inline'),
        cacheControl: type.cacheControl,
        embeddable: true,
        beforeRead: async () => asset,
      });
    },
  });
}
