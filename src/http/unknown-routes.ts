import type { FastifyInstance } from 'fastify';
import { StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { sendProblem } from './errors.ts';
import type { Route } from './route.ts';

/** Answers what no route takes; where another method would be taken, `Allow` says which. */
export function refuseUnknownRoutes(app: FastifyInstance, routes: readonly Route[], log: Log): void {
  const patterns = routes.map((route) => ({ pattern: patternOf(route.path), route }));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const methods = new Set<string>();
    for (const { pattern, route } of patterns) {
      if (!pattern.test(path)) continue;
      methods.add(route.method);
      if (route.method === 'GET') methods.add('HEAD');
    }
    if (methods.size > 0) reply.header('allow', [...methods].join(', '));
    const detail =
      methods.size > 0
        ? `This address does not take ${request.method}.`
        : 'There is nothing at this address.';
    sendProblem(new StowageError('not_found', detail), request, reply, log);
  });
}

/** What the paths of a route match, from its first character to its last. */
export function patternOf(path: string): RegExp {
  const source = path.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+').replace('*', '.*');
  return new RegExp(`^${source}$`);
}
