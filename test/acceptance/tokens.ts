import { createHmac } from 'node:crypto';

/** Claims of a token, as they go over the wire. */
export type Claims = Readonly<Record<string, unknown>>;

/** A JWT by HS256. Another `header` or `signature` makes the forgeries. */
export function mintToken(
  claims: Claims,
  secret: string | Buffer,
  header: Claims = { alg: 'HS256', typ: 'JWT' },
): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Claims that a service takes: `sub` and an hour of life. */
export function claimsFor(userId: string, more: Claims = {}): Claims {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return { sub: userId, iat: nowSeconds, exp: nowSeconds + 3600, ...more };
}

/** JSON in the alphabet of tokens. */
export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
