import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { StowageError } from '../../core/errors.ts';
import { translateIdentityFault } from './errors.ts';
import type { GcsOptions } from './options.ts';

/** Who Stowage is to the store: tokens for its calls and signatures for its URLs. */
export interface Identity {
  /** A bearer token that is good for some minutes at least. */
  token(): Promise<string>;
  /** Drops a token that the store refused, so that the next call gets a new one. */
  forgetToken(token: string): void;
  /** The service account's address, as signed URLs name it. */
  email(): Promise<string>;
  /** RSA-SHA256 (PKCS #1 v1.5) of a text by the service account's key. */
  sign(text: string): Promise<Buffer>;
}

/** A token and when it ends, milliseconds since the epoch. */
export interface AccessToken {
  readonly value: string;
  readonly expiresAtMs: number;
}

/** Where tokens and signatures come from; nothing is cached here. */
export interface IdentitySource {
  fetchToken(): Promise<AccessToken>;
  email(): Promise<string>;
  sign(text: string): Promise<Buffer>;
}

/** What we call on google-auth-library's GoogleAuth. */
export interface GoogleAuthLike {
  getClient(): Promise<{
    getAccessToken(): Promise<{ token?: string | null }>;
    readonly credentials: { readonly expiry_date?: number | null };
  }>;
  getCredentials(): Promise<{ readonly client_email?: string }>;
  sign(data: string): Promise<string>;
}

interface ServiceAccount {
  readonly email: string;
  readonly keyId: string;
  readonly key: KeyObject;
}

/** A token is renewed this long before it ends, in milliseconds: no call begins with one about to end. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** How long a token is kept whose end is not told, in milliseconds. */
const UNTOLD_LIFETIME_MS = 10 * 60_000;
const SELF_SIGNED_LIFETIME_SECONDS = 3600;
/** The audience of a token that a service account signs itself. */
export const TOKEN_AUDIENCE = 'https://storage.googleapis.com/';

const signAside = promisify(sign);

/** The identity that the settings name. Files and libraries are read at the first use. */
export function openIdentity(options: GcsOptions): Identity {
  return cachedIdentity(() => loadSource(options), options.clock);
}

/** An identity that asks its source for a token only when the last one is about to end; one question at a time. */
export function cachedIdentity(load: () => Promise<IdentitySource>, clock: Clock): Identity {
  let source: Promise<IdentitySource> | undefined;
  let token: AccessToken | undefined;
  let renewal: Promise<AccessToken> | undefined;
  const loaded = async (): Promise<IdentitySource> => {
    source ??= load();
    try {
      return await source;
    } catch (error) {
      source = undefined;
      throw translateIdentityFault(error);
    }
  };
  const renew = async (): Promise<AccessToken> => {
    try {
      token = await (await loaded()).fetchToken();
      return token;
    } catch (error) {
      throw translateIdentityFault(error);
    } finally {
      renewal = undefined;
    }
  };
  const asked = async <Result>(ask: (from: IdentitySource) => Promise<Result>): Promise<Result> => {
    try {
      return await ask(await loaded());
    } catch (error) {
      throw translateIdentityFault(error);
    }
  };
  return {
    async token() {
      if (token !== undefined && token.expiresAtMs - RENEW_BEFORE_MS > clock.now()) return token.value;
      renewal ??= renew();
      return (await renewal).value;
    },
    forgetToken(refused) {
      if (token?.value !== refused) return;
      token = undefined;
      // Google's library keeps tokens too: a new source has none.
      source = undefined;
    },
    email: () => asked((from) => from.email()),
    sign: (text) => asked((from) => from.sign(text)),
  };
}

/** Tokens and signatures by google-auth-library; a key at hand signs here, without a request. */
export function googleSource(
  auth: GoogleAuthLike,
  account: ServiceAccount | null,
  clock: Clock,
): IdentitySource {
  return {
    async fetchToken() {
      const client = await auth.getClient();
      const { token } = await client.getAccessToken();
      if (typeof token !== 'string' || token === '') throw new Error('The credentials gave no token.');
      return {
        value: token,
        expiresAtMs: client.credentials.expiry_date ?? clock.now() + UNTOLD_LIFETIME_MS,
      };
    },
    async email() {
      const email = account?.email ?? (await auth.getCredentials()).client_email;
      if (email === undefined)
        throw new Error('The credentials name no service account, so they sign no URLs.');
      return email;
    },
    async sign(text) {
      if (account !== null) return signAside('RSA-SHA256', Buffer.from(text), account.key);
      return Buffer.from(await auth.sign(text), 'base64');
    },
  };
}

/** Tokens that the service account signs itself. @see https://google.aip.dev/auth/4111 */
function selfSignedSource(account: ServiceAccount, clock: Clock): IdentitySource {
  const signText = (text: string) => signAside('RSA-SHA256', Buffer.from(text), account.key);
  return {
    async fetchToken() {
      const issuedAt = Math.floor(clock.now() / 1000);
      const expiresAt = issuedAt + SELF_SIGNED_LIFETIME_SECONDS;
      const claims = {
        iss: account.email,
        sub: account.email,
        aud: TOKEN_AUDIENCE,
        iat: issuedAt,
        exp: expiresAt,
      };
      const unsigned = `${jsonPart({ alg: 'RS256', typ: 'JWT', kid: account.keyId })}.${jsonPart(claims)}`;
      const signature = (await signText(unsigned)).toString('base64url');
      return { value: `${unsigned}.${signature}`, expiresAtMs: expiresAt * 1000 };
    },
    email: async () => account.email,
    sign: signText,
  };
}

async function loadSource(options: GcsOptions): Promise<IdentitySource> {
  const { credentialsPath, endpoint, clock } = options;
  const file = credentialsPath === null ? null : JSON.parse(await readFile(credentialsPath, 'utf8'));
  const account = file === null ? null : serviceAccountOf(file);
  if (endpoint?.startsWith('http:')) {
    if (account !== null && isLoopback(new URL(endpoint).hostname)) return selfSignedSource(account, clock);
    throw new StowageError(
      'storage_denied',
      'Plain http reaches a store on this machine only, with a key file.',
    );
  }
  const { GoogleAuth } = await import('google-auth-library');
  // Signing without a key is a call to another of Google's services, which the narrow scope does not open.
  const scope = account === null ? 'cloud-platform' : (options.scope ?? 'devstorage.read_write');
  const scopes = [`https://www.googleapis.com/auth/${scope}`];
  const auth = new GoogleAuth(file === null ? { scopes } : { scopes, credentials: file });
  return googleSource(auth as GoogleAuthLike, account, clock);
}

function serviceAccountOf(file: Readonly<Record<string, unknown>>): ServiceAccount | null {
  const { type, client_email: email, private_key: key, private_key_id: keyId } = file;
  if (type !== 'service_account' || typeof email !== 'string' || typeof key !== 'string') return null;
  return { email, keyId: typeof keyId === 'string' ? keyId : '', key: createPrivateKey(key) };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

function jsonPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
