/** The strong entity tag of content with this SHA-256 (lower-case hex). */
export function entityTag(contentHash: string): string {
  return `"${contentHash}"`;
}

/** RFC 9110 §8.8.3: an optional `W/`, then an opaque tag in quotes. */
const ENTITY_TAG = /(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

/**
 * Whether the client already has what it asks for: If-None-Match holds the tag, or is `*`. Compared weakly
 * (RFC 9110 §13.1.2).
 */
export function alreadyHas(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = etag.slice(1, -1);
  for (const match of ifNoneMatch.matchAll(ENTITY_TAG)) {
    if (match[1] === opaque) return true;
  }
  return false;
}

/**
 * Whether a Range header counts: there is no If-Range, or it holds the very tag. Compared strongly (RFC 9110 §13.1.5);
 * a date never matches, as we send none.
 */
export function rangeCounts(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}
