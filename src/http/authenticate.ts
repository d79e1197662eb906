import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { requireAdmin } from '../access/ownership.ts';
import type { Principal } from '../core/principal.ts';
import type { RouteAccess } from './route.ts';

/** Tells who asks: a verifier of tokens, or the application that the routes are mounted in. */
export interface Authenticator {
  /**
   * @param authorization the header as sent.
   * @throws StowageError `unauthenticated`.
   */
  authenticate(authorization: string | undefined, request: IncomingMessage): Principal | Promise<Principal>;
}

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void;

/**
 * The hook that lets a request in: it runs before a byte of the body is read.
 *
 * @param metricsToken lets in whoever shows it, without a name, where `access` is `metrics`.
 */
export function authenticationHook(
  access: Exclude<RouteAccess, 'public'>,
  verifier: Authenticator,
  metricsToken: string | null,
): OnRequest {
  return (request, _reply, done) => {
    const { authorization } = request.headers;
    if (access === 'metrics' && metricsToken !== null && showsToken(authorization, metricsToken))
      return done();
    try {
      const principal = verifier.authenticate(authorization, request.raw);
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
