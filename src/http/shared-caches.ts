import type { FastifyReply } from 'fastify';
import type { Deps } from './deps.ts';

/**
 * Prepares an answer that a cache will give to many: it must not depend on which page asked first. Whoever knows the URL
 * may embed the content, so its bytes may be read by any page, and no cookie is ever looked at.
 *
 * @param forCdn what only a CDN obeys (RFC 9213); null: the same as everybody.
 * @returns takes that back, for an answer that turns out to be an error.
 */
export function shareWithCaches(
  { config }: Pick<Deps, 'config'>,
  reply: FastifyReply,
  forCdn: string | null,
): () => void {
  reply.removeHeader('vary');
  if (config.http.corsOrigins.length > 0) reply.header('access-control-allow-origin', '*');
  if (forCdn !== null) reply.header('cdn-cache-control', forCdn);
  return () => {
    reply.removeHeader('cdn-cache-control');
  };
}
