import { Agent, request } from 'undici';
import { type CdnOrigin, cachedPaths } from './paths.ts';
import type { Purger } from './purge.ts';

/** Keys of one call: each is a request or two. */
const KEYS_MAX = 50;
const REQUESTS_AT_ONCE = 8;
const CONNECT_MS = 3_000;
const ANSWER_MS = 8_000;

/**
 * Purges a cache by HTTP: `PURGE` with the path of the content, and the host that clients name, which is part of what caches
 * find it by. The configuration in `deploy/varnish` understands it and removes every variant of the path.
 *
 * @param options.cache origin of the cache, for example `http://10.0.0.7:6081`.
 * @param options.url what clients reach the CDN by.
 */
export function openHttpPurger(options: {
  readonly cache: string;
  readonly url: string;
  readonly origin: CdnOrigin;
}): Purger {
  const { host, pathname } = new URL(options.url);
  const base = pathname.replace(/\/$/, '');
  const agent = new Agent({
    connections: REQUESTS_AT_ONCE,
    connect: { timeout: CONNECT_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  });
  const purgePath = async (path: string, signal: AbortSignal): Promise<void> => {
    const answer = await request(`${options.cache}${base}${path}`, {
      // A method of its own, known to every cache that can be purged.
      method: 'PURGE' as 'DELETE',
      headers: { host },
      dispatcher: agent,
      signal,
    });
    await answer.body.dump();
    // Some answer 404 to what they do not have: that is forgotten as well.
    if (answer.statusCode < 300 || answer.statusCode === 404) return;
    throw new Error(`the cache answered ${answer.statusCode} to a PURGE`);
  };
  return {
    name: options.cache,
    keysMax: KEYS_MAX,
    async purge(keys, signal) {
      const paths = keys.flatMap((key) => cachedPaths(options.origin, key));
      for (let start = 0; start < paths.length; start += REQUESTS_AT_ONCE) {
        await Promise.all(
          paths.slice(start, start + REQUESTS_AT_ONCE).map((path) => purgePath(path, signal)),
        );
      }
      return null;
    },
    close: () => agent.close(),
  };
}
