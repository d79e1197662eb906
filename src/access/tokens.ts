import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { BoundedMap } from '../core/bounded-map.ts';
import type { Clock } from '../core/clock.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import { principalOf } from './claims.ts';
import { openRemoteKeys } from './remote-keys.ts';

/** Where tokens come from: secrets or a JWKS, never both. */
export interface TokenSettings {
  /** HS256 secrets of at least 32 bytes, newest first; empty when tokens come from `jwksUrl`. */
  readonly jwtSecrets: readonly string[];
  readonly jwksUrl: string | null;
  /** Required `iss`; null: not checked. */
  readonly jwtIssuer: string | null;
  /** Required `aud`; null: not checked. */
  readonly jwtAudience: string | null;
  /** Name of the claim that holds the tenant. */
  readonly jwtTenantClaim: string;
}

/** Tells who is asking. */
export interface TokenVerifier {
  /**
   * Reads an Authorization header. Answers at once, without a promise, for a token seen before.
   *
   * @throws StowageError `unauthenticated`, thrown or as rejection; its message says no more than a stranger may know;
   *   with `retry_after_seconds` when the keys that would tell can't be fetched.
   */
  authenticate(authorization: string | undefined): Principal | Promise<Principal>;
}

/** Longest token that is looked at, in characters. */
export const TOKEN_LENGTH_MAX = 8 * 1024;
/** Most verified tokens kept in memory. */
const CACHED_TOKENS_MAX = 10_000;
/** Longest time a verified token is believed without a new look, in milliseconds: bounds a key's afterlife. */
const CACHED_MS_MAX = 5 * 60 * 1000;
/** How far an issuer's clock may be ahead of ours. `exp` gets no such grace. */
const CLOCK_TOLERANCE_SECONDS = 5;

const SECRET_ALGORITHMS = ['HS256'];
const KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];

interface CachedPrincipal {
  readonly principal: Principal;
  readonly untilMs: number;
}

/**
 * Opens the verifier for the settings. Which algorithms count depends on the settings alone, never on the token:
 * secrets verify HS256 only and public keys verify signatures only, so neither can be passed off as the other.
 *
 * @throws TypeError when there is neither a secret nor a usable JWKS URL.
 */
export function openTokenVerifier(
  settings: TokenSettings,
  clock: Clock,
  log: Log = silentLog,
): TokenVerifier {
  const check =
    settings.jwksUrl === null
      ? bySecrets(settings)
      : byRemoteKeys(settings, openRemoteKeys(settings.jwksUrl, { clock, log }));
  const cache = new BoundedMap<string, CachedPrincipal>(CACHED_TOKENS_MAX);

  const verify = async (token: string): Promise<Principal> => {
    const nowMs = clock.now();
    const claims = await check(token, new Date(nowMs));
    const principal = principalOf(claims, settings.jwtTenantClaim);
    const expiresMs = (claims.exp ?? 0) * 1000;
    if (principal === undefined) throw unauthenticated('The token does not name a user, role and tenant.');
    if (!(nowMs < expiresMs)) throw unauthenticated('The token has expired.');
    cache.set(token, { principal, untilMs: Math.min(expiresMs, nowMs + CACHED_MS_MAX) });
    return principal;
  };

  return {
    authenticate: (authorization) => {
      const token = bearerToken(authorization);
      const known = cache.get(token);
      if (known !== undefined && clock.now() < known.untilMs) return known.principal;
      return verify(token);
    },
  };
}

type TokenCheck = (token: string, now: Date) => Promise<JWTPayload>;

function bySecrets(settings: TokenSettings): TokenCheck {
  const keys = settings.jwtSecrets.map((secret) => new TextEncoder().encode(secret));
  if (keys.length === 0) throw new TypeError('Tokens need a secret or a JWKS URL.');
  return async (token, now) => {
    let failure: unknown;
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(token, key, verifyOptions(settings, SECRET_ALGORITHMS, now));
        return payload;
      } catch (error) {
        failure = error;
        // Another secret may fit. Any other failure would be the same with each of them.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw refusal(failure);
  };
}

function byRemoteKeys(settings: TokenSettings, keys: JWTVerifyGetKey): TokenCheck {
  return async (token, now) => {
    try {
      const { payload } = await jwtVerify(token, keys, verifyOptions(settings, KEY_ALGORITHMS, now));
      return payload;
    } catch (error) {
      throw refusal(error);
    }
  };
}

function verifyOptions(settings: TokenSettings, algorithms: string[], currentDate: Date) {
  return {
    algorithms,
    currentDate,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'sub'],
    ...(settings.jwtIssuer === null ? {} : { issuer: settings.jwtIssuer }),
    ...(settings.jwtAudience === null ? {} : { audience: settings.jwtAudience }),
  };
}

/** RFC 6750 §2.1. The scheme is case-insensitive (RFC 9110 §11.1). */
const BEARER = /^bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)$/i;

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw unauthenticated('This request needs a bearer token.');
  if (authorization.length > TOKEN_LENGTH_MAX + 'bearer '.length)
    throw unauthenticated('The token is too long.');
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined)
    throw unauthenticated('The Authorization header must be Bearer and a JSON Web Token.');
  return token;
}

/** What a stranger is told: that a token has expired is useful and known to its holder, all else would be a hint. */
function refusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return unauthenticated('The token has expired.', error);
  // The keys could not be fetched: to try again is useful.
  if (isStowageError(error)) return error;
  if (error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC') {
    return unauthenticated('The token is not valid.', error);
  }
  return error;
}

function unauthenticated(message: string, cause?: unknown): StowageError {
  return new StowageError('unauthenticated', message, { cause });
}
