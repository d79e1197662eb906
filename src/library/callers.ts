import { DEFAULT_TENANT, isTenantId, isUserId } from '../access/claims.ts';
import { StowageError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';

/** On whose behalf a program calls, and where the request came from, for the access log. */
export interface Caller {
  /** The user; owner of what is uploaded. */
  readonly userId: string;
  /** Default: the tenant `default`. */
  readonly tenantId?: string;
  /** Default: `user`. An admin reaches every asset of the tenant. */
  readonly role?: 'user' | 'admin';
  /** Default: a fresh request id from the address of this machine itself. */
  readonly origin?: RequestOrigin;
}

/** @throws StowageError `invalid_parameter` for what can't name a user or tenant in a token either. */
export function principalOf({ userId, tenantId = DEFAULT_TENANT, role = 'user' }: Caller): Principal {
  if (!isUserId(userId)) throw invalidParameter('userId', 'must have 1 to 255 plain characters');
  if (!isTenantId(tenantId)) throw invalidParameter('tenantId', 'must have 1 to 128 plain characters');
  if (role !== 'user' && role !== 'admin') throw invalidParameter('role', 'must be user or admin');
  return { userId, tenantId, role };
}

/** Where a call comes from, for the access log. */
export function originOf(caller: Caller): RequestOrigin {
  return caller.origin ?? { requestId: newUuid(), ipAddress: '127.0.0.1', userAgent: null };
}

/** The refusal of a parameter of a call. @param problem what it must be, to follow its name in a sentence. */
export function invalidParameter(parameter: string, problem: string): StowageError {
  return new StowageError('invalid_parameter', `The parameter ${parameter} ${problem}.`, {
    fields: { parameter },
  });
}
