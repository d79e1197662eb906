import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TrustedProxies } from '../access/client-address.ts';
import { StowageError } from '../core/errors.ts';
import type { RequestOrigin } from '../core/principal.ts';
import { originOfRaw, requestIdOf } from '../http/request-context.ts';

/** A request as the frameworks hand it over: node's own, which is Express's too, or Fastify's. */
export type HostRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** An answer as the frameworks hand it over. */
export type HostResponse = ServerResponse | HostReply;

/** What is used of Fastify's reply. */
export interface HostReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
}

/** Node's request behind a framework's. */
export function rawRequest(request: HostRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

/** Node's response behind a framework's; from now on the framework leaves it alone. */
export function takeOver(response: HostResponse): ServerResponse {
  if (!('raw' in response)) return response;
  response.hijack();
  // What its hooks have set (CORS, security headers) would get lost with the framework.
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined && !response.raw.hasHeader(name)) response.raw.setHeader(name, value);
  }
  return response.raw;
}

/** Where a request of the application came from, for the access log. The same request always has the same id. */
export function hostOrigin(request: IncomingMessage, isTrustedProxy: TrustedProxies): RequestOrigin {
  const known = requestIds.get(request);
  const requestId = known ?? requestIdOf(request);
  if (known === undefined) requestIds.set(request, requestId);
  return originOfRaw(request, requestId, isTrustedProxy);
}

const requestIds = new WeakMap<IncomingMessage, string>();

/**
 * Makes sure that a body is still to be read: what a body parser has taken can't be had again, and waiting for it would
 * last for ever.
 *
 * @throws StowageError `internal_error`: a mistake of the application, not of its client.
 */
export function requireUnreadBody(request: IncomingMessage): void {
  if (!request.readableDidRead && !request.readableEnded) return;
  throw new StowageError(
    'internal_error',
    'The body of the request was read before Stowage saw it. Mount Stowage before body parsers (express.json, ' +
      'express.urlencoded, multer, @fastify/multipart), or keep them off its routes.',
  );
}

/** Whether a request brings a body, by its headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
