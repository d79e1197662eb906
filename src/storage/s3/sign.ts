import { createHash, createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** A pair of keys, with a session token when it is temporary. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When temporary ones end, milliseconds since the epoch: URLs signed with them end then too. */
  readonly expiresAtMs?: number;
}

/** SHA-256 of an empty body, hex. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** Stands for a body that is not signed: presigned URLs. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** A request about to be signed. Paths and queries are already encoded by {@link encodeKey} and {@link encodeQuery}. */
export interface SignableRequest {
  readonly method: string;
  /** Host as the Host header says it, with the port when it is not the scheme's own. */
  readonly host: string;
  /** Encoded path, from the first slash. */
  readonly path: string;
  /** Query parameters, not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers to sign besides `host`, in lower case; values without newlines. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Signs requests by AWS Signature Version 4 for the service `s3`.
 *
 * The signing key depends on the day, the region and the secret only; it is derived once and kept, which makes
 * a signature two hashes instead of six. The official signer derives it each time. Times and the start of a query are kept
 * too: within a signing window they are the same for every URL.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export class SigV4Signer {
  readonly #region: string;
  #cached: { readonly day: string; readonly secret: string; readonly key: KeyObject } | undefined;
  #stamp: Stamp | undefined;
  #start: QueryStart | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  /**
   * Signs a request by headers.
   *
   * @param payloadHash SHA-256 of the body in hex, or UNSIGNED-PAYLOAD.
   * @returns all headers to send besides `host`: those given, plus date, payload hash, token and Authorization.
   */
  signHeaders(
    request: SignableRequest,
    payloadHash: string,
    credentials: S3Credentials,
    nowMs: number,
  ): Record<string, string> {
    const stamp = this.#stampOf(nowMs);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': payloadHash,
      'x-amz-date': stamp.time,
    };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const names = namesOf(headers);
    const signedHeaders = names.join(';');
    const canonicalHeaders = canonicalHeadersOf(names, request.host, headers);
    const canonical = `${request.method}\n${request.path}\n${encodeQuery(request.query)}\n${canonicalHeaders}\n${signedHeaders}\n${payloadHash}`;
    const signature = this.#signature(stamp, canonical, credentials);
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${stamp.scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
    return headers;
  }

  /**
   * Signs a request by its query, so that its URL alone is enough until it expires.
   *
   * @returns the query string to append after `?`.
   */
  presign(
    request: SignableRequest,
    credentials: S3Credentials,
    period: { readonly startMs: number; readonly lifetimeSeconds: number },
  ): string {
    const stamp = this.#stampOf(period.startMs);
    const names = namesOf(request.headers);
    const signedHeaders = names.join(';');
    // Upper case sorts before the lower-case parameters of S3, so the order of the canonical query is this one.
    const signing = this.#queryStart(stamp, credentials, period.lifetimeSeconds, signedHeaders);
    const own = encodeQuery(request.query);
    const query = own === '' ? signing : `${signing}&${own}`;
    const canonicalHeaders = canonicalHeadersOf(names, request.host, request.headers);
    const canonical = `${request.method}\n${request.path}\n${query}\n${canonicalHeaders}\n${signedHeaders}\n${UNSIGNED_PAYLOAD}`;
    return `${query}&X-Amz-Signature=${this.#signature(stamp, canonical, credentials)}`;
  }

  /**
   * Signs the policy of a form upload.
   *
   * @returns the form fields that carry the policy and its signature.
   */
  signPolicy(
    conditions: readonly unknown[],
    credentials: S3Credentials,
    startMs: number,
    expiresAtMs: number,
  ): Record<string, string> {
    const stamp = this.#stampOf(startMs);
    const fields: Record<string, string> = {
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': `${credentials.accessKeyId}/${stamp.scope}`,
      'x-amz-date': stamp.time,
    };
    if (credentials.sessionToken !== undefined) fields['x-amz-security-token'] = credentials.sessionToken;
    const own = Object.entries(fields).map(([name, value]) => ({ [name]: value }));
    const policy = JSON.stringify({
      expiration: new Date(expiresAtMs).toISOString(),
      conditions: [...conditions, ...own],
    });
    const encoded = Buffer.from(policy).toString('base64');
    const key = this.#key(stamp.day, credentials.secretAccessKey);
    return {
      ...fields,
      policy: encoded,
      'x-amz-signature': createHmac('sha256', key).update(encoded).digest('hex'),
    };
  }

  /** The texts of a second; all requests of one second have the same. */
  #stampOf(ms: number): Stamp {
    const second = Math.floor(ms / 1000);
    if (this.#stamp?.second === second) return this.#stamp;
    const time = amzTime(second * 1000);
    const day = time.slice(0, 8);
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    this.#stamp = { second, time, day, scope, toSign: `AWS4-HMAC-SHA256\n${time}\n${scope}\n` };
    return this.#stamp;
  }

  /** The parameters of a presigned URL that do not depend on its object. */
  #queryStart(
    stamp: Stamp,
    credentials: S3Credentials,
    lifetimeSeconds: number,
    signedHeaders: string,
  ): string {
    const kept = this.#start;
    if (
      kept?.stamp === stamp &&
      kept.credentials === credentials &&
      kept.lifetimeSeconds === lifetimeSeconds &&
      kept.signedHeaders === signedHeaders
    )
      return kept.text;
    const { accessKeyId, sessionToken } = credentials;
    const token = sessionToken === undefined ? '' : `&X-Amz-Security-Token=${encodeRfc3986(sessionToken)}`;
    const text = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeRfc3986(`${accessKeyId}/${stamp.scope}`)}&X-Amz-Date=${stamp.time}&X-Amz-Expires=${lifetimeSeconds}${token}&X-Amz-SignedHeaders=${encodeRfc3986(signedHeaders)}`;
    this.#start = { stamp, credentials, lifetimeSeconds, signedHeaders, text };
    return text;
  }

  #signature(stamp: Stamp, canonical: string, credentials: S3Credentials): string {
    return createHmac('sha256', this.#key(stamp.day, credentials.secretAccessKey))
      .update(stamp.toSign + hash('sha256', canonical, 'hex'))
      .digest('hex');
  }

  #key(day: string, secret: string): KeyObject {
    const cached = this.#cached;
    if (cached !== undefined && cached.day === day && cached.secret === secret) return cached.key;
    let bytes: Buffer = Buffer.from(`AWS4${secret}`);
    for (const part of [day, this.#region, 's3', 'aws4_request'])
      bytes = createHmac('sha256', bytes).update(part).digest();
    const key = createSecretKey(bytes);
    this.#cached = { day, secret, key };
    return key;
  }
}

/** What a second is called where it is signed. */
interface Stamp {
  readonly second: number;
  readonly time: string;
  readonly day: string;
  readonly scope: string;
  /** The start of the text that is signed. */
  readonly toSign: string;
}

interface QueryStart {
  readonly stamp: Stamp;
  readonly credentials: S3Credentials;
  readonly lifetimeSeconds: number;
  readonly signedHeaders: string;
  readonly text: string;
}

const ONLY_HOST: readonly string[] = ['host'];

/** The names of the signed headers, in order. */
function namesOf(headers: Readonly<Record<string, string>>): readonly string[] {
  const names = Object.keys(headers);
  if (names.length === 0) return ONLY_HOST;
  names.push('host');
  return names.sort();
}

/** Names and values, one a line; runs of spaces count as one. */
function canonicalHeadersOf(
  names: readonly string[],
  host: string,
  headers: Readonly<Record<string, string>>,
): string {
  let text = '';
  for (const name of names) text += `${name}:${name === 'host' ? host : plainValue(headers[name] ?? '')}\n`;
  return text;
}

function plainValue(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replaceAll(/ +/g, ' ') : trimmed;
}

/** `20260102T030405Z`. */
export function amzTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

const UNRESERVED = /^[\w.~-]*$/;
const UNRESERVED_PATH = /^[\w.~/-]*$/;
const LEFT_BY_JAVASCRIPT = /[!'()*]/;

/** Percent-encodes everything but the unreserved characters of RFC 3986 §2.3, as SigV4 demands. */
export function encodeRfc3986(text: string): string {
  if (UNRESERVED.test(text)) return text;
  const encoded = encodeURIComponent(text);
  if (!LEFT_BY_JAVASCRIPT.test(encoded)) return encoded;
  return encoded.replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Encodes an object key for a path: slashes stay. */
export function encodeKey(key: string): string {
  return UNRESERVED_PATH.test(key) ? key : key.split('/').map(encodeRfc3986).join('/');
}

/** The canonical query string: encoded, sorted by name. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name of Object.keys(query).sort())
    text += `${text === '' ? '' : '&'}${encodeRfc3986(name)}=${encodeRfc3986(query[name] ?? '')}`;
  return text;
}

/** SHA-256 of bytes held in pieces, as hex and base64. */
export function sha256Of(chunks: readonly Uint8Array[]): { hex: string; base64: string } {
  const digest = createHash('sha256');
  for (const chunk of chunks) digest.update(chunk);
  const bytes = digest.digest();
  return { hex: bytes.toString('hex'), base64: bytes.toString('base64') };
}
