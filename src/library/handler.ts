import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { isStowageError } from '../core/errors.ts';
import type { Mount } from '../http/mount.ts';
import { hasBody, requireUnreadBody } from './host-request.ts';

/**
 * Serves Stowage's routes in the application's server.
 *
 * @returns whether the request was one of Stowage's. When not, `next` was called if there is one.
 */
export type Handler = (request: IncomingMessage, response: ServerResponse, next?: () => void) => boolean;

export interface HandlerOptions {
  /** Path that the routes lie below, for example `/storage`, when nothing has taken it off. Default: none. */
  readonly prefix?: string;
}

/** Answers an error of the application's own making; see `answerError`. */
type AnswerError = (error: unknown, request: IncomingMessage, response: ServerResponse) => boolean;

/** Makes a handler for `node:http` and Express. */
export function createHandler(mount: Mount, answerError: AnswerError, options: HandlerOptions = {}): Handler {
  const prefix = prefixOf(options.prefix ?? '');
  return (request, response, next) => {
    const path = pathBelow(prefix, request.url ?? '/');
    if (path === undefined) {
      next?.();
      return false;
    }
    try {
      if (hasBody(request)) requireUnreadBody(request);
    } catch (error) {
      if (!isStowageError(error) || !answerError(error, request, response)) throw error;
      return true;
    }
    request.url = path;
    mount.handle(request, response);
    return true;
  };
}

/** A Fastify plugin: `app.register(plugin, { prefix: '/storage' })`. */
export type FastifyRoutes = (app: FastifyInstance) => Promise<void>;

/** Makes the plugin. @param hosts where Fastify's requests are remembered by node's. */
export function createFastifyRoutes(
  mount: Mount,
  answerError: AnswerError,
  hosts: WeakMap<IncomingMessage, object>,
): FastifyRoutes {
  return async (app) => {
    const handler = createHandler(mount, answerError, { prefix: app.prefix });
    passBodiesOn(app);
    app.all('/*', (request, reply) => {
      hosts.set(request.raw, request);
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      handler(request.raw, reply.raw, () => reply.raw.writeHead(404).end());
    });
  };
}

/** Leaves forms unread in a Fastify application, so that `receive` can read them as they arrive. */
export function acceptForms(app: FastifyInstance): void {
  if (app.hasContentTypeParser('multipart/form-data')) app.removeContentTypeParser('multipart/form-data');
  app.addContentTypeParser('multipart/form-data', (_request, _body, done) => done(null));
}

/** In this scope no body is read. */
function passBodiesOn(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
}

function prefixOf(prefix: string): string {
  const trimmed = prefix.replace(/\/+$/, '');
  if (trimmed === '' || /^\/[^?#\s]+$/.test(trimmed)) return trimmed;
  throw new Error(`The prefix "${prefix}" must begin with a slash.`);
}

/** The rest of a URL below a prefix, with its slash; undefined when it is not below it. */
function pathBelow(prefix: string, url: string): string | undefined {
  if (!url.startsWith(prefix)) return undefined;
  const rest = url.slice(prefix.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : undefined;
}
