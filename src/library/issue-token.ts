import { mintToken } from '../access/mint-token.ts';
import type { TokenSettings } from '../access/tokens.ts';
import type { Clock } from '../core/clock.ts';
import { type Caller, invalidParameter, principalOf } from './callers.ts';

/**
 * Makes a token for a user that the program has let in, for its page or another service.
 *
 * @param options.lifetimeSeconds 1 to 86,400.
 */
export type IssueToken = (user: Caller, options: { readonly lifetimeSeconds: number }) => Promise<string>;

/** A page asks for another one: longer than a day no token should be worth stealing. */
const LIFETIME_SECONDS_MAX = 86_400;

export function createIssueToken(settings: TokenSettings, clock: Clock): IssueToken {
  return async (user, { lifetimeSeconds }) => {
    if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > LIFETIME_SECONDS_MAX) {
      throw invalidParameter('lifetimeSeconds', `must be a whole number from 1 to ${LIFETIME_SECONDS_MAX}`);
    }
    return await mintToken(settings, { ...principalOf(user), lifetimeSeconds, nowMs: clock.now() });
  };
}
