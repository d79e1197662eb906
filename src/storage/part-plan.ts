import { MIB } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';
import type { BackendCapabilities } from './backend.ts';

/** Size of a part when neither the object nor the store asks for another, in bytes. */
export const PART_BYTES_DEFAULT = 16 * MIB;

/**
 * Plans the parts of a multi-part upload.
 *
 * @param sizeBytes exact size of the object, at least 1.
 * @returns sizes of the parts in bytes, in order: all equal but the last, which is not larger; their sum is
 *   `sizeBytes`.
 * @throws StowageError `capability_missing` without multi-part; `file_too_large` when the parts the store allows are
 *   not enough.
 */
export function planParts(
  sizeBytes: number,
  capabilities: Pick<BackendCapabilities, 'multipart' | 'partBytesMin' | 'partBytesMax' | 'partsMax'>,
): number[] {
  if (!capabilities.multipart) throw new StowageError('capability_missing', 'The store takes no parts.');
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1)
    throw new RangeError('sizeBytes must be at least 1.');
  const { partBytesMin, partBytesMax, partsMax } = capabilities;
  const usual = Math.min(Math.max(PART_BYTES_DEFAULT, partBytesMin), partBytesMax);
  const needed = Math.ceil(sizeBytes / partsMax);
  // Whole MiB where possible: sizes that people and stores recognise.
  const rounded = Math.min(Math.ceil(needed / MIB) * MIB, partBytesMax);
  const partBytes = Math.max(usual, rounded);
  if (partBytes * partsMax < sizeBytes) {
    throw new StowageError(
      'file_too_large',
      `The store holds at most ${partBytesMax * partsMax} bytes in parts.`,
      {
        fields: { limit_bytes: partBytesMax * partsMax },
      },
    );
  }
  const full = Math.floor(sizeBytes / partBytes);
  const rest = sizeBytes % partBytes;
  const sizes = Array.from({ length: full }, () => partBytes);
  return rest === 0 ? sizes : [...sizes, rest];
}
