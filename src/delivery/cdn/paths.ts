import { isObjectKey, type ObjectKey } from '../../core/key.ts';

/** Where a CDN fetches what it does not have: from the bucket itself, or from this service. */
export type CdnOrigin = 'store' | 'service';

/** Prefix of private assets where this service is the origin. */
export const PRIVATE_PREFIX = '/cdn/';
/** Prefix of public assets where this service is the origin. */
export const PUBLIC_PREFIX = '/public/';

/** The path of a private asset below the CDN's URL. */
export function privatePath(origin: CdnOrigin, key: string): string {
  return (origin === 'store' ? '/' : PRIVATE_PREFIX) + encodePath(key);
}

/** The path of an asset of a public type below the CDN's URL. */
export function publicPath(origin: CdnOrigin, key: string): string {
  return (origin === 'store' ? '/' : PUBLIC_PREFIX) + encodePath(key);
}

/** Every path that the content of a key may be cached under, below the CDN's URL. */
export function cachedPaths(origin: CdnOrigin, key: string): readonly string[] {
  return [...new Set([privatePath(origin, key), publicPath(origin, key)])];
}

/**
 * A key as a path. More is encoded than `encodeURIComponent` does: `*` is a wildcard in a policy and an invalidation,
 * and S3 signs `!'()` encoded.
 */
export function encodePath(key: string): string {
  return key.split('/').map(encodeSegment).join('/');
}

/** Text as part of a path or a query, nothing left that any of the parties would read as more than a letter. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The key that a request names below a prefix. One key has one path, that of {@link encodePath}: what was spelled otherwise
 * (`%61` for `a`) would be kept by a cache under a path that no purge names.
 *
 * @param target path and query of the request, as it came.
 */
export function keyBelow(prefix: string, target: string): ObjectKey | undefined {
  const path = target.split('?')[0] ?? '';
  if (!path.startsWith(prefix)) return undefined;
  try {
    const spelled = path.slice(prefix.length);
    const key = decodeURIComponent(spelled);
    return isObjectKey(key) && encodePath(key) === spelled ? key : undefined;
  } catch {
    return undefined;
  }
}
