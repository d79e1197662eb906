import Type from 'typebox';
import { AssetPageSchema } from '../../protocol/index.ts';
import { assetTypeNamed } from '../../uploads/form-fields.ts';
import type { Deps } from '../deps.ts';
import { CursorParameter, LimitParameter } from '../parameters.ts';
import { entryFacts, renderWithUrl } from '../reach.ts';
import { type Route, userRoute } from '../route.ts';

/** `GET /api/assets`: the caller's own assets, newest first. */
export function listAssets(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/assets',
    operation: 'listAssets',
    summary: 'List your assets, newest first',
    description:
      'Each asset carries a URL that reads it. That a URL was issued is in the access log, once per URL: asked again within five minutes it is the same.',
    query: Type.Object({
      asset_type: Type.Optional(Type.String({ maxLength: 63, description: 'Only assets of this type.' })),
      limit: LimitParameter,
      cursor: CursorParameter,
    }),
    success: { status: 200, description: 'One page of assets.', schema: AssetPageSchema },
    errors: ['unknown_asset_type', 'database_unavailable', 'storage_unavailable'],
    handle: async (call) => {
      const { asset_type: assetType = null, limit, cursor = null } = call.query;
      if (assetType !== null) assetTypeNamed(deps.config.assetTypes, assetType);
      const { tenantId, userId } = call.principal;
      const page = await deps.catalog.listAssets({ tenantId, userId, assetType, limit, cursor });
      return {
        // The entries of a page arrive at the catalog together, which writes them in one transaction.
        assets: await Promise.all(
          page.items.map((asset) =>
            renderWithUrl(deps, asset, call.principal, () => entryFacts(deps, call, 'generate_url')),
          ),
        ),
        next_cursor: page.nextCursor,
      };
    },
  });
}
