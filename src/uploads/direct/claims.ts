import type { DirectUpload, HeldUpload, UploadReservation } from '../../catalog/uploads-in-progress.ts';
import type { BackendName } from '../../core/backend-name.ts';
import { MIB } from '../../core/bytes.ts';
import { ERROR_TRAITS, type ErrorCode, StowageError } from '../../core/errors.ts';
import { newUuid } from '../../core/ids.ts';
import { recordRefusal } from './attempts.ts';
import type { DirectRequest, DirectUploadOptions } from './direct-uploads.ts';

/** Time to complete even the smallest upload, in seconds. */
const CLAIM_SECONDS = 120;
/** The slowest store that a completion waits for, in bytes per second: each byte is read once and copied. */
const BYTES_PER_SECOND_MIN = 4 * MIB;
/** How much longer the claim holds than the work may take, in seconds. */
const CLAIM_MARGIN_SECONDS = 30;

/** How long the completion of an upload may take, in seconds. */
export function completionSeconds(sizeBytes: number): number {
  return CLAIM_SECONDS + Math.ceil(sizeBytes / BYTES_PER_SECOND_MIN);
}

/**
 * The upload that a path names, for its owner alone: not even an admin completes what another sends.
 *
 * @throws StowageError `not_found`, also for another tenant's; `forbidden` for another user's, which is logged.
 */
export async function reachUpload(
  options: DirectUploadOptions,
  uploadId: string,
  request: DirectRequest,
): Promise<DirectUpload> {
  const { principal } = request;
  const upload = await options.catalog.findUpload(principal.tenantId, uploadId);
  if (upload === undefined) throw noUpload();
  if (upload.userId === principal.userId) return upload;
  const error = new StowageError('forbidden', 'The upload belongs to another user.');
  await recordRefusal(options, request, { assetType: upload.assetType, uploadId }, error);
  throw error;
}

/** Whether bytes must be sealed on a backend before they are judged, see {@link DirectUploadOptions.sealFirst}. */
export function needsSeal(backend: BackendName): boolean {
  return backend === 's3';
}

/** The options for the store that an upload began on. @throws StowageError `storage_unavailable`. */
export async function atStoreOf(
  options: DirectUploadOptions,
  { backend }: Pick<DirectUpload, 'backend'>,
): Promise<DirectUploadOptions> {
  if (backend === options.bucket.name) return options;
  return { ...options, bucket: await options.stores.of(backend), sealFirst: needsSeal(backend) };
}

/**
 * Lets an upload pass that waits for its bytes.
 *
 * @throws StowageError `expired`, `conflict` while it is being completed or when it is done, `not_found` after it was
 *   abandoned; the refusal again when it was refused.
 */
export function requireWaiting(upload: DirectUpload, nowMs: number): void {
  switch (upload.state) {
    case 'done':
      throw new StowageError('conflict', 'The upload is complete: it is an asset now.');
    case 'refused':
      throw new StowageError(
        refusalCode(upload.reason),
        'The upload was refused, and its bytes are removed.',
      );
    case 'abandoned':
      throw noUpload();
    case 'expired':
      throw expired();
    default:
      if (upload.expiresAtMs <= nowMs) throw expired();
      if (upload.state === 'completing') throw beingCompleted();
  }
}

/** Another call has the upload: a client may ask again, which tells this conflict from the one that lacks bytes. */
export function beingCompleted(): StowageError {
  return new StowageError('conflict', 'The upload is being completed.', {
    fields: { retry_after_seconds: 1 },
  });
}

/**
 * Takes an upload, so that nobody else completes or ends it meanwhile. A claim that its holder has outlived is taken
 * over.
 *
 * @returns null when another was faster.
 */
export async function claim(
  { catalog, clock }: DirectUploadOptions,
  upload: Pick<DirectUpload, 'uploadId' | 'sizeBytes'>,
): Promise<HeldUpload | null> {
  const held = { uploadId: upload.uploadId, claim: newUuid() };
  const nowMs = clock.now();
  const untilMs = nowMs + (completionSeconds(upload.sizeBytes) + CLAIM_MARGIN_SECONDS) * 1000;
  const isOurs = await catalog.claimUpload(upload.uploadId, {
    claim: held.claim,
    nowMs,
    untilMs,
    expired: false,
  });
  return isOurs ? held : null;
}

/** Gives an upload back. Never rejects: a claim that could not be released runs out. */
export async function release({ catalog, log }: DirectUploadOptions, held: HeldUpload): Promise<void> {
  await catalog.releaseUpload(held).catch((error: unknown) => {
    log.warn(
      { upload_id: held.uploadId, err: error },
      'A direct upload was not released; its claim runs out.',
    );
  });
}

/** Gives a reservation back that nobody has heard of. Never rejects: what can't be given back expires. */
export async function giveUp(options: DirectUploadOptions, reserved: UploadReservation): Promise<void> {
  try {
    const held = await claim(options, reserved);
    if (held !== null) await options.catalog.endUpload(held, 'abandoned', null);
  } catch (error) {
    options.log.warn(
      { upload_id: reserved.uploadId, err: error },
      'A reservation was not given back; it expires.',
    );
  }
}

function refusalCode(reason: string | null): ErrorCode {
  return reason !== null && Object.hasOwn(ERROR_TRAITS, reason) ? (reason as ErrorCode) : 'conflict';
}

function noUpload(): StowageError {
  return new StowageError('not_found', 'There is no such upload.');
}

function expired(): StowageError {
  return new StowageError('expired', 'The upload has expired: begin another.');
}
