import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { requireAdmin } from '../access/ownership.ts';
import type { TokenVerifier } from '../access/tokens.ts';
import type { RouteAccess } from './route.ts';

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void;

/**
 * The hook that lets a request in: it runs before a byte of the body is read.
 *
 * @param metricsToken lets in whoever shows it, without a name, where `access` is `metrics`.
 */
export function authenticationHook(
  access: Exclude<RouteAccess, 'public'>,
  verifier: TokenVerifier,
  metricsToken: string | null,
): OnRequest {
  return (request, _reply, done) => {
    const { authorization } = request.headers;
    if (access === 'metrics' && metricsToken !== null && showsToken(authorization, metricsToken))
      return done();
    try {
      const principal = verifier.authenticate(authorization);
      if (principal instanceof Promise) {
        principal.then((verified) => letIn(request, access, verified)).then(() => done(), done);
        return;
      }
      letIn(request, access, principal);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}

function letIn(
  request: FastifyRequest,
  access: Exclude<RouteAccess, 'public'>,
  principal: NonNullable<FastifyRequest['principal']>,
): void {
  request.principal = principal;
  if (access !== 'user') requireAdmin(principal);
}

/** Compares digests: equally long, in constant time. */
function showsToken(authorization: string | undefined, token: string): boolean {
  const given = createHash('sha256')
    .update(authorization ?? '')
    .digest();
  return timingSafeEqual(given, createHash('sha256').update(`Bearer ${token}`).digest());
}
