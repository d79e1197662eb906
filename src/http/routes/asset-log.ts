import Type from 'typebox';
import { LogPageSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { ASSET_PARAMS, CursorParameter, LimitParameter } from '../parameters.ts';
import { reachStoredAsset } from '../reach.ts';
import { renderEntry } from '../render.ts';
import { type Route, userRoute } from '../route.ts';

/** `GET /api/assets/{id}/access-log`: who did what to one asset. */
export function assetLog(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/assets/:asset_id/access-log',
    operation: 'assetAccessLog',
    summary: 'Read the access log of an asset, newest first',
    description:
      'For the owner and admins of the tenant. The log of an asset that is gone is found by admins under `/api/access-log`.',
    params: ASSET_PARAMS,
    query: Type.Object({ limit: LimitParameter, cursor: CursorParameter }),
    success: { status: 200, description: 'One page of entries.', schema: LogPageSchema },
    errors: ['forbidden', 'not_found', 'database_unavailable'],
    handle: async (call) => {
      const asset = await reachStoredAsset(deps, call, null);
      const page = await deps.catalog.listAccess({
        tenantId: asset.tenantId,
        assetId: asset.assetId,
        userId: null,
        action: null,
        fromMs: null,
        toMs: null,
        limit: call.query.limit,
        cursor: call.query.cursor ?? null,
      });
      return { entries: page.items.map(renderEntry), next_cursor: page.nextCursor };
    },
  });
}
