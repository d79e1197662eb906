import Type from 'typebox';
import { contentDisposition } from '../../delivery/disposition.ts';
import { DOWNLOAD_CACHE_CONTROL } from '../../delivery/headers.ts';
import { CONTENT_ANSWER, CONTENT_REQUEST_HEADERS } from '../content-answer.ts';
import { deliver } from '../deliver.ts';
import type { Deps } from '../deps.ts';
import { ASSET_PARAMS } from '../parameters.ts';
import { entryFacts, reachAsset, reachStoredAsset, recordRead } from '../reach.ts';
import { type Route, userRoute } from '../route.ts';

/** `GET /api/assets/{id}/download`: the bytes, through Stowage. */
export function download(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/assets/:asset_id/download',
    operation: 'download',
    summary: 'Download an asset',
    description:
      'Range (one range), If-None-Match and If-Range are honoured; the ETag is the SHA-256 of the content. The read is in the access log before a byte is sent; a 304 is a read too, a HEAD is none.',
    params: ASSET_PARAMS,
    query: Type.Object({
      disposition: Type.Enum(['attachment', 'inline'], {
        default: 'attachment',
        description: '`inline` is granted to images, video, audio and PDF; the rest stays an attachment.',
      }),
    }),
    headers: CONTENT_REQUEST_HEADERS,
    success: CONTENT_ANSWER,
    errors: [
      'forbidden',
      'not_found',
      'range_not_satisfiable',
      'database_unavailable',
      'storage_unavailable',
    ],
    handle: async (call) => {
      const { request, reply, query } = call;
      // A HEAD that is granted is not logged, so it must ask the catalog whether the asset is still there.
      const asset =
        request.method === 'HEAD'
          ? await reachStoredAsset(deps, call, 'download')
          : await reachAsset(deps, call, 'download');
      return await deliver(deps, request, reply, asset, {
        disposition: contentDisposition(asset.filename, asset.mediaType, query.disposition),
        cacheControl: DOWNLOAD_CACHE_CONTROL,
        embeddable: false,
        beforeRead: () => recordRead(deps, asset, entryFacts(deps, call, 'download')),
      });
    },
  });
}
