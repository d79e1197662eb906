import type { UploadAllowance } from '../../catalog/catalog.ts';
import type { UploadReservation } from '../../catalog/uploads-in-progress.ts';
import { StowageError } from '../../core/errors.ts';
import { newTimeOrderedUuid } from '../../core/ids.ts';
import { INCOMING_WRITE, incomingKey, removeIncoming } from '../../storage/incoming.ts';
import type { UploadClaim } from '../../validation/gate.ts';
import { parseDeclaredType } from '../../validation/media-type.ts';
import { judgeName } from '../../validation/names.ts';
import { refuse } from '../../validation/refusal.ts';
import { judgeClaimedSize } from '../../validation/size-rules.ts';
import { rateLimitedError } from '../allowance.ts';
import { assetTypeNamed } from '../form-fields.ts';
import { fieldValue, requiredFields } from '../key.ts';
import { checkMetadata } from '../metadata.ts';
import { recordRefusal } from './attempts.ts';
import { giveUp } from './claims.ts';
import type { BeginRequest, DirectUploadOptions } from './direct-uploads.ts';
import {
  MULTIPART_SECONDS,
  PARTS_SIGNED_MAX,
  partBytesFor,
  partCountOf,
  signParts,
  type UploadInstructions,
  URL_SECONDS,
} from './instructions.ts';

/** Judges what is announced, reserves it, and only then makes URLs. */
export async function beginUpload(
  options: DirectUploadOptions,
  request: BeginRequest,
): Promise<{ readonly instructions: UploadInstructions; readonly allowance: UploadAllowance }> {
  const { catalog, uploadLimit: limit, openMax, log } = options;
  let reserved: UploadReservation;
  let allowance: UploadAllowance;
  try {
    reserved = judgeAnnounced(options, request);
    const answer = await catalog.reserveUpload(reserved, { limit, openMax });
    if (answer.outcome === 'rate_limited') throw rateLimitedError(answer.allowance);
    if (answer.outcome === 'too_many_open') {
      throw new StowageError(
        'conflict',
        `${openMax} uploads are open: complete or abandon one of them first.`,
      );
    }
    allowance = answer.allowance;
  } catch (error) {
    await recordRefusal(options, request, { assetType: knownType(options, request) }, error);
    throw error;
  }
  const instructions = await makeInstructions(options, reserved);
  const facts = { request_id: request.origin.requestId, upload_id: reserved.uploadId };
  log.info({ ...facts, method: instructions.method, size_bytes: reserved.sizeBytes }, 'Direct upload begun.');
  return { instructions, allowance };
}

/** All that can be judged before the bytes, by the rules of the gate. */
function judgeAnnounced(options: DirectUploadOptions, request: BeginRequest): UploadReservation {
  const { principal, sizeBytes } = request;
  const assetType = assetTypeNamed(options.assetTypes, request.assetType);
  const sha256 = parseSha256(request.sha256);
  const claim: UploadClaim = { ...request, sha256 };
  const { filename } = judgeName(claim, assetType);
  judgeClaimedSize(claim, assetType);
  if (sizeBytes === 0) throw refuse('size.empty', 'empty_file', 'The file is empty.');
  const names = requiredFields(assetType.keyTemplate);
  const fields = Object.fromEntries(names.map((name) => [name, fieldValue(name, request.fields)]));
  const partBytes = partBytesFor(sizeBytes, options.bucket.capabilities);
  const nowMs = options.clock.now();
  const uploadId = newTimeOrderedUuid(nowMs);
  return {
    uploadId,
    tenantId: principal.tenantId,
    userId: principal.userId,
    assetType: assetType.name,
    filename,
    declaredType: request.mediaType,
    sizeBytes,
    sha256,
    fields,
    metadata: checkMetadata(request.metadata),
    incomingKey: incomingKey(uploadId),
    backend: options.bucket.name,
    partBytes,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + (partBytes === null ? URL_SECONDS : MULTIPART_SECONDS) * 1000,
  };
}

function parseSha256(text: string | null): Buffer | null {
  if (text === null) return null;
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw new StowageError('invalid_parameter', 'The field sha256 must be a SHA-256 in hex.', {
    fields: { parameter: 'sha256' },
  });
}

/** A reservation whose instructions can't be made is given up: nobody could use it. */
async function makeInstructions(
  options: DirectUploadOptions,
  reserved: UploadReservation,
): Promise<UploadInstructions> {
  try {
    return reserved.partBytes === null
      ? await singleRequest(options, reserved)
      : await inParts(options, { ...reserved, partBytes: reserved.partBytes });
  } catch (error) {
    await giveUp(options, reserved);
    throw error;
  }
}

async function singleRequest(
  { bucket }: DirectUploadOptions,
  reserved: UploadReservation,
): Promise<UploadInstructions> {
  const { uploadId, sizeBytes, sha256 } = reserved;
  const signed = await bucket.signWrite(reserved.incomingKey, {
    ...INCOMING_WRITE,
    // What a browser sends for the file by itself.
    contentType: parseDeclaredType(reserved.declaredType) ?? INCOMING_WRITE.contentType,
    nowMs: reserved.createdAtMs,
    lifetimeSeconds: URL_SECONDS,
    sizeBytes,
    sha256,
  });
  const { url, headers, fields, expiresAtMs, sizeEnforcedBy } = signed;
  const common = { uploadId, expiresAtMs, sizeEnforcedBy };
  return signed.method === 'POST'
    ? { ...common, method: 'post', url, fields }
    : { ...common, method: 'put', url, headers };
}

async function inParts(
  { bucket, catalog, log }: DirectUploadOptions,
  reserved: UploadReservation & { readonly partBytes: number },
): Promise<UploadInstructions> {
  const { uploadId, partBytes, expiresAtMs } = reserved;
  const parts = await bucket.beginMultipart(reserved.incomingKey, INCOMING_WRITE);
  try {
    await catalog.noteStoreUpload(uploadId, parts.uploadId);
  } catch (error) {
    const upload = { ...reserved, storeUploadId: parts.uploadId };
    await removeIncoming(bucket, upload, AbortSignal.timeout(10_000)).catch((failure: unknown) => {
      log.warn({ upload_id: uploadId, err: failure }, 'Parts that nobody knows of were not removed.');
    });
    throw error;
  }
  const partCount = partCountOf(reserved);
  const numbers = Array.from({ length: Math.min(partCount, PARTS_SIGNED_MAX) }, (_, index) => index + 1);
  const signed = await signParts(parts, reserved, numbers, reserved.createdAtMs);
  const sizeEnforcedBy = signed.every((part) => part.sizeEnforcedBy === 'store') ? 'store' : 'completion';
  return { uploadId, expiresAtMs, sizeEnforcedBy, method: 'multipart', parts: signed, partCount, partBytes };
}

function knownType(options: DirectUploadOptions, request: BeginRequest): string | null {
  return options.assetTypes.has(request.assetType) ? request.assetType : null;
}
