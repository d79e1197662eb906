import { StowageError } from './errors.ts';

declare const objectKeyBrand: unique symbol;

/** The name of an object in a store, checked by {@link parseObjectKey}. */
export type ObjectKey = string & { readonly [objectKeyBrand]: true };

/** Longest key in bytes of UTF-8; the S3 and GCS limit (Azure allows 1,024 characters). */
export const OBJECT_KEY_BYTES_MAX = 1024;

/** Longest key segment in bytes: what common file systems and browsers' save dialogs take. */
export const OBJECT_KEY_SEGMENT_BYTES_MAX = 512;

/**
 * Checks a key; a bad one is refused, never repaired.
 *
 * A key is 1 to 1,024 bytes of UTF-8 in Unicode NFC, made of segments joined by `/`. No segment is empty, `.` or
 * `..`, ends in a dot or a space, or is longer than 512 bytes. No control characters, no backslash, no lone
 * surrogate, no private bidirectional controls, and no percent-encoded slash, backslash, dot or NUL, which some
 * gateway would decode.
 *
 * @throws StowageError `invalid_key`.
 */
export function parseObjectKey(text: string): ObjectKey {
  const problem = keyProblem(text);
  if (problem !== undefined) throw new StowageError('invalid_key', `The object key ${problem}.`);
  return text as ObjectKey;
}

/** Whether {@link parseObjectKey} would accept the text. */
export function isObjectKey(text: string): text is ObjectKey {
  return keyProblem(text) === undefined;
}

/** What listings are narrowed by: `''` (everything) or a key prefix ending in `/`. */
export type KeyPrefix = string;

/**
 * Checks a listing prefix: empty, or a valid key followed by `/`, so that `images` never matches `images2`.
 *
 * @throws StowageError `invalid_key`.
 */
export function parseKeyPrefix(text: string): KeyPrefix {
  if (text === '') return text;
  if (!text.endsWith('/')) throw new StowageError('invalid_key', 'A key prefix must be empty or end in "/".');
  parseObjectKey(text.slice(0, -1));
  return text;
}

const FORBIDDEN_CHARACTERS = /[\p{Cc}\\\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/u;
const ENCODED_TRAVERSAL = /%(?:2e|2f|5c|00)/i;

/** Keys as templates make them, in which nothing can be wrong: most of all that are checked, several times per request. */
const PLAIN_SEGMENT = '[A-Za-z0-9._~-]*[A-Za-z0-9_~-]';
const PLAIN_KEY = new RegExp(`^${PLAIN_SEGMENT}(?:/${PLAIN_SEGMENT})*$`);

function keyProblem(text: string): string | undefined {
  if (text.length <= OBJECT_KEY_SEGMENT_BYTES_MAX && PLAIN_KEY.test(text)) return undefined;
  if (text === '') return 'is empty';
  if (!text.isWellFormed()) return 'is not well-formed Unicode';
  if (Buffer.byteLength(text) > OBJECT_KEY_BYTES_MAX) return `is longer than ${OBJECT_KEY_BYTES_MAX} bytes`;
  if (FORBIDDEN_CHARACTERS.test(text)) return 'contains a control character or a backslash';
  if (ENCODED_TRAVERSAL.test(text)) return 'contains a percent-encoded separator';
  if (text !== text.normalize('NFC')) return 'is not in Unicode normal form C';
  for (const segment of text.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '.' || segment === '..') return 'has a dot segment';
    if (segment.endsWith('.') || segment.endsWith(' ')) return 'has a segment that ends in a dot or a space';
    if (Buffer.byteLength(segment) > OBJECT_KEY_SEGMENT_BYTES_MAX) return 'has a segment that is too long';
  }
  return undefined;
}
