import type { FastifyInstance, onRequestHookHandler, preValidationHookHandler } from 'fastify';
import type { TObject, TSchema } from 'typebox';
import { KIB } from '../core/bytes.ts';
import { authenticationHook } from './authenticate.ts';
import type { Deps } from './deps.ts';
import { bodyTooLarge } from './framework-errors.ts';
import type { Route } from './route.ts';

/** Serves the routes of the table: those that take a stream from a scope of their own, where nothing parses bodies. */
export function registerRoutes(app: FastifyInstance, routes: readonly Route[], deps: Deps): void {
  discardBodies(app);
  for (const route of routes) if (route.body === 'none') registerRoute(app, route, deps);
  app.register(async (documents) => {
    readJsonBodies(documents);
    for (const route of routes) if (typeof route.body === 'object') registerRoute(documents, route, deps);
  });
  app.register(async (streams) => {
    streams.removeAllContentTypeParsers();
    // The handler reads the request itself: nothing may be taken from it before.
    streams.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const route of routes) if (route.body === 'stream') registerRoute(streams, route, deps);
  });
}

function registerRoute(app: FastifyInstance, route: Route, deps: Deps): void {
  const { http } = deps.config;
  const bodyBytesMax = bodyBytesMaxOf(route, http.bodyBytesMax);
  app.route({
    method: route.method,
    url: route.path,
    exposeHeadRoute: route.method === 'GET',
    bodyLimit: bodyBytesMax,
    schema: {
      ...(route.query === null ? {} : { querystring: withoutIds(route.query) }),
      ...(typeof route.body === 'object' ? { body: withoutIds(route.body) } : {}),
      ...(route.success.schema === null
        ? {}
        : { response: { [route.success.status]: withoutIds(route.success.schema) } }),
    },
    onRequest: [
      ...(route.access === 'public'
        ? []
        : [authenticationHook(route.access, deps.verifier, http.metricsToken)]),
      ...(route.body === 'stream' ? [] : [refuseLargeBodies(bodyBytesMax)]),
    ],
    ...(route.query === null ? {} : { preValidation: readIntegers(route.query) }),
    handler: (request, reply) => route.handle(request, reply),
  });
}

/** Most bytes of a JSON body: the metadata of an upload, its name, and what its key needs. */
const JSON_BYTES_MAX = 64 * KIB;

function bodyBytesMaxOf(route: Route, bodyBytesMax: number): number {
  return typeof route.body === 'object' ? Math.min(bodyBytesMax, JSON_BYTES_MAX) : bodyBytesMax;
}

/** In this scope bodies are JSON, or refused as `unsupported_media_type`. */
function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parse);
}

/** Where a route takes no body: what clients send along is read within the limit and forgotten. */
function discardBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined));
}

/** Fastify looks at bodies only where it parses them; a GET with a large body is refused as well. */
function refuseLargeBodies(bodyBytesMax: number): onRequestHookHandler {
  return (request, _reply, done) => {
    const length = Number(request.headers['content-length'] ?? 0);
    if (length <= bodyBytesMax) {
      done();
      return;
    }
    done(bodyTooLarge(bodyBytesMax));
  };
}

/**
 * Makes numbers of the query's whole numbers, written in decimal digits and no other way: Ajv's own coercion would take
 * `1e2` and `0x10`, which no client means.
 */
function readIntegers(query: TObject): preValidationHookHandler {
  const names = Object.entries(query.properties)
    .filter(([, schema]) => 'type' in schema && schema.type === 'integer')
    .map(([name]) => name);
  return (request, _reply, done) => {
    const values = request.query as Record<string, unknown>;
    for (const name of names) {
      const value = values[name];
      if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) values[name] = Number(value);
    }
    done();
  };
}

/** Fastify's compilers keep schemas by `$id` and refuse to see one twice; the ids are for the documents. */
function withoutIds(schema: TSchema): TSchema {
  return JSON.parse(JSON.stringify(schema, (name, value: unknown) => (name === '$id' ? undefined : value)));
}
