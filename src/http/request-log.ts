import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Log } from '../core/log.ts';
import type { Metrics } from './metrics.ts';

/** Routes that orchestrators and scrapers call all day. */
const QUIET_ROUTES: ReadonlySet<string> = new Set([
  '/api/health',
  '/api/health/live',
  '/api/health/ready',
  '/metrics',
]);

/**
 * Writes one line per request and measures it, also when the client left early. The line names the route's pattern,
 * never the URL: signed URLs are secrets, keys may hold names of people, and neither query nor headers are logged.
 */
export function logRequests(app: FastifyInstance, log: Log, metrics: Metrics): void {
  app.decorateRequest('startedMs', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.startedMs = performance.now();
    // 'close' comes after every end; Fastify's onResponse would miss the clients that left.
    reply.raw.once('close', () => report(request, reply.raw, log, metrics));
    done();
  });
}

function report(
  request: FastifyRequest,
  response: { readonly statusCode: number; readonly writableFinished: boolean },
  log: Log,
  metrics: Metrics,
): void {
  const durationMs = performance.now() - request.startedMs;
  const route = request.routeOptions.url ?? 'unknown';
  const status = response.writableFinished ? response.statusCode : 499;
  metrics.observeRequest(route, request.method, status, durationMs);
  const fields = {
    request_id: request.id,
    method: request.method,
    route,
    status,
    duration_ms: Math.round(durationMs * 100) / 100,
    ...(request.principal === null
      ? {}
      : { user: request.principal.userId, tenant: request.principal.tenantId }),
  };
  if (QUIET_ROUTES.has(route)) log.debug(fields, 'request');
  else log.info(fields, 'request');
}
