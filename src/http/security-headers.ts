import type { FastifyInstance } from 'fastify';

/** Two years: what browsers' preload lists ask for. */
const HSTS_SECONDS = 63_072_000;

/**
 * Headers of every answer; delivered files and pages replace some.
 *
 * @param isHttps whether clients reach the service by https: only then may they be told to insist on it.
 */
export function securityHeaders(isHttps: boolean): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(isHttps ? { 'strict-transport-security': `max-age=${HSTS_SECONDS}; includeSubDomains` } : {}),
  };
}

/** Sets them before anything else happens, so that errors carry them too. */
export function setSecurityHeaders(app: FastifyInstance, isHttps: boolean): void {
  const headers = securityHeaders(isHttps);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers);
    reply.header('x-request-id', request.id);
    done();
  });
}
