import type { ObjectKey } from '../../core/key.ts';

/** Query parameters by name; an absent one is undefined. */
export type Fields = Readonly<Record<string, string | undefined>>;

/** Path and query of a signed URL, taken apart but not yet believed. */
export interface SignedTarget {
  readonly key: string;
  readonly fields: Fields;
  readonly signature: string;
}

/** Where the objects of the local store are served. */
export const FILES_PATH = '/files/';

/** Longest path and query that is looked at, in characters: a key, a disposition and metadata fit many times over. */
const TARGET_LENGTH_MAX = 32 * 1024;

/** Path and query of a signed URL: each segment of the key and each value percent-encoded. */
export function signedTarget(key: ObjectKey, fields: Fields, signature: string): string {
  let target = FILES_PATH + key.split('/').map(encodeURIComponent).join('/');
  let separator = '?';
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined) continue;
    target += `${separator}${name}=${encodeURIComponent(value)}`;
    separator = '&';
  }
  return `${target}&signature=${signature}`;
}

/**
 * Takes path and query apart. A parameter that is unknown or comes twice is refused: nothing unsigned may ride along.
 *
 * @param names the parameters that are known beside `signature`; the first is required.
 * @param basePath path of the public URL, without a slash at its end; a proxy may have taken it off already.
 * @returns undefined when it is no signed URL of this store with these parameters.
 */
export function parseSignedTarget(
  target: string,
  names: readonly string[],
  basePath: string,
): SignedTarget | undefined {
  const question = target.indexOf('?');
  const start = [`${basePath}${FILES_PATH}`, FILES_PATH].find((path) => target.startsWith(path));
  if (target.length > TARGET_LENGTH_MAX || question < 0 || start === undefined) return undefined;
  const key = decodeKey(target.slice(start.length, question));
  if (key === undefined) return undefined;
  const fields: Record<string, string | undefined> = {};
  let signature: string | undefined;
  for (const pair of target.slice(question + 1).split('&')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(equals, 0));
    const value = decode(pair.slice(equals + 1));
    if (value === undefined) return undefined;
    if (name === 'signature' && signature === undefined) signature = value;
    else if (names.includes(name) && fields[name] === undefined) fields[name] = value;
    else return undefined;
  }
  if (signature === undefined || fields[names[0] ?? ''] === undefined) return undefined;
  return { key, fields, signature };
}

function decodeKey(path: string): string | undefined {
  const segments: string[] = [];
  for (const encoded of path.split('/')) {
    const segment = decode(encoded);
    // A decoded slash would make two paths of one key, which caches and proxies would not take for the same.
    if (segment === undefined || segment.includes('/')) return undefined;
    segments.push(segment);
  }
  return segments.join('/');
}

/** @returns undefined when it is not percent-encoded text. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
