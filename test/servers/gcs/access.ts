import { createHash, type KeyObject, verify } from 'node:crypto';
import { type Exchange, header, Refusal, refusals } from './answers.ts';

/** Public keys of service accounts by their address. */
export type Accounts = ReadonlyMap<string, KeyObject>;

const AUDIENCE = 'https://storage.googleapis.com/';
const SCOPES = /\bhttps:\/\/www\.googleapis\.com\/auth\/(?:cloud-platform|devstorage\.\w+)/;
const SECONDS_MAX = 604_800;
const CLOCK_SKEW_MS = 15 * 60_000;
const PARAMETERS = ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature'];

/** Lets a request pass that carries a good token or, in the XML API, a good signature; refuses all others. */
export function requireAccess(
  exchange: Exchange,
  accounts: Accounts,
  nowMs: number,
  api: 'json' | 'xml',
): void {
  const isSigned = [...exchange.url.searchParams.keys()].some((name) => name.startsWith('X-Goog-'));
  const authorization = header(exchange, 'authorization');
  if (isSigned) {
    if (api === 'json' || authorization !== undefined)
      throw refusals.invalid('Signed URLs are for the XML API.');
    verifySignature(exchange, accounts, nowMs);
    return;
  }
  if (authorization === undefined) throw refusals.anonymous();
  const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
  if (token === undefined || !isGoodToken(token, accounts, nowMs)) throw refusals.unauthenticated();
}

/** Refuses whoever may not change buckets; the token is known to be good. */
export function requireOperator(exchange: Exchange, operators: readonly string[] | undefined): void {
  const [, claims = ''] = (header(exchange, 'authorization') ?? '').split('.');
  if (operators !== undefined && !operators.includes(String(parsePart(claims).iss)))
    throw new Refusal(403, 'forbidden', 'AccessDenied', 'The account does not have storage.buckets access.');
}

/** A token that a service account signed itself (RFC 7519, RS256). */
function isGoodToken(token: string, accounts: Accounts, nowMs: number): boolean {
  const [head, claims, signature, ...more] = token.split('.');
  if (head === undefined || claims === undefined || signature === undefined || more.length > 0) return false;
  const { alg } = parsePart(head);
  const { iss, sub, aud, scope, iat, exp } = parsePart(claims);
  // For one audience or for scopes, never for both (AIP-4111).
  const isForUs = aud === AUDIENCE ? scope === undefined : aud === undefined && SCOPES.test(String(scope));
  const key = accounts.get(String(iss));
  if (alg !== 'RS256' || key === undefined || sub !== iss || !isForUs) return false;
  if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600) return false;
  if (exp * 1000 <= nowMs || iat * 1000 > nowMs + CLOCK_SKEW_MS) return false;
  return verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'));
}

function parsePart(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return {};
  }
}

/** @see https://cloud.google.com/storage/docs/authentication/canonical-requests */
function verifySignature(exchange: Exchange, accounts: Accounts, nowMs: number): void {
  const read = (name: string): string => {
    const value = exchange.url.searchParams.get(`X-Goog-${name}`);
    if (value === null) throw refusals.invalid(`X-Goog-${name} is missing.`);
    return value;
  };
  const [algorithm = '', credential = '', time = '', expires = '', names = '', signature = ''] =
    PARAMETERS.map(read);
  const [email = '', day = '', location, service, terminator] = credential.split('/');
  const startMs = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const scopeIsGood = location === 'auto' && service === 'storage' && terminator === 'goog4_request';
  if (algorithm !== 'GOOG4-RSA-SHA256' || !scopeIsGood || Number.isNaN(startMs) || !time.startsWith(day))
    throw refusals.invalid('The signature is not in the form of V4.');
  if (!/^[1-9]\d*$/.test(expires) || Number(expires) > SECONDS_MAX)
    throw refusals.invalid('X-Goog-Expires is wrong.');
  if (startMs > nowMs + CLOCK_SKEW_MS) throw refusals.badSignature('The signature is not yet valid.');
  if (startMs + Number(expires) * 1000 <= nowMs)
    throw refusals.invalid('The signature has expired.', 'ExpiredToken');
  const key = accounts.get(email);
  // A decoder would ignore what is no pair of digits: a signature with something behind it is another one.
  if (!/^(?:[0-9a-f]{2})+$/.test(signature))
    throw refusals.badSignature('The signature is not in hexadecimal.');
  const text = `${algorithm}\n${time}\n${day}/auto/storage/goog4_request\n${sha256(canonicalRequest(exchange, names))}`;
  if (key === undefined || !verify('RSA-SHA256', Buffer.from(text), key, Buffer.from(signature, 'hex')))
    throw refusals.badSignature('The signature does not match the request.');
}

function canonicalRequest(exchange: Exchange, signedHeaders: string): string {
  const names = signedHeaders.split(';');
  if (!names.includes('host') || names.join(';') !== names.toSorted().join(';'))
    throw refusals.invalid('X-Goog-SignedHeaders is not in order or has no host.');
  for (const name of Object.keys(exchange.request.headers)) {
    if (name.startsWith('x-goog-') && !names.includes(name))
      throw refusals.badSignature(`The header ${name} was not signed.`);
  }
  const headers = names.map(
    (name) => `${name}:${(header(exchange, name) ?? '').trim().replaceAll(/ {2,}/g, ' ')}\n`,
  );
  const query = [...exchange.url.searchParams]
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const path = exchange.url.pathname
    .split('/')
    .map((segment) => encode(decodeURIComponent(segment)))
    .join('/');
  return `${exchange.method}\n${path}\n${query}\n${headers.join('')}\n${signedHeaders}\nUNSIGNED-PAYLOAD`;
}

function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
