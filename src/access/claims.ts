import type { JWTPayload } from 'jose';
import type { Principal } from '../core/principal.ts';

/** Longest `sub`, in characters: what the catalog's column holds. */
export const USER_ID_LENGTH_MAX = 255;
/** Longest tenant, in characters. */
export const TENANT_ID_LENGTH_MAX = 128;
/** The tenant of tokens that name none. */
export const DEFAULT_TENANT = 'default';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Whether the text can name a user: 1 to 255 characters, well-formed, without control characters. */
export function isUserId(text: unknown): text is string {
  return isName(text, USER_ID_LENGTH_MAX);
}

/** Whether the text can name a tenant: 1 to 128 characters, well-formed, without control characters. */
export function isTenantId(text: unknown): text is string {
  return isName(text, TENANT_ID_LENGTH_MAX);
}

/**
 * Reads who is asking from verified claims.
 *
 * A missing `role` is `user`; a role that is neither `user` nor `admin` is no role of ours and makes the token
 * useless rather than weaker than its issuer meant. A tenant claim that is present but no name never falls back to
 * `default`: the token would reach another customer's files.
 *
 * @returns undefined when the claims name nobody.
 */
export function principalOf(claims: JWTPayload, tenantClaim: string): Principal | undefined {
  const { sub, role = 'user' } = claims;
  const tenantId = Object.hasOwn(claims, tenantClaim) ? claims[tenantClaim] : DEFAULT_TENANT;
  if (!isUserId(sub) || !isTenantId(tenantId)) return undefined;
  if (role !== 'user' && role !== 'admin') return undefined;
  return Object.freeze({ userId: sub, tenantId, role });
}

function isName(text: unknown, lengthMax: number): text is string {
  return (
    typeof text === 'string' &&
    text.trim() !== '' &&
    text.length <= lengthMax &&
    text.isWellFormed() &&
    !CONTROL_CHARACTERS.test(text)
  );
}
