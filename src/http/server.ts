import Fastify, { type FastifyInstance } from 'fastify';
import { parseTrustedProxies } from '../access/client-address.ts';
import { AssetFacts } from '../delivery/asset-facts.ts';
import { createAssetUrls } from '../delivery/asset-urls.ts';
import { openCdn } from '../delivery/cdn/cdn.ts';
import { LoggedUrls } from '../delivery/logged-urls.ts';
import { SmallBodies } from '../delivery/small-bodies.ts';
import { AnswersInFlight, closeWithAnswers } from './answers-in-flight.ts';
import { boundConnections, CONNECTIONS_MAX } from './connection-bound.ts';
import { connectionRefusal, IDLE_MS, KEEP_ALIVE_MS, SERVER_SETTINGS } from './connections.ts';
import { allowOrigins } from './cross-origin.ts';
import type { Deps, ServerOptions } from './deps.ts';
import { handleErrors, sendProblem } from './errors.ts';
import { continueOnFirstRead } from './expect-continue.ts';
import { sendVisitorsToDocs } from './front-door.ts';
import { checkProtocol } from './protocol-checks.ts';
import { registerRoutes } from './register-routes.ts';
import { requestIdOf } from './request-context.ts';
import { logRequests } from './request-log.ts';
import type { Route } from './route.ts';
import { routeTable } from './routes/table.ts';
import { securityHeaders, setSecurityHeaders } from './security-headers.ts';
import { SlowBodies } from './slow-bodies.ts';
import { refuseUnknownRoutes } from './unknown-routes.ts';

/** Longest parameter in a path, in characters: a user id of 255, each percent-encoded. */
const PARAM_LENGTH_MAX = 4096;

/** Builds the HTTP server. It does not listen yet. */
export function buildServer(options: ServerOptions): FastifyInstance {
  return serverOf(completeDeps(options));
}

/** The same from what several servers share. */
export function serverOf(deps: Deps): FastifyInstance {
  return buildFrom(deps, routeTable(deps));
}

/** The routes that {@link buildServer} serves, for documents and tests. */
export function describeRoutes(options: ServerOptions): readonly Route[] {
  return routeTable(completeDeps(options));
}

/** What routes work with. */
export function completeDeps(options: ServerOptions): Deps {
  const { cdn: front } = options.config;
  const cdn = front === null || front === undefined ? null : openCdn(front);
  return {
    ...options,
    cdn,
    urls: createAssetUrls({
      stores: options.stores,
      assetTypes: options.config.assetTypes,
      recordUrlSeconds: options.config.storage.signedUrlSeconds,
      publicUrl: options.publicUrl,
      cdn,
      clock: options.clock,
    }),
    facts: new AssetFacts(options.catalog),
    issued: new LoggedUrls(),
    expired: new LoggedUrls(),
    bodies: new SmallBodies(),
    isTrustedProxy: parseTrustedProxies(options.config.http.trustProxy),
  };
}

function buildFrom(deps: Deps, routes: readonly Route[]): FastifyInstance {
  const { log, config } = deps;
  const isHttps = config.http.publicUrl?.startsWith('https:') === true;
  const answers = new AnswersInFlight();
  const refuseConnection = connectionRefusal(answers);
  const app = Fastify({
    // One line per request is written by `logRequests`: a logger per request would cost more than most requests do.
    logger: false,
    http: SERVER_SETTINGS,
    connectionTimeout: IDLE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: SERVER_SETTINGS.requestTimeout,
    bodyLimit: config.http.bodyBytesMax,
    // While it closes, what has arrived is still answered, in our words, and the connection is closed then.
    return503OnClosing: false,
    genReqId: requestIdOf,
    requestIdHeader: false,
    clientErrorHandler: refuseConnection,
    // These come before any hook.
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...securityHeaders(isHttps), 'x-request-id': request.id });
      sendProblem(error, request, reply, log);
    },
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // Nothing is taken out of a request silently, and a parameter given twice is no list.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  closeWithAnswers(app, answers);
  boundConnections(app.server, {
    connectionsMax: CONNECTIONS_MAX,
    closeIdle: () => answers.closeIdle(),
    clock: deps.clock,
    log,
  });
  new SlowBodies(refuseConnection).watch(app.server);
  continueOnFirstRead(app.server);
  app.decorateRequest('principal', null);
  logRequests(app, log, deps.metrics);
  setSecurityHeaders(app, isHttps);
  checkProtocol(app);
  allowOrigins(app, config.http.corsOrigins);
  handleErrors(app, log);
  refuseUnknownRoutes(app, routes, log);
  registerRoutes(app, routes, deps);
  sendVisitorsToDocs(app, deps.publicUrl);
  deps.metrics.watchHealth(deps.health);
  return app;
}
