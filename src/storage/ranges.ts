import { StowageError } from '../core/errors.ts';
import type { ByteRange } from './backend.ts';

/**
 * What a reader gets of an object: the range with its end cut to the object's, or everything.
 *
 * @returns null for an empty object read whole.
 * @throws StowageError `range_not_satisfiable` when the range starts at or after the end.
 */
export function resolveRange(range: ByteRange | undefined, sizeBytes: number): ByteRange | null {
  if (range === undefined) return sizeBytes === 0 ? null : { first: 0, last: sizeBytes - 1 };
  if (range.first >= sizeBytes) {
    throw new StowageError('range_not_satisfiable', `The object has ${sizeBytes} bytes.`);
  }
  return { first: range.first, last: Math.min(range.last, sizeBytes - 1) };
}
