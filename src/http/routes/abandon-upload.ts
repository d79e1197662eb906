import { CONTENT_REFUSALS } from '../content-refusals.ts';
import type { Deps } from '../deps.ts';
import { UPLOAD_PARAMS } from '../parameters.ts';
import { originOf } from '../request-context.ts';
import { type Route, userRoute } from '../route.ts';

/** `DELETE /api/uploads/{id}`: gives an upload up. */
export function abandonUpload(deps: Deps): Route {
  return userRoute({
    method: 'DELETE',
    path: '/api/uploads/:upload_id',
    operation: 'abandonUpload',
    summary: 'Give an upload up',
    description:
      'What has arrived is removed, and its place in the limit is free again. For the owner alone. An upload that nobody completes or gives up expires by itself.',
    params: UPLOAD_PARAMS,
    success: { status: 204, description: 'The upload is gone.' },
    errors: [
      ...CONTENT_REFUSALS,
      ...(['forbidden', 'not_found', 'expired', 'conflict'] as const),
      ...(['database_unavailable', 'storage_unavailable'] as const),
    ],
    handle: async (call) => {
      await deps.directUploads.abandon(call.params.upload_id ?? '', {
        principal: call.principal,
        origin: originOf(call.request, deps.isTrustedProxy),
      });
      return call.reply.code(204).send();
    },
  });
}
