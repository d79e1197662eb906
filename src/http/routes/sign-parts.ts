import { type PartNumbersJson, PartNumbersSchema, UploadPartsSchema } from '../../protocol/index.ts';
import { CONTENT_REFUSALS } from '../content-refusals.ts';
import type { Deps } from '../deps.ts';
import { UPLOAD_PARAMS } from '../parameters.ts';
import { renderPart } from '../render.ts';
import { originOf } from '../request-context.ts';
import { type Route, userRoute } from '../route.ts';

/** `POST /api/uploads/{id}/parts`: fresh URLs for parts. */
export function signParts(deps: Deps): Route {
  return userRoute({
    method: 'POST',
    path: '/api/uploads/:upload_id/parts',
    operation: 'signParts',
    summary: 'Get fresh URLs for parts of an upload',
    description:
      'For the parts after the first 100, and for those whose URL has expired. For the owner alone.',
    params: UPLOAD_PARAMS,
    body: PartNumbersSchema,
    success: { status: 200, description: 'How to send the parts.', schema: UploadPartsSchema },
    errors: [
      ...CONTENT_REFUSALS,
      ...(['forbidden', 'not_found', 'expired', 'conflict', 'invalid_parameter'] as const),
      ...(['database_unavailable', 'storage_unavailable'] as const),
    ],
    handle: async (call) => {
      const { part_numbers: partNumbers } = call.request.body as PartNumbersJson;
      const parts = await deps.directUploads.signParts(call.params.upload_id ?? '', partNumbers, {
        principal: call.principal,
        origin: originOf(call.request, deps.isTrustedProxy),
      });
      return { parts: parts.map(renderPart) };
    },
  });
}
