import { StowageError } from '../../core/errors.ts';
import { INCOMING_WRITE } from '../../storage/incoming.ts';
import { atStoreOf, reachUpload, requireWaiting } from './claims.ts';
import type { DirectRequest, DirectUploadOptions } from './direct-uploads.ts';
import { PARTS_SIGNED_MAX, partCountOf, type SignedPart, signParts } from './instructions.ts';

/** Fresh URLs for parts of an open upload. */
export async function signMoreParts(
  options: DirectUploadOptions,
  uploadId: string,
  partNumbers: readonly number[],
  request: DirectRequest,
): Promise<readonly SignedPart[]> {
  const upload = await reachUpload(options, uploadId, request);
  const nowMs = options.clock.now();
  requireWaiting(upload, nowMs);
  if (upload.storeUploadId === null) {
    throw new StowageError('conflict', 'The upload is sent in one request: it has no parts.');
  }
  const partCount = partCountOf(upload);
  const fits = partNumbers.every(
    (number) => Number.isSafeInteger(number) && number >= 1 && number <= partCount,
  );
  const isSet = new Set(partNumbers).size === partNumbers.length;
  if (!fits || !isSet || partNumbers.length === 0 || partNumbers.length > PARTS_SIGNED_MAX) {
    throw new StowageError(
      'invalid_parameter',
      `The field part_numbers must have 1 to ${PARTS_SIGNED_MAX} different numbers from 1 to ${partCount}.`,
      { fields: { parameter: 'part_numbers' } },
    );
  }
  const { bucket } = await atStoreOf(options, upload);
  const parts = bucket.resumeMultipart(upload.incomingKey, upload.storeUploadId, INCOMING_WRITE);
  return signParts(parts, upload, partNumbers, nowMs);
}
