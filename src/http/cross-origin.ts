import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Range',
  'If-Range',
  'If-None-Match',
  'Idempotency-Key',
  'Repr-Digest',
  'X-Request-Id',
];

const RESPONSE_HEADERS = [
  'ETag',
  'Content-Range',
  'Content-Disposition',
  'Accept-Ranges',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'X-Request-Id',
  'Location',
];

/**
 * Lets pages of the named origins call the service. A preflight is answered here and reaches no route. Credentials are
 * never allowed: tokens come in a header that a page must set itself, so no cookie can be misused.
 *
 * @param origins none: no header at all; `*` alone: any origin.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: RESPONSE_HEADERS,
    credentials: false,
    maxAge: 600,
    strictPreflight: false,
  });
}
