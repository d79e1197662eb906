/** Headers of an answer, by lower-case name. */
export type HeaderFields = Record<string, string | number>;

/**
 * Nothing that is delivered may act: no script, no form, no frame, an origin of its own. What remains lets a browser
 * show the one image, video or document that was asked for.
 */
export const DELIVERY_CSP =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

/** What every delivered file carries. */
export interface DeliveredContent {
  readonly mediaType: string;
  readonly disposition: string;
  readonly etag: string;
  readonly cacheControl: string;
  /** Who may embed it: pages of any origin that know a URL, or nobody but programs that hold a token. */
  readonly embeddable: boolean;
}

/** Headers of a delivered file, without those that depend on the range. */
export function deliveryHeaders(content: DeliveredContent): HeaderFields {
  return {
    'content-type': contentType(content.mediaType),
    'content-disposition': content.disposition,
    etag: content.etag,
    'accept-ranges': 'bytes',
    'cache-control': content.cacheControl,
    'content-security-policy': DELIVERY_CSP,
    'cross-origin-resource-policy': content.embeddable ? 'cross-origin' : 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex, nofollow',
  };
}

/** Text is judged to be UTF-8 by the gate; without saying so a browser would guess. */
function contentType(mediaType: string): string {
  return mediaType.startsWith('text/') && !mediaType.includes(';')
    ? `${mediaType}; charset=utf-8`
    : mediaType;
}

/**
 * Cache-Control of content behind a signed URL: for this client alone, and never longer than the URL lives.
 *
 * @param typeCacheControl what the asset type asks for: its `no-cache`, `no-store` and `max-age` are honoured.
 */
export function signedCacheControl(typeCacheControl: string, remainingMs: number): string {
  if (/\bno-store\b/i.test(typeCacheControl)) return 'private, no-store';
  if (/\bno-cache\b/i.test(typeCacheControl)) return 'private, no-cache';
  const remainingSeconds = Math.max(0, Math.floor(remainingMs / 1000));
  const wantedSeconds = Number(/\bmax-age=(\d{1,10})\b/i.exec(typeCacheControl)?.[1] ?? remainingSeconds);
  const immutable = /\bimmutable\b/i.test(typeCacheControl) ? ', immutable' : '';
  return `private, max-age=${Math.min(wantedSeconds, remainingSeconds)}${immutable}`;
}

/** Cache-Control of a download by token: kept by the client, asked about each time, so that each read is judged. */
export const DOWNLOAD_CACHE_CONTROL = 'private, no-cache';

/**
 * Cache-Control for an edge that lets only holders of a valid URL at what it keeps: the asset type's own, without the words
 * about who may keep it.
 */
export function edgeCacheControl(typeCacheControl: string): string {
  const kept = typeCacheControl
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(?:private|public)$/i.test(directive));
  return kept.length === 0 ? 'no-cache' : kept.join(', ');
}

/**
 * CDN-Cache-Control (RFC 9213) of content that a cache may give only to who brings the same URL again: never longer than
 * the URL lives, and not at all when it is for one address.
 */
export function cdnCacheControl(typeCacheControl: string, remainingMs: number, isCacheable: boolean): string {
  if (!isCacheable || /\bno-store\b/i.test(typeCacheControl)) return 'no-store';
  if (/\bno-cache\b/i.test(typeCacheControl)) return 'no-cache';
  return `max-age=${Math.max(0, Math.floor(remainingMs / 1000))}`;
}
