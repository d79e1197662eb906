import type { ByteRange } from '../storage/backend.ts';

/** What a Range header asks for: a part, everything, or something that the content does not have. */
export type RequestedRange = ByteRange | 'whole' | 'unsatisfiable';

/** RFC 9110 §14.1.2: `bytes=first-last`, `bytes=first-` or `bytes=-length`; one range only. */
const SINGLE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * Reads a Range header for content of a known size.
 *
 * Several ranges, other units and malformed headers are answered with everything: RFC 9110 §14.2 lets a server ignore
 * Range, and a many-part answer is an amplifier that no client of files needs.
 *
 * @param sizeBytes size of the whole content.
 */
export function parseRange(header: string | undefined, sizeBytes: number): RequestedRange {
  const match = header === undefined ? null : SINGLE_RANGE.exec(header);
  const [, firstText = '', lastText = ''] = match ?? [];
  if (firstText === '' && lastText === '') return 'whole';
  if (firstText === '') {
    const lengthBytes = Number(lastText);
    if (lengthBytes === 0 || sizeBytes === 0) return 'unsatisfiable';
    return { first: Math.max(0, sizeBytes - lengthBytes), last: sizeBytes - 1 };
  }
  const first = Number(firstText);
  const last = lastText === '' ? sizeBytes - 1 : Number(lastText);
  if (lastText !== '' && last < first) return 'whole';
  if (first >= sizeBytes) return 'unsatisfiable';
  return { first, last: Math.min(last, sizeBytes - 1) };
}
