import { type EntryFacts, refusalEntry } from '../../access/entries.ts';
import { isStowageError } from '../../core/errors.ts';
import { brokenRule } from '../../validation/refusal.ts';
import type { DirectRequest, DirectUploadOptions } from './direct-uploads.ts';

/** The facts of a log entry about what a caller does with an upload. */
export function uploadFacts({ bucket, clock }: DirectUploadOptions, request: DirectRequest): EntryFacts {
  return {
    action: 'upload',
    actor: request.principal,
    origin: request.origin,
    backend: bucket.name,
    nowMs: clock.now(),
  };
}

/**
 * Writes a refusal into the access log and the attempt into ours. Never rejects: the client is told the refusal, not
 * that its log entry failed.
 */
export async function recordRefusal(
  options: DirectUploadOptions,
  request: DirectRequest,
  upload: { readonly assetType: string | null; readonly uploadId?: string },
  error: unknown,
): Promise<void> {
  const { catalog, log } = options;
  const { tenantId, userId } = request.principal;
  const facts = {
    request_id: request.origin.requestId,
    tenant_id: tenantId,
    user_id: userId,
    asset_type: upload.assetType,
    ...(upload.uploadId !== undefined && { upload_id: upload.uploadId }),
  };
  if (!isStowageError(error) || error.code === 'aborted' || error.traits.httpStatus >= 500) {
    log.error({ ...facts, err: error }, 'Direct upload failed.');
    return;
  }
  const rule = brokenRule(error);
  log.info({ ...facts, code: error.code, ...(rule !== undefined && { rule }) }, 'Direct upload refused.');
  const asked = { assetId: null, assetType: null, key: null };
  const entry = refusalEntry(uploadFacts(options, request), asked, error.code);
  await catalog.recordAccess({ ...entry, assetType: upload.assetType }).catch((failure: unknown) => {
    log.error({ ...facts, err: failure }, 'A refusal is missing in the access log.');
  });
}
