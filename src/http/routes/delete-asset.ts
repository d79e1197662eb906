import type { Deps } from '../deps.ts';
import { ASSET_PARAMS } from '../parameters.ts';
import { entryFacts, loggedRefusal, reachAsset } from '../reach.ts';
import { originOf } from '../request-context.ts';
import { type Route, userRoute } from '../route.ts';

/** `DELETE /api/assets/{id}`: removes record and bytes. */
export function deleteAsset(deps: Deps): Route {
  return userRoute({
    method: 'DELETE',
    path: '/api/assets/:asset_id',
    operation: 'deleteAsset',
    summary: 'Remove an asset and its bytes',
    description:
      'Done again it is `not_found`; `conflict` while a record of the application refers to the asset. The access log keeps that it happened.',
    params: ASSET_PARAMS,
    success: { status: 204, description: 'The asset is gone.' },
    errors: ['forbidden', 'not_found', 'conflict', 'database_unavailable', 'storage_unavailable'],
    handle: async (call) => {
      const asset = await reachAsset(deps, call, 'delete');
      deps.facts.forget(asset);
      deps.bodies.forget(asset.key);
      const origin = originOf(call.request, deps.isTrustedProxy);
      try {
        await deps.removal.removeAsset(asset.assetId, call.principal, origin);
      } catch (error) {
        // Somebody else was first, or a record refers to it.
        throw await loggedRefusal(deps, entryFacts(deps, call, 'delete'), asset, error);
      }
      return call.reply.code(204).send();
    },
  });
}
