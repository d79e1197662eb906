import { isStowageError } from '../../core/errors.ts';
import { AssetSchema } from '../../protocol/index.ts';
import { CONTENT_REFUSALS } from '../content-refusals.ts';
import type { Deps } from '../deps.ts';
import { UPLOAD_PARAMS } from '../parameters.ts';
import { publicCodeOf } from '../problem.ts';
import { RATE_LIMIT_HEADERS, rateLimitHeaders } from '../rate-limit-headers.ts';
import { renderAsset } from '../render.ts';
import { originOf } from '../request-context.ts';
import { type Route, userRoute } from '../route.ts';

/** `POST /api/uploads/{id}/complete`: judges what arrived and makes it an asset. */
export function completeUpload(deps: Deps): Route {
  return userRoute({
    method: 'POST',
    path: '/api/uploads/:upload_id/complete',
    operation: 'completeUpload',
    summary: 'Make an asset of what was sent',
    description:
      'Size, digest and content are judged as those of a form. A refusal is final and removes the bytes; a missing part is a `conflict` and can be sent. Done again it answers the same asset. For the owner alone.',
    params: UPLOAD_PARAMS,
    success: {
      status: 200,
      description: 'The stored asset.',
      schema: AssetSchema,
      headers: { 200: RATE_LIMIT_HEADERS },
    },
    errors: [
      ...CONTENT_REFUSALS,
      // The asset type may have changed, or gone, since the upload began.
      ...(['unknown_asset_type', 'missing_field', 'invalid_parameter'] as const),
      ...(['forbidden', 'not_found', 'expired', 'conflict'] as const),
      ...(['storage_unavailable', 'database_unavailable'] as const),
    ],
    handle: async (call) => {
      const request = {
        principal: call.principal,
        origin: originOf(call.request, deps.isTrustedProxy),
      };
      try {
        const completed = await deps.directUploads.complete(call.params.upload_id ?? '', request);
        const { asset, allowance, replayed } = completed;
        if (!replayed) {
          deps.metrics.countUpload(asset.assetType, 'stored', 1);
          deps.metrics.countBytes('in', asset.sizeBytes);
        }
        call.reply.headers(rateLimitHeaders(allowance));
        // Not logged as an issued URL: its reader has just sent the bytes, and that is in the log.
        return renderAsset(asset, await deps.urls.forRecord(asset, call.principal));
      } catch (error) {
        if (isStowageError(error)) deps.metrics.countUpload('', publicCodeOf(error), 1);
        throw error;
      }
    },
  });
}
