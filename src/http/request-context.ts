import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { clientAddress, type TrustedProxies } from '../access/client-address.ts';
import { newUuid } from '../core/ids.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking; null on public routes and before the token is verified. */
    principal: Principal | null;
    /** When the request came in, by a clock that only runs forward, in milliseconds. */
    startedMs: number;
  }
}

/** Longest User-Agent kept, in characters. */
const USER_AGENT_LENGTH_MAX = 512;

const SAFE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's X-Request-Id when it is safe to repeat in headers and logs, else a fresh one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SAFE_REQUEST_ID.test(given) ? given : newUuid();
}

/** Where a request came from, for the access log. */
export function originOf(request: FastifyRequest, isTrustedProxy: TrustedProxies): RequestOrigin {
  return originOfRaw(request.raw, request.id, isTrustedProxy);
}

/** The same of any request of node. */
export function originOfRaw(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  requestId: string,
  isTrustedProxy: TrustedProxies,
): RequestOrigin {
  return {
    requestId,
    ipAddress: clientAddress(socket.remoteAddress, singleHeader(headers['x-forwarded-for']), isTrustedProxy),
    userAgent: headers['user-agent']?.slice(0, USER_AGENT_LENGTH_MAX).toWellFormed() ?? null,
  };
}

/** One header as text: a header that came several times is joined, as RFC 9110 §5.3 lets it be. */
export function singleHeader(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}

/** A signal that fires when the client goes away before it has its answer. */
export function clientGoneSignal(reply: {
  readonly raw: NodeJS.EventEmitter & { writableFinished: boolean };
}): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
