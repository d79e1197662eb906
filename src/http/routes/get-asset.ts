import { AssetSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { issueUrl } from '../issue-url.ts';
import { ASSET_PARAMS } from '../parameters.ts';
import { reachAsset } from '../reach.ts';
import { renderAsset } from '../render.ts';
import { type Route, userRoute } from '../route.ts';

/** `GET /api/assets/{id}`: the record and a URL that reads it. */
export function getAsset(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/assets/:asset_id',
    operation: 'getAsset',
    summary: 'Get the record of an asset, with a URL that reads it',
    description: 'The issued URL is in the access log. For the owner and admins of the tenant.',
    params: ASSET_PARAMS,
    success: { status: 200, description: 'The asset.', schema: AssetSchema },
    errors: ['forbidden', 'not_found', 'database_unavailable', 'storage_unavailable'],
    handle: async (call) => {
      const asset = await reachAsset(deps, call, 'generate_url');
      const issued = await issueUrl(deps, call, asset, (at) => deps.urls.forRecord(at, call.principal));
      return renderAsset(issued.asset, issued.url);
    },
  });
}
