import { StowageError } from '../../core/errors.ts';
import { isObjectKey, type ObjectKey } from '../../core/key.ts';
import { contentDisposition } from '../../delivery/disposition.ts';
import { deliver } from '../deliver.ts';
import type { Deps } from '../deps.ts';
import { publicRoute, type Route } from '../route.ts';

const PREFIX = '/public/';

/** `GET /public/{key}`: assets of public types, for everybody and every cache. */
export function publicAsset(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: '/public/*',
    operation: 'publicAsset',
    summary: 'Read an asset of a public asset type',
    description: 'The URL is permanent. Reads are not logged: caches answer most of them.',
    params: { '*': 'The key of the asset.' },
    success: {
      status: 200,
      description: 'The content.',
      mediaType: '*/*',
      others: { 206: 'The part that Range asked for.', 304: 'The client has the content already.' },
    },
    errors: ['not_found', 'range_not_satisfiable', 'database_unavailable', 'storage_unavailable'],
    handle: async (request, reply) => {
      const key = keyOf(request.raw.url ?? '');
      const asset = key === undefined ? undefined : await deps.catalog.findAssetByKey(key);
      const type = asset === undefined ? undefined : deps.config.assetTypes.get(asset.assetType);
      if (asset === undefined || type?.visibility !== 'public') {
        throw new StowageError('not_found', 'There is no such asset.');
      }
      return await deliver(deps, request, reply, asset, {
        disposition: contentDisposition(asset.filename, asset.mediaType, 'inline'),
        cacheControl: type.cacheControl,
        embeddable: true,
        beforeRead: async () => asset,
      });
    },
  });
}

/** Decoded here, segment by segment: one key has one path, whatever a router does with encoded slashes. */
function keyOf(target: string): ObjectKey | undefined {
  const path = target.split('?')[0] ?? '';
  if (!path.startsWith(PREFIX)) return undefined;
  try {
    const segments = path.slice(PREFIX.length).split('/').map(decodeURIComponent);
    const key = segments.join('/');
    return segments.some((segment) => segment.includes('/')) || !isObjectKey(key) ? undefined : key;
  } catch {
    return undefined;
  }
}
