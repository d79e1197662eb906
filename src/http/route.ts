import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TObject, TProperties, TSchema } from 'typebox';
import type { ErrorCode } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';

/** Who may call a route: anyone; a user; an admin of the tenant; an admin or whoever has the metrics token. */
export type RouteAccess = 'public' | 'user' | 'admin' | 'metrics';

/** One route: what is served, validated, documented and tested, in one place. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Fastify's pattern, for example `/api/assets/:asset_id`. */
  readonly path: string;
  /** Unique name of the operation, in camel case. */
  readonly operation: string;
  readonly summary: string;
  readonly description: string;
  readonly access: RouteAccess;
  /** What the parameters in the path mean, by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: TObject | null;
  /** The headers of a request that the handler reads itself, by name. */
  readonly headers: HeaderFacts;
  /**
   * `stream`: the handler reads the body itself, whatever its type; documented by `requestBody`. A schema: the body is
   * JSON of that shape.
   */
  readonly body: 'none' | 'stream' | TObject;
  /** OpenAPI's `requestBody`; null when there is none. */
  readonly requestBody: object | null;
  readonly success: SuccessAnswer;
  /** Every error code the route can answer, beside those that any route can (see `errorCodesOf`). */
  readonly errors: readonly ErrorCode[];
  handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

/** What OpenAPI says of headers, by name. */
export type HeaderFacts = Readonly<Record<string, { readonly description: string; readonly schema: object }>>;

/** What a route answers when all is well. */
export interface SuccessAnswer {
  readonly status: number;
  readonly description: string;
  /** Schema of a JSON body, used for serializing too; null for other bodies and none. */
  readonly schema: TSchema | null;
  /** Media type of a body that is not JSON; null for JSON and none. */
  readonly mediaType: string | null;
  /** Further statuses with their descriptions, for example 304. */
  readonly others: Readonly<Record<number, string>>;
  /** Headers beside those of every answer, by status. */
  readonly headers: Readonly<Record<number, HeaderFacts>>;
}

/** What a handler knows of a request whose token was verified. */
export interface Call<Query> {
  readonly principal: Principal;
  readonly query: Query;
  readonly params: Readonly<Record<string, string>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type Spec<Query extends TProperties, Handler> = Pick<
  Route,
  'method' | 'path' | 'operation' | 'summary' | 'errors'
> &
  Partial<Pick<Route, 'description' | 'params' | 'headers' | 'body' | 'requestBody'>> & {
    readonly query?: TObject<Query>;
    readonly success: Partial<SuccessAnswer> & Pick<SuccessAnswer, 'status' | 'description'>;
    readonly handle: Handler;
  };

/** Declares a route for users, or for admins alone. */
export function userRoute<Query extends TProperties>(
  spec: Spec<Query, (call: Call<Static<TObject<Query>>>) => Promise<unknown>> & {
    readonly access?: 'user' | 'admin' | 'metrics';
  },
): Route {
  const { handle } = spec;
  return {
    ...complete(spec),
    access: spec.access ?? 'user',
    handle: (request, reply) => {
      if (request.principal === null) throw new Error('A route for users was reached without a token.');
      // The query has passed the schema that its type is made from.
      const query = request.query as Static<TObject<Query>>;
      return handle({ principal: request.principal, query, params: paramsOf(request), request, reply });
    },
  };
}

/** Declares a route that anyone may call. */
export function publicRoute(
  spec: Spec<TProperties, Route['handle']> & { readonly access?: 'public' | 'metrics' },
): Route {
  return { ...complete(spec), access: spec.access ?? 'public', handle: spec.handle };
}

function complete(spec: Spec<TProperties, unknown>) {
  return {
    method: spec.method,
    path: spec.path,
    operation: spec.operation,
    summary: spec.summary,
    description: spec.description ?? '',
    params: spec.params ?? {},
    query: spec.query ?? null,
    headers: spec.headers ?? {},
    body: spec.body ?? 'none',
    requestBody: spec.requestBody ?? jsonBody(spec.body),
    success: { schema: null, mediaType: null, others: {}, headers: {}, ...spec.success },
    errors: spec.errors,
  } as const;
}

function jsonBody(body: Route['body'] | undefined): object | null {
  if (typeof body !== 'object') return null;
  return { required: true, content: { 'application/json': { schema: body } } };
}

function paramsOf(request: FastifyRequest): Readonly<Record<string, string>> {
  return request.params as Readonly<Record<string, string>>;
}

/** What a JSON body can have wrong. */
const JSON_CODES = ['invalid_parameter', 'missing_field'] as const;

/** Every error code that a route can answer: its own, and those that come before any handler. */
export function errorCodesOf(route: Route): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([
    'malformed_request',
    'request_too_large',
    'internal_error',
    ...route.errors,
  ]);
  if (route.access !== 'public') codes.add('unauthenticated');
  if (route.access === 'admin' || route.access === 'metrics') codes.add('forbidden');
  if (route.query !== null) codes.add('invalid_parameter');
  // Refused for a Content-Type that is none, even where the body is not looked at.
  if (route.method !== 'GET') codes.add('unsupported_media_type');
  if (typeof route.body === 'object') for (const code of JSON_CODES) codes.add(code);
  return [...codes].sort();
}
