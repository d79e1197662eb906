import Type from 'typebox';
import { PresignedSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { issueUrl } from '../issue-url.ts';
import { ASSET_PARAMS } from '../parameters.ts';
import { reachAsset } from '../reach.ts';
import { renderTime } from '../render.ts';
import { type Route, userRoute } from '../route.ts';

const SECONDS_PER_HOUR = 3600;

/** `GET /api/assets/{id}/presigned`: a URL that reads the asset for as long as asked. */
export function presign(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/assets/:asset_id/presigned',
    operation: 'presign',
    summary: 'Get a URL that reads an asset without a token',
    description:
      'Asked again within five minutes the URL is the same, so browsers keep what they have. Each call is in the access log.',
    params: ASSET_PARAMS,
    query: Type.Object({
      expiration_hours: Type.Integer({
        minimum: 1,
        maximum: 168,
        default: 24,
        description: 'Life of the URL in hours.',
      }),
    }),
    success: { status: 200, description: 'The URL.', schema: PresignedSchema },
    errors: ['forbidden', 'not_found', 'database_unavailable', 'storage_unavailable'],
    handle: async (call) => {
      const asset = await reachAsset(deps, call, 'generate_url');
      const lifetimeSeconds = call.query.expiration_hours * SECONDS_PER_HOUR;
      const { url } = await issueUrl(deps, call, asset, (at) =>
        deps.urls.signed(at, call.principal, lifetimeSeconds),
      );
      return {
        asset_id: asset.assetId,
        presigned_url: url.url,
        expiration_at: renderTime(url.expiresAtMs),
        original_filename: asset.filename,
        size_bytes: asset.sizeBytes,
      };
    },
  });
}
