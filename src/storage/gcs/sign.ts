import { hash } from 'node:crypto';
import { BoundedMap } from '../../core/bounded-map.ts';
import type { Identity } from './identity.ts';

/** A request about to be signed. The path is already encoded by {@link encodeKey}. */
export interface SignableRequest {
  readonly method: string;
  /** Host as the Host header says it, with the port when it is not the scheme's own. */
  readonly host: string;
  /** Encoded path, from the first slash. */
  readonly path: string;
  /** Query parameters, not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers to sign besides `host`, in lower case; values trimmed, without newlines. */
  readonly headers: Readonly<Record<string, string>>;
}

const ALGORITHM = 'GOOG4-RSA-SHA256';
/** Signatures kept. Within a window the same URL has the same text to sign, and RSA is slow: 0.6 ms and more. */
const SIGNATURES_MAX = 4096;

/**
 * Signs URLs by Google's V4 process with RSA keys.
 *
 * @see https://cloud.google.com/storage/docs/access-control/signing-urls-manually
 */
export class V4Signer {
  readonly #identity: Identity;
  readonly #signatures = new BoundedMap<string, Promise<Buffer>>(SIGNATURES_MAX);

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /**
   * Signs a request by its query, so that its URL alone is enough until it expires.
   *
   * @param period when it starts, milliseconds since the epoch, and how long it lives.
   * @returns the query string to append after `?`.
   */
  async presign(
    request: SignableRequest,
    period: { readonly startMs: number; readonly lifetimeSeconds: number },
  ): Promise<string> {
    const time = googTime(period.startMs);
    const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
    const headers = Object.entries({ ...request.headers, host: request.host }).sort(byName);
    const signedHeaders = headers.map(([name]) => name).join(';');
    const query = encodeQuery({
      ...request.query,
      'X-Goog-Algorithm': ALGORITHM,
      'X-Goog-Credential': `${await this.#identity.email()}/${scope}`,
      'X-Goog-Date': time,
      'X-Goog-Expires': String(period.lifetimeSeconds),
      'X-Goog-SignedHeaders': signedHeaders,
    });
    const canonicalHeaders = headers.map(([name, value]) => `${name}:${oneSpaced(value)}\n`).join('');
    const canonical = `${request.method}\n${request.path}\n${query}\n${canonicalHeaders}\n${signedHeaders}\nUNSIGNED-PAYLOAD`;
    const text = `${ALGORITHM}\n${time}\n${scope}\n${hash('sha256', canonical)}`;
    return `${query}&X-Goog-Signature=${(await this.#signature(text)).toString('hex')}`;
  }

  #signature(text: string): Promise<Buffer> {
    const known = this.#signatures.get(text);
    if (known !== undefined) return known;
    const signature = this.#identity.sign(text);
    this.#signatures.set(text, signature);
    signature.catch(() => this.#signatures.delete(text));
    return signature;
  }
}

/** A key as it stands in a path: everything but unreserved characters and slashes is percent-encoded. */
export function encodeKey(key: string): string {
  return encodePart(key).replaceAll('%2F', '/');
}

/** A text as it stands in one segment of a path or in a query (RFC 3986 §2.3). */
export function encodePart(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A query string, sorted by encoded name as the canonical request wants it. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]): [string, string] => [encodePart(name), encodePart(value)])
    .sort(byName)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}

// The canonical request folds runs of spaces in a header's value.
function oneSpaced(value: string): string {
  return value.trim().replaceAll(/ {2,}/g, ' ');
}

function googTime(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}
