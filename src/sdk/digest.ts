import { bytesOf } from './bytes-of.ts';

/**
 * SHA-256 of a small file, hex. Web Crypto takes no stream, so a file must be in memory for it: larger ones go without,
 * and so does every file on a page without TLS.
 *
 * @returns null when it is not computed.
 */
export async function digestOf(blob: Blob, digestBytesMax: number): Promise<string | null> {
  const { subtle } = crypto as { readonly subtle?: typeof crypto.subtle };
  if (subtle === undefined || blob.size > digestBytesMax) return null;
  const digest = await subtle.digest('SHA-256', await bytesOf(blob));
  return hex(new Uint8Array(digest));
}

/** A name that nobody guesses or has used, for idempotent requests and boundaries of forms. */
export function freshName(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
