import { SignJWT } from 'jose';
import type { Principal } from '../core/principal.ts';
import { isTenantId, isUserId } from './claims.ts';
import type { TokenSettings } from './tokens.ts';

/** How to make a token. */
export interface MintOptions extends Principal {
  /** Life of the token in whole seconds, at least 1. */
  readonly lifetimeSeconds: number;
  readonly nowMs: number;
}

/**
 * Makes a token that this service accepts, signed with its newest secret: for `stowage token` and for trying out.
 *
 * @throws TypeError when the service takes its tokens from a JWKS, or a name is none.
 */
export async function mintToken(settings: TokenSettings, options: MintOptions): Promise<string> {
  const [secret] = settings.jwtSecrets;
  if (secret === undefined) throw new TypeError('Tokens come from a JWKS: ask its issuer for one.');
  if (!isUserId(options.userId)) throw new TypeError('The user id must have 1 to 255 plain characters.');
  if (!isTenantId(options.tenantId)) throw new TypeError('The tenant must have 1 to 128 plain characters.');
  const nowSeconds = Math.floor(options.nowMs / 1000);
  const token = new SignJWT({ role: options.role, [settings.jwtTenantClaim]: options.tenantId })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(options.userId)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + options.lifetimeSeconds);
  if (settings.jwtIssuer !== null) token.setIssuer(settings.jwtIssuer);
  if (settings.jwtAudience !== null) token.setAudience(settings.jwtAudience);
  return await token.sign(new TextEncoder().encode(secret));
}
