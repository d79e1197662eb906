import type { DirectUpload } from '../../catalog/uploads-in-progress.ts';
import { MIB } from '../../core/bytes.ts';
import { StowageError } from '../../core/errors.ts';
import type { BackendCapabilities, MultipartUpload, SignedWrite } from '../../storage/backend.ts';
import { planParts } from '../../storage/part-plan.ts';

/** How a client sends the bytes of an upload. */
export type UploadInstructions = {
  readonly uploadId: string;
  /** Until when the bytes can be sent, milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Who refuses another size: the store at once, or we at completion. */
  readonly sizeEnforcedBy: 'store' | 'completion';
} & (
  | { readonly method: 'put'; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly method: 'post'; readonly url: string; readonly fields: Readonly<Record<string, string>> }
  | {
      readonly method: 'multipart';
      /** The first parts, at most {@link PARTS_SIGNED_MAX}. */
      readonly parts: readonly SignedPart[];
      readonly partCount: number;
      /** Size of every part but the last. */
      readonly partBytes: number;
    }
);

/** How a client sends one part: PUT, with these headers. */
export interface SignedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
  readonly sizeEnforcedBy: 'store' | 'completion';
}

/** A file up to this size goes up in one request, so that a cut costs at most this much. */
export const SINGLE_BYTES_MAX = 100 * MIB;
/** Most parts signed in one answer. */
export const PARTS_SIGNED_MAX = 100;
/** Life of the URLs, in seconds. Those of parts can be had again. */
export const URL_SECONDS = 60 * 60;
/** Time to send and complete a file in parts, in seconds. */
export const MULTIPART_SECONDS = 24 * 60 * 60;
const URL_SECONDS_MIN = 60;

/**
 * Decides how a file goes up.
 *
 * @returns the size of its parts in bytes; null for a single request.
 * @throws StowageError `file_too_large` when the store takes no direct upload of this size.
 */
export function partBytesFor(sizeBytes: number, capabilities: BackendCapabilities): number | null {
  const { signedWrite, singlePutBytesMax, multipart, signedParts } = capabilities;
  const isSingle = signedWrite !== 'none' && sizeBytes <= singlePutBytesMax;
  if (isSingle && sizeBytes <= SINGLE_BYTES_MAX) return null;
  if (multipart && signedParts) return planParts(sizeBytes, capabilities)[0] ?? sizeBytes;
  if (isSingle) return null;
  const fields = { limit_bytes: signedWrite === 'none' ? 0 : singlePutBytesMax };
  throw new StowageError('file_too_large', 'The store takes no direct upload of this size.', { fields });
}

/** How many parts an upload has. */
export function partCountOf({ sizeBytes, partBytes }: Pick<DirectUpload, 'sizeBytes' | 'partBytes'>): number {
  return partBytes === null ? 0 : Math.ceil(sizeBytes / partBytes);
}

/** The size of one part in bytes, the last being what is left. */
export function partSizeOf(
  upload: Pick<DirectUpload, 'sizeBytes' | 'partBytes'>,
  partNumber: number,
): number {
  const partBytes = upload.partBytes ?? upload.sizeBytes;
  return Math.min(partBytes, upload.sizeBytes - (partNumber - 1) * partBytes);
}

/** Signs parts. Their URLs end with the upload, or up to a minute after it. */
export async function signParts(
  parts: MultipartUpload,
  upload: Pick<DirectUpload, 'sizeBytes' | 'partBytes' | 'expiresAtMs'>,
  partNumbers: readonly number[],
  nowMs: number,
): Promise<readonly SignedPart[]> {
  const leftSeconds = Math.floor((upload.expiresAtMs - nowMs) / 1000);
  const lifetimeSeconds = Math.max(URL_SECONDS_MIN, Math.min(URL_SECONDS, leftSeconds));
  return Promise.all(
    partNumbers.map(async (partNumber) => {
      const sizeBytes = partSizeOf(upload, partNumber);
      const signed = await parts.signPart(partNumber, { nowMs, lifetimeSeconds, sizeBytes });
      return signedPart(partNumber, sizeBytes, signed);
    }),
  );
}

function signedPart(partNumber: number, sizeBytes: number, signed: SignedWrite): SignedPart {
  const { url, headers, expiresAtMs, sizeEnforcedBy } = signed;
  return { partNumber, sizeBytes, url, headers, expiresAtMs, sizeEnforcedBy };
}
