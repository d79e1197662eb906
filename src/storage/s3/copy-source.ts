import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { encodeKey } from './sign.ts';

/**
 * The headers that name the source of a copy, and which version of it: whoever may write the source could otherwise
 * change it between our look at it and the copy.
 *
 * @param version the ETag without its quotes; `''` where the store told none.
 */
export function copySourceHeaders(
  bucket: string,
  source: ObjectKey,
  version: string,
): Record<string, string> {
  const headers = { 'x-amz-copy-source': `/${bucket}/${encodeKey(source)}` };
  return version === '' ? headers : { ...headers, 'x-amz-copy-source-if-match': `"${version}"` };
}

/** A condition that did not hold is here one about the source, not about a taken key. */
export function throwAsReplaced(error: unknown): never {
  if (!isStowageError(error, 'object_exists')) throw error;
  throw new StowageError('conflict', 'The object was replaced while it was copied.', { cause: error });
}
