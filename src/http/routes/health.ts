import { HealthSchema, ProbeSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { RETRY_AFTER } from '../error-headers.ts';
import { publicRoute, type Route } from '../route.ts';

/** `GET /api/health`: how the service and its dependencies are doing. */
export function health(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: '/api/health',
    operation: 'health',
    summary: 'See how the service is doing',
    description: 'Measured on a timer, never by the request. Always 200: `status` tells.',
    success: { status: 200, description: 'The latest measurement.', schema: HealthSchema },
    errors: [],
    handle: async () => deps.health.snapshot(),
  });
}

/** `GET /api/health/live`: whether the process answers. */
export function live(): Route {
  return publicRoute({
    method: 'GET',
    path: '/api/health/live',
    operation: 'live',
    summary: 'Probe: the process answers',
    success: { status: 200, description: 'It does.', schema: ProbeSchema },
    errors: [],
    handle: async () => ({ status: 'ok' }),
  });
}

/** `GET /api/health/ready`: whether requests should be sent here. */
export function ready(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: '/api/health/ready',
    operation: 'ready',
    summary: 'Probe: requests should be sent here',
    success: {
      status: 200,
      description: 'They should.',
      schema: ProbeSchema,
      others: { 503: 'Not now: a dependency is missing, or the service starts or stops.' },
      headers: { 503: RETRY_AFTER },
    },
    errors: [],
    handle: async (_request, reply) => {
      const status = deps.health.readiness();
      if (status !== 'ok') reply.code(503).header('retry-after', '1');
      return { status };
    },
  });
}
