import type { FastifyInstance } from 'fastify';

/**
 * Sends whoever opens the address of the service in a browser to the page that describes it. No operation of the interface,
 * so not in the table of routes.
 *
 * @param publicUrl what clients reach the service by: a path in it is kept. No host goes into the answer, as this one may be
 *   reached by several.
 */
export function sendVisitorsToDocs(app: FastifyInstance, publicUrl: () => string): void {
  app.get('/', async (_request, reply) => {
    const { pathname } = new URL(publicUrl());
    return reply.redirect(`${pathname.replace(/\/+$/, '')}/api/docs`, 302);
  });
}
