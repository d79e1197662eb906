import type { Deps } from '../deps.ts';
import { publicRoute, type Route } from '../route.ts';

/** `GET /metrics`: for Prometheus. */
export function metrics(deps: Deps): Route {
  return publicRoute({
    method: 'GET',
    path: '/metrics',
    operation: 'metrics',
    summary: 'Metrics for Prometheus',
    description: "Takes an admin's token or the metrics token.",
    access: 'metrics',
    success: { status: 200, description: 'The text exposition format.', mediaType: 'text/plain' },
    errors: [],
    handle: async (_request, reply) =>
      reply.header('content-type', deps.metrics.contentType).send(await deps.metrics.render()),
  });
}
