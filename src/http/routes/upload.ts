import Type from 'typebox';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { UploadResultSchema } from '../../protocol/index.ts';
import { spentAllowance } from '../../uploads/allowance.ts';
import type { UploadReceipt } from '../../uploads/upload.ts';
import type { Deps } from '../deps.ts';
import { publicCodeOf } from '../problem.ts';
import { RATE_LIMIT_HEADERS, rateLimitHeaders } from '../rate-limit-headers.ts';
import { renderAsset } from '../render.ts';
import { clientGoneSignal, originOf, singleHeader } from '../request-context.ts';
import { type Call, type Route, userRoute } from '../route.ts';
import { UPLOAD_BODY, UPLOAD_REQUEST_HEADERS } from '../upload-body.ts';

/** `POST /api/upload`: stores the files of a form, all or none. */
export function upload(deps: Deps): Route {
  return userRoute({
    method: 'POST',
    path: '/api/upload',
    operation: 'upload',
    summary: 'Store 1 to 10 files',
    description:
      'All files of the form are judged, stored and recorded, or none is. Parts come in any order. The answer comes when bytes and records are durable. A refusal says which file and why, and may come before the whole form is sent.',
    query: Type.Object({
      asset_type: Type.Optional(
        Type.String({
          description:
            'The asset type, here or in the form. What its key needs, for example `project_id`, may come here as well.',
        }),
      ),
    }),
    headers: UPLOAD_REQUEST_HEADERS,
    body: 'stream',
    requestBody: UPLOAD_BODY,
    success: {
      status: 200,
      description: 'The stored files.',
      schema: UploadResultSchema,
      headers: { 200: RATE_LIMIT_HEADERS },
    },
    errors: [
      ...(['invalid_file_type', 'file_type_mismatch', 'suspicious_content', 'empty_file'] as const),
      ...(['filename_too_long', 'invalid_filename', 'too_many_files', 'missing_field'] as const),
      ...(['invalid_parameter', 'unknown_asset_type', 'digest_mismatch', 'conflict', 'expired'] as const),
      ...(['file_too_large', 'unsupported_media_type', 'rate_limited'] as const),
      ...(['storage_unavailable', 'database_unavailable'] as const),
    ],
    handle: async (call) => {
      const receipt = await receive(deps, call);
      call.reply.headers(rateLimitHeaders(receipt.allowance));
      if (!receipt.replayed) countStored(deps, receipt);
      return {
        uploads: await Promise.all(
          receipt.assets.map(async (asset) =>
            // Not logged as an issued URL: its reader has just sent the bytes, and that is in the log.
            renderAsset(asset, await deps.urls.forRecord(asset, call.principal)),
          ),
        ),
      };
    },
  });
}

async function receive(deps: Deps, call: Call<unknown>): Promise<UploadReceipt> {
  const { request, reply, principal } = call;
  const { headers } = request;
  try {
    requirePlainBody(headers['content-encoding']);
    return await deps.intake.receiveForm({
      principal,
      origin: originOf(request, deps.isTrustedProxy),
      idempotencyKey: singleHeader(headers['idempotency-key']) ?? null,
      signal: clientGoneSignal(reply),
      body: request.raw,
      contentType: headers['content-type'] ?? null,
      contentLength: headers['content-length'] === undefined ? null : Number(headers['content-length']),
      query: queryOf(request.query),
      reprDigest: singleHeader(headers['repr-digest']) ?? null,
    });
  } catch (error) {
    const allowance = spentAllowance(error);
    if (allowance !== undefined) reply.headers(rateLimitHeaders(allowance));
    if (isStowageError(error)) deps.metrics.countUpload('', publicCodeOf(error), 1);
    throw error;
  }
}

/** Nothing unpacks a body here: its parts would be judged as what they are not. */
function requirePlainBody(contentEncoding: string | undefined): void {
  if (contentEncoding === undefined || contentEncoding.trim().toLowerCase() === 'identity') return;
  throw new StowageError(
    'unsupported_media_type',
    'The body has a Content-Encoding: send the form as it is, not compressed.',
  );
}

/** Parameters of the query; of one that came several times, the last. */
function queryOf(query: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(query as Record<string, string | string[]>)) {
    const text = typeof value === 'string' ? value : value.at(-1);
    if (text !== undefined) fields.set(name, text);
  }
  return fields;
}

function countStored(deps: Deps, receipt: UploadReceipt): void {
  for (const asset of receipt.assets) {
    deps.metrics.countUpload(asset.assetType, 'stored', 1);
    deps.metrics.countBytes('in', asset.sizeBytes);
  }
}
