import type { AssetType } from '../core/asset-type.ts';
import { formatByteSize } from '../core/bytes.ts';
import type { StowageError } from '../core/errors.ts';
import type { UploadClaim } from './gate.ts';
import { refuse } from './refusal.ts';

/** Judges the announced size and digest, before any byte is read. */
export function judgeClaimedSize({ sizeBytes, sha256 }: UploadClaim, assetType: AssetType): void {
  if (sha256 !== null && sha256.byteLength !== 32) {
    throw refuse('digest.malformed', 'malformed_request', 'The announced SHA-256 does not have 32 bytes.');
  }
  if (sizeBytes === null) return;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw refuse('size.malformed', 'malformed_request', 'The announced size is no number of bytes.');
  }
  if (sizeBytes > assetType.fileBytesMax) throw tooLarge('size.announced_over_limit', assetType);
}

/** Judges the bytes counted so far, whatever was announced or left out. */
export function judgeCountedSize(seenBytes: number, { sizeBytes }: UploadClaim, assetType: AssetType): void {
  if (seenBytes > assetType.fileBytesMax) throw tooLarge('size.over_limit', assetType);
  if (sizeBytes === null || seenBytes <= sizeBytes) return;
  const message = `The file has more bytes than the ${sizeBytes} that were announced.`;
  throw refuse('size.more_than_announced', 'malformed_request', message);
}

/** Judges the whole size. */
export function judgeFinalSize(seenBytes: number, { sizeBytes }: UploadClaim): void {
  if (sizeBytes === null || seenBytes >= sizeBytes) return;
  const message = `The file has ${seenBytes} of the ${sizeBytes} bytes that were announced.`;
  throw refuse('size.fewer_than_announced', 'malformed_request', message);
}

function tooLarge(rule: string, { name, fileBytesMax }: AssetType): StowageError {
  const message = `The file is larger than ${formatByteSize(fileBytesMax)}, the limit for ${name}.`;
  return refuse(rule, 'file_too_large', message, { limit_bytes: fileBytesMax });
}
