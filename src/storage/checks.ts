import { StowageError } from '../core/errors.ts';
import type { ByteRange, ObjectMetadata, ReadGrant, WriteOptions } from './backend.ts';

/** Most bytes of all metadata keys and values together. */
export const METADATA_BYTES_MAX = 2048;

/** Longest header value that is stored or signed, in characters: a name of 255, each of 4 bytes and percent-encoded, fits. */
const HEADER_LENGTH_MAX = 4096;

/** Longest identifier in a grant, in characters. */
const GRANT_LENGTH_MAX = 512;

/** Shortest life of a signed URL, in seconds. */
export const LIFETIME_SECONDS_MIN = 60;

// RFC 9110 §8.3.1: type "/" subtype, then parameters of token "=" ( token / quoted-string ).
const CONTENT_TYPE =
  /^[\w!#$%&'*+.^`|~-]{1,127}\/[\w!#$%&'*+.^`|~-]{1,127}(?:; ?[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))*$/;
const METADATA_KEY = /^[a-z0-9_]{1,64}$/;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** The write options with everything checked; late metadata is checked when it comes. */
export function checkedWrite(options: WriteOptions): WriteOptions {
  requireContentType(options.contentType);
  requireHeader('cacheControl', options.cacheControl);
  const { signal, contentType, cacheControl, metadata } = options;
  const checked = { contentType, cacheControl, ...(signal === undefined ? {} : { signal }) };
  if (typeof metadata !== 'function') return { ...checked, metadata: requireMetadata(metadata) };
  return { ...checked, metadata: () => requireMetadata(metadata()) };
}

export function requireContentType(contentType: string): void {
  if (contentType.length <= HEADER_LENGTH_MAX && CONTENT_TYPE.test(contentType)) return;
  throw invalid('contentType', 'is not a media type');
}

/** A value that becomes a header line: nothing in it may end the line. */
export function requireHeader(name: string, value: string): void {
  if (value.length <= HEADER_LENGTH_MAX && PRINTABLE_ASCII.test(value)) return;
  throw invalid(name, 'is too long or not printable ASCII');
}

export function requireMetadata(metadata: ObjectMetadata): ObjectMetadata {
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata)) {
    if (!METADATA_KEY.test(key))
      throw invalid('metadata', 'has a key other than a-z, 0-9 and _, 1 to 64 of them');
    if (!PRINTABLE_ASCII.test(value)) throw invalid('metadata', 'has a value that is not printable ASCII');
    // Stores drop spaces at the ends of a header value: what would not come back is refused.
    if (value !== value.trim()) throw invalid('metadata', 'has a value that starts or ends with a space');
    bytes += key.length + value.length;
  }
  if (bytes > METADATA_BYTES_MAX) throw invalid('metadata', `is larger than ${METADATA_BYTES_MAX} bytes`);
  return metadata;
}

export function requireRange(range: ByteRange): void {
  requireWhole('range.first', range.first, { min: 0, max: Number.MAX_SAFE_INTEGER });
  requireWhole('range.last', range.last, { min: range.first, max: Number.MAX_SAFE_INTEGER });
}

export function requireBodySize(sizeBytes: number, sizeBytesMax: number): void {
  requireWhole('sizeBytes', sizeBytes, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (sizeBytes <= sizeBytesMax) return;
  throw new StowageError('file_too_large', `The store takes at most ${sizeBytesMax} bytes at once.`, {
    fields: { limit_bytes: sizeBytesMax },
  });
}

export function requireLifetime(
  asked: { readonly nowMs: number; readonly lifetimeSeconds: number },
  secondsMax: number,
): void {
  requireWhole('lifetimeSeconds', asked.lifetimeSeconds, { min: LIFETIME_SECONDS_MIN, max: secondsMax });
  if (!Number.isFinite(asked.nowMs) || asked.nowMs < 0) throw invalid('nowMs', 'is no time');
}

export function requireGrant(grant: ReadGrant): void {
  for (const [name, value] of Object.entries(grant)) {
    if (typeof value === 'string' && value.length <= GRANT_LENGTH_MAX && value.isWellFormed()) continue;
    throw invalid(name, 'is too long or not well-formed');
  }
}

export function requireWhole(
  name: string,
  value: number,
  bounds: { readonly min: number; readonly max: number },
): void {
  if (Number.isSafeInteger(value) && value >= bounds.min && value <= bounds.max) return;
  throw invalid(name, `is not a whole number from ${bounds.min} to ${bounds.max}`);
}

function invalid(parameter: string, problem: string): StowageError {
  return new StowageError('invalid_parameter', `${parameter} ${problem}.`, { fields: { parameter } });
}
