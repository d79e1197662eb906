import { accessEntry } from '../../access/entries.ts';
import type { Asset } from '../../catalog/catalog.ts';
import { isEndUnknown } from '../../catalog/transaction.ts';
import type { DirectUpload, HeldUpload } from '../../catalog/uploads-in-progress.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import { newTimeOrderedUuid } from '../../core/ids.ts';
import { removeIncoming } from '../../storage/incoming.ts';
import { brokenRule } from '../../validation/refusal.ts';
import type { StoredFile } from '../store-file.ts';
import { recordRefusal, uploadFacts } from './attempts.ts';
import {
  atStoreOf,
  beingCompleted,
  claim,
  completionSeconds,
  reachUpload,
  release,
  requireWaiting,
} from './claims.ts';
import type { CompletedUpload, DirectRequest, DirectUploadOptions } from './direct-uploads.ts';
import { promote, removeCopy } from './promote.ts';

/** Judges, promotes and records what arrived; a repeated call answers what the first one did. */
export async function completeUpload(
  options: DirectUploadOptions,
  uploadId: string,
  request: DirectRequest,
  stopSignal: AbortSignal,
): Promise<CompletedUpload> {
  const upload = await reachUpload(options, uploadId, request);
  if (upload.state === 'done') return replay(options, upload);
  // One that its holder has outlived may be taken over: the claim decides.
  if (upload.state !== 'completing') requireWaiting(upload, options.clock.now());
  const at = await atStoreOf(options, upload);
  const held = await claim(options, upload);
  if (held !== null) return completeHeld(at, { upload, held, request }, stopSignal);
  const meanwhile = await reachUpload(options, uploadId, request);
  if (meanwhile.state === 'done') return replay(options, meanwhile);
  requireWaiting(meanwhile, options.clock.now());
  throw beingCompleted();
}

/** What one completion works on. */
interface Completion {
  readonly upload: DirectUpload;
  readonly held: HeldUpload;
  readonly request: DirectRequest;
}

async function completeHeld(
  options: DirectUploadOptions,
  completion: Completion,
  stopSignal: AbortSignal,
): Promise<CompletedUpload> {
  const { upload, held, request } = completion;
  const { clock, log } = options;
  const startMs = clock.now();
  const deadline = AbortSignal.timeout(completionSeconds(upload.sizeBytes) * 1000);
  const signal = AbortSignal.any([stopSignal, deadline]);
  try {
    const file = await promote(options, upload, signal).catch((error: unknown) => {
      throw isStowageError(error, 'aborted') ? interrupted(error) : error;
    });
    const completed = await record(options, completion, file);
    await removeArrived(options, upload);
    log.info(
      {
        request_id: request.origin.requestId,
        upload_id: upload.uploadId,
        asset_id: completed.asset.assetId,
        size_bytes: upload.sizeBytes,
        duration_ms: clock.now() - startMs,
      },
      'Direct upload completed.',
    );
    return completed;
  } catch (error) {
    if (brokenRule(error) === undefined) await release(options, held);
    else await refuse(options, completion, error);
    throw error;
  }
}

/** The rows: asset, log entry and the end of the upload, in one transaction. */
async function record(
  options: DirectUploadOptions,
  { upload, held, request }: Completion,
  file: StoredFile,
): Promise<CompletedUpload> {
  const { catalog, bucket, log, uploadLimit: limit } = options;
  const asset = assetOf(options, upload, file);
  const { state: _, ...row } = asset;
  const within = request.within?.(asset);
  try {
    const result = await catalog.commitUpload(
      {
        owner: { tenantId: upload.tenantId, userId: upload.userId },
        assets: [row],
        entries: [accessEntry(uploadFacts(options, request), asset)],
        limit,
        reservation: held,
        idempotency: null,
      },
      within,
    );
    return { asset, allowance: result.allowance, replayed: false };
  } catch (error) {
    // A clear no of the catalog, or of who shares its transaction. After any other failure the rows may be there all the
    // same: the bytes stay.
    const isRefused = within === undefined ? isStowageError(error, 'conflict') : !isEndUnknown(error);
    if (isRefused) await removeCopy(bucket, file.key, log);
    else log.warn({ key: file.key }, 'It is not known whether an upload was recorded: its bytes stay.');
    throw error;
  }
}

function assetOf(
  { bucket, clock }: DirectUploadOptions,
  upload: DirectUpload,
  { key, verdict, contentHash }: StoredFile,
): Asset {
  const nowMs = clock.now();
  return {
    assetId: newTimeOrderedUuid(nowMs),
    tenantId: upload.tenantId,
    userId: upload.userId,
    assetType: upload.assetType,
    key,
    backend: bucket.name,
    filename: verdict.filename,
    sizeBytes: verdict.sizeBytes,
    mediaType: verdict.mediaType,
    contentHash,
    metadata: upload.metadata,
    createdAtMs: nowMs,
    state: 'stored',
  };
}

/** Ends what the gate refused: no second try, no bytes, no count against the limit. Never rejects. */
async function refuse(
  options: DirectUploadOptions,
  { upload, held, request }: Completion,
  error: unknown,
): Promise<void> {
  const reason = isStowageError(error) ? error.code : null;
  await options.catalog.endUpload(held, 'refused', reason).catch((failure: unknown) => {
    options.log.error({ upload_id: upload.uploadId, err: failure }, 'A refused upload is still open.');
  });
  await Promise.all([removeArrived(options, upload), recordRefusal(options, request, upload, error)]);
}

/** How long the removal of what had arrived may take, in milliseconds. */
const REMOVE_MS_MAX = 10_000;

/** Never rejects: what stays behind is the sweeper's. */
async function removeArrived({ bucket, log }: DirectUploadOptions, upload: DirectUpload): Promise<void> {
  await removeIncoming(bucket, upload, AbortSignal.timeout(REMOVE_MS_MAX)).catch((error: unknown) => {
    log.warn(
      { upload_id: upload.uploadId, err: error },
      'What had arrived was not removed; the sweeper will.',
    );
  });
}

async function replay(
  { catalog, clock, uploadLimit }: DirectUploadOptions,
  upload: DirectUpload,
): Promise<CompletedUpload> {
  const [asset, allowance] = await Promise.all([
    catalog.findAsset(upload.tenantId, upload.assetId ?? ''),
    catalog.uploadAllowance(upload, uploadLimit, clock.now()),
  ]);
  if (asset === undefined) {
    throw new StowageError('expired', 'The asset that the upload became has been removed since.');
  }
  return { asset, allowance, replayed: true };
}

/** Not the client's doing: we stopped, or the store was too slow. */
function interrupted(cause: unknown): StowageError {
  return new StowageError('storage_unavailable', 'The upload could not be completed in time.', { cause });
}
