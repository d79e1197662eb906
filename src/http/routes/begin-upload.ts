import { isStowageError } from '../../core/errors.ts';
import { type BeginUploadJson, BeginUploadSchema, UploadInstructionsSchema } from '../../protocol/index.ts';
import { spentAllowance } from '../../uploads/allowance.ts';
import type { Deps } from '../deps.ts';
import { publicCodeOf } from '../problem.ts';
import { RATE_LIMIT_HEADERS, rateLimitHeaders } from '../rate-limit-headers.ts';
import { renderInstructions } from '../render.ts';
import { originOf } from '../request-context.ts';
import { type Call, type HeaderFacts, type Route, userRoute } from '../route.ts';

const LOCATION: HeaderFacts = {
  Location: { description: 'The path of the upload.', schema: { type: 'string' } },
};

/** `POST /api/uploads`: begins an upload straight to the store. */
export function beginUpload(deps: Deps): Route {
  return userRoute({
    method: 'POST',
    path: '/api/uploads',
    operation: 'beginUpload',
    summary: 'Begin an upload straight to the store',
    description:
      'Name, type and size are judged and the file counts against the limit before a URL exists. Send the bytes as the answer says, then complete the upload. An upload that is refused, abandoned or expires gives its place in the limit back.',
    body: BeginUploadSchema,
    success: {
      status: 201,
      description: 'How to send the bytes.',
      schema: UploadInstructionsSchema,
      headers: { 201: { ...LOCATION, ...RATE_LIMIT_HEADERS } },
    },
    errors: [
      ...(['invalid_file_type', 'file_type_mismatch', 'empty_file', 'filename_too_long'] as const),
      ...(['invalid_filename', 'missing_field', 'invalid_parameter', 'unknown_asset_type'] as const),
      ...(['file_too_large', 'conflict', 'rate_limited'] as const),
      ...(['storage_unavailable', 'database_unavailable'] as const),
    ],
    handle: async (call) => {
      const { instructions, allowance } = await begin(deps, call);
      call.reply
        .code(201)
        .headers({ ...rateLimitHeaders(allowance), location: `/api/uploads/${instructions.uploadId}` });
      return renderInstructions(instructions);
    },
  });
}

async function begin(deps: Deps, call: Call<unknown>) {
  // The body has passed the schema that its type is made from.
  const body = call.request.body as BeginUploadJson;
  try {
    return await deps.directUploads.begin({
      principal: call.principal,
      origin: originOf(call.request, deps.isTrustedProxy),
      filename: body.filename,
      sizeBytes: body.size_bytes,
      mediaType: body.mime_type ?? null,
      assetType: body.asset_type,
      sha256: body.sha256 ?? null,
      fields: keyFields(body),
      metadata: body.metadata ?? {},
    });
  } catch (error) {
    const allowance = spentAllowance(error);
    if (allowance !== undefined) call.reply.headers(rateLimitHeaders(allowance));
    if (isStowageError(error)) deps.metrics.countUpload('', publicCodeOf(error), 1);
    throw error;
  }
}

/** What may stand in a key: texts and whole numbers. */
function keyFields(body: object): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(body)) {
    if (name in BeginUploadSchema.properties) continue;
    if (typeof value === 'string' || Number.isSafeInteger(value)) fields.set(name, String(value));
  }
  return fields;
}
