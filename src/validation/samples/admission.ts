import type { AssetType } from '../../core/asset-type.ts';
import { admit } from '../admit.ts';
import type { UploadClaim, Verdict } from '../gate.ts';
import type { Sample } from './sample.ts';

const OFFICE = 'application/vnd.openxmlformats-officedocument';

/** An asset type that accepts every format that the gate knows but HEIC, up to 64 MiB. */
export const EVERYTHING: AssetType = {
  name: 'everything',
  accepts: {
    'image/jpeg': ['jpg', 'jpeg'],
    'image/png': ['png'],
    'image/gif': ['gif'],
    'image/webp': ['webp'],
    'image/avif': ['avif'],
    'image/tiff': ['tif', 'tiff'],
    'video/mp4': ['mp4'],
    'application/pdf': ['pdf'],
    'application/zip': ['zip'],
    [`${OFFICE}.wordprocessingml.document`]: ['docx'],
    [`${OFFICE}.spreadsheetml.sheet`]: ['xlsx'],
    [`${OFFICE}.presentationml.presentation`]: ['pptx'],
    'text/plain': ['txt'],
    'text/markdown': ['md'],
    'application/xml': ['xml'],
  },
  fileBytesMax: 64 * 1024 * 1024,
  keyTemplate: '{uuid8}_{filename}',
  cacheControl: 'private',
  unusedDaysMax: null,
  filesPerRequestMax: 1,
  visibility: 'private',
};

/** What a client says about a sample. */
export function claimOf(sample: Sample, changes: Partial<UploadClaim> = {}): UploadClaim {
  return { filename: sample.filename, mediaType: sample.declared, sizeBytes: null, sha256: null, ...changes };
}

/**
 * Cuts bytes into chunks; `nextBytes` says how large each one is. A chunk's memory is spoiled when the next one is
 * asked for, as sources may do that use it again: whoever keeps a view of it is found out.
 */
export async function* inChunks(bytes: Buffer, nextBytes: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const chunk = Buffer.from(bytes.subarray(at, at + nextBytes()));
    at += chunk.length;
    yield chunk;
    chunk.fill(0x41);
  }
}

/** Bytes in chunks that stay as they are; counts those that were asked for, and how often the source was closed. */
export function watchedChunks(bytes: Buffer, chunkBytes: number) {
  const seen = { chunks: 0, closed: 0 };
  async function* source() {
    try {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        seen.chunks += 1;
        yield bytes.subarray(at, at + chunkBytes);
      }
    } finally {
      seen.closed += 1;
    }
  }
  return { seen, body: source() };
}

/** What came of a file: the verdict and the bytes that passed, or the error. */
export type Outcome = { readonly verdict: Verdict; readonly passed: Buffer } | { readonly error: unknown };

/** Sends a file through the gate. */
export async function sendThrough(
  body: AsyncIterable<Uint8Array>,
  claim: UploadClaim,
  assetType: AssetType = EVERYTHING,
): Promise<Outcome> {
  try {
    const admission = await admit(body, claim, assetType);
    const passed: Uint8Array[] = [];
    for await (const chunk of admission.body) passed.push(Buffer.from(chunk));
    return { verdict: admission.verdict(), passed: Buffer.concat(passed) };
  } catch (error) {
    return { error };
  }
}
