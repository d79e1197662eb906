import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type Claims, encode } from './tokens.ts';

type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

/** An identity provider: publishes its keys over HTTP and signs tokens. */
export interface Issuer {
  readonly url: string;
  readonly server: Server;
  publicKey(algorithm: Algorithm): KeyObject;
  sign(algorithm: Algorithm, claims: Claims, header?: Claims): string;
  /** Signs with a key that is not published; `withKey` puts that key into the header. */
  signStranger(claims: Claims, withKey?: boolean): string;
}

/** Starts an identity provider on a free port. */
export async function openIssuer(): Promise<Issuer> {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  };
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = Object.entries(pairs).map(([alg, pair]) => ({
    ...pair.publicKey.export({ format: 'jwk' }),
    alg,
    kid: alg,
    use: 'sig',
  }));
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return {
    url: `http://127.0.0.1:${address.port}/jwks.json`,
    server,
    publicKey: (algorithm) => pairs[algorithm].publicKey,
    sign: (algorithm, claims, header = {}) =>
      signed(algorithm, pairs[algorithm].privateKey, claims, { kid: algorithm, ...header }),
    signStranger: (claims, withKey = false) =>
      signed('RS256', stranger.privateKey, claims, {
        kid: 'RS256',
        ...(withKey ? { jwk: stranger.publicKey.export({ format: 'jwk' }) } : {}),
      }),
  };
}

/** Stops it. */
export async function closeIssuer(issuer: Issuer): Promise<void> {
  issuer.server.closeAllConnections();
  await new Promise((resolve) => issuer.server.close(resolve));
}

function signed(algorithm: Algorithm, key: KeyObject, claims: Claims, header: Claims): string {
  const text = `${encode({ alg: algorithm, typ: 'JWT', ...header })}.${encode(claims)}`;
  const signature =
    algorithm === 'EdDSA'
      ? sign(null, Buffer.from(text), key)
      : sign('sha256', Buffer.from(text), algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key);
  return `${text}.${signature.toString('base64url')}`;
}
