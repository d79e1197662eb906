import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose';
import type { Clock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** How long fetched keys are used before they are fetched again, in milliseconds. */
const KEYS_MAX_AGE_MS = 10 * 60 * 1000;
/** How much longer they are used while they can't be fetched, in milliseconds: a key's afterlife in an outage. */
const STALE_MS_MAX = 60 * 60 * 1000;
/** Least time between two fetches because of unknown key ids, in milliseconds: strangers can't make us fetch. */
const COOLDOWN_MS = 30 * 1000;
/** Longest wait for the keys, in milliseconds. */
const TIMEOUT_MS = 5 * 1000;
/** How long nothing is fetched after a fetch that failed, in seconds: requests meanwhile don't wait. */
const RETRY_SECONDS = 5;

/**
 * The keys published at a JWKS URL: fetched when first needed, again when they are old or a key id is unknown. While
 * they can't be fetched, those that were fetched last are used on, for a while.
 *
 * The function it returns throws StowageError `unauthenticated` with `retry_after_seconds` when a key can't be had.
 *
 * @throws TypeError when the URL is neither https nor http to this machine: keys that anyone on the way can swap
 *   prove nothing.
 */
export function openRemoteKeys(jwksUrl: string, { clock, log }: { clock: Clock; log: Log }): JWTVerifyGetKey {
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined;
  if (url === undefined || !isTrustworthy(url)) {
    throw new TypeError('The JWKS URL must be https, or http to a loopback address.');
  }
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: KEYS_MAX_AGE_MS,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: TIMEOUT_MS,
  });
  let goodMs = Number.NEGATIVE_INFINITY;
  let failure: { readonly error: unknown; readonly untilMs: number } | undefined;

  const stale = async (header: JWSHeaderParameters, token: FlattenedJWSInput, cause: unknown) => {
    const keys = clock.now() < goodMs + STALE_MS_MAX ? remote.jwks() : undefined;
    if (keys === undefined) throw unavailable(cause);
    try {
      return await createLocalJWKSet(keys)(header, token);
    } catch (error) {
      // The key may be a new one, which we can't see.
      throw error instanceof errors.JWKSNoMatchingKey ? unavailable(cause) : error;
    }
  };

  return async (header, token): Promise<CryptoKey> => {
    if (failure !== undefined && clock.now() < failure.untilMs) return stale(header, token, failure.error);
    try {
      const key = await remote(header, token);
      if (remote.fresh) goodMs = clock.now();
      failure = undefined;
      return key;
    } catch (error) {
      if (isAboutToken(error)) throw error;
      if (failure === undefined) log.warn({ err: error }, 'The keys that verify tokens can’t be fetched.');
      failure = { error, untilMs: clock.now() + RETRY_SECONDS * 1000 };
      return stale(header, token, error);
    }
  };
}

/** Whether the keys were there, and none fits. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function unavailable(cause: unknown): StowageError {
  return new StowageError('unauthenticated', 'The token can’t be checked at the moment: try again later.', {
    cause,
    fields: { retry_after_seconds: RETRY_SECONDS },
  });
}

function isTrustworthy(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}
