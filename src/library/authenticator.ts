import type { IncomingMessage } from 'node:http';
import { StowageError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { Authenticator } from '../http/authenticate.ts';
import { type Caller, principalOf } from './callers.ts';

/**
 * The application's own answer to who is asking.
 *
 * @param request node's request. Express's own, with what its middleware has put on it (`user`, `session`).
 * @param host what the framework calls the request: Fastify's, else the same as `request`.
 * @returns null when nobody is logged in: `unauthenticated`.
 */
export type Authenticate = (request: IncomingMessage, host: object) => Caller | null | Promise<Caller | null>;

/** Asks the application. Frameworks' own requests are remembered in `hosts` for as long as node's live. */
export function applicationAuthenticator(
  authenticate: Authenticate,
  hosts: WeakMap<IncomingMessage, object>,
  origins: readonly string[],
): Authenticator {
  return {
    async authenticate(_authorization, request): Promise<Principal> {
      refuseForgery(request, origins);
      // A program without types may well return nothing for nobody.
      const caller: Caller | null | undefined = await authenticate(request, hosts.get(request) ?? request);
      if (caller === null || caller === undefined)
        throw new StowageError('unauthenticated', 'Nobody is logged in.');
      return principalOf(caller);
    },
  };
}

const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Cookies come along when a page of somebody else sends a form. Browsers say that they do so, and a form can't carry a
 * token: a change that a page of another origin asks for is refused unless its origin is allowed. Where Fetch Metadata is
 * missing, as over plain http, `Origin` is held against the address that was asked.
 *
 * @throws StowageError `forbidden`.
 */
function refuseForgery({ method = 'GET', headers }: IncomingMessage, origins: readonly string[]): void {
  if (HARMLESS.has(method) || headers.authorization !== undefined) return;
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origins.includes(origin ?? '')) return;
  const isOwn =
    site === undefined
      ? origin === undefined || URL.parse(origin)?.host === host?.toLowerCase()
      : site === 'same-origin' || site === 'none';
  if (!isOwn) throw new StowageError('forbidden', 'The request was sent by a page of another site.');
}
