import { ERROR_TRAITS, type ErrorTraits, isStowageError } from '../core/errors.ts';
import { brokenRule } from '../validation/refusal.ts';
import type { UploadBatch } from './batch.ts';
import type { IntakeOptions, UploadRequest } from './upload.ts';

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly result: 'stored' | 'replayed'; readonly startMs: number }
  | { readonly result: 'failed'; readonly error: unknown; readonly startMs: number };

/** What a client says before it sends: the bytes of a whole form, or of a file by another door. */
interface AnnouncedSize {
  readonly contentLength?: number | null;
  readonly claim?: { readonly sizeBytes: number | null };
}

/** Writes the one structured line that every attempt to upload leaves: who, what, how large, with what result. */
export function logAttempt(
  { log, clock }: IntakeOptions,
  request: UploadRequest & AnnouncedSize,
  batch: UploadBatch,
  end: AttemptEnd,
): void {
  const facts = {
    request_id: request.origin.requestId,
    tenant_id: request.principal.tenantId,
    user_id: request.principal.userId,
    asset_type: batch.assetType?.name ?? null,
    // Of a refusal all that is known of its size: the rest was not read.
    announced_bytes: request.contentLength ?? request.claim?.sizeBytes ?? null,
    files: batch.files.map(({ verdict }) => ({ filename: verdict.filename, size_bytes: verdict.sizeBytes })),
    duration_ms: clock.now() - end.startMs,
  };
  if (end.result !== 'failed') {
    log.info(
      { ...facts, result: end.result },
      end.result === 'stored' ? 'Upload stored.' : 'Upload answered again.',
    );
    return;
  }
  const { error } = end;
  const { httpStatus }: ErrorTraits = isStowageError(error) ? error.traits : ERROR_TRAITS.internal_error;
  if (isStowageError(error) && httpStatus < 500) {
    const result = error.code === 'aborted' ? 'aborted' : 'refused';
    const rule = brokenRule(error);
    const { filename } = error.fields;
    log.info(
      {
        ...facts,
        result,
        code: error.code,
        ...(rule && { rule }),
        ...(filename !== undefined && { filename }),
      },
      `Upload ${result}.`,
    );
    return;
  }
  log.error({ ...facts, result: 'failed', err: error }, 'Upload failed.');
}
