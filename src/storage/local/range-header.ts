import type { ByteRange } from '../backend.ts';

/**
 * Reads a Range header (RFC 9110 §14.2). What is malformed, of another unit or asks for several ranges is ignored, as
 * the clause allows.
 *
 * @returns null for the whole object; bounds inside the object; `unsatisfiable` for the answer 416.
 */
export function parseRangeHeader(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | null | 'unsatisfiable' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null) return null;
  const [, firstText = '', lastText = ''] = match;
  if (firstText === '') {
    if (lastText === '') return null;
    const suffixBytes = Math.min(Number(lastText), sizeBytes);
    return suffixBytes === 0 ? 'unsatisfiable' : { first: sizeBytes - suffixBytes, last: sizeBytes - 1 };
  }
  const first = Number(firstText);
  const last = lastText === '' ? sizeBytes - 1 : Math.min(Number(lastText), sizeBytes - 1);
  if (lastText !== '' && Number(lastText) < first) return null;
  return first >= sizeBytes ? 'unsatisfiable' : { first, last };
}
