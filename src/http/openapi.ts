import type { TSchema } from 'typebox';
import { ERROR_TRAITS, type ErrorCode } from '../core/errors.ts';
import { PROBLEM_MEDIA_TYPE, ProblemSchema } from '../protocol/index.ts';
import { ERROR_HEADERS } from './error-headers.ts';
import { errorCodesOf, type HeaderFacts, type Route } from './route.ts';
import { packageVersion } from './version.ts';

type Json = { [name: string]: unknown };

/** The description of the routes in OpenAPI 3.1, made from the very schemas that validate and serialize. */
export function openApiDocument(routes: readonly Route[], serverUrl: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = templatePath(route.path);
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Stowage',
      version: packageVersion(),
      description: "A safe home for the files that an application's users upload.",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: "A user's token." },
        metricsToken: { type: 'http', scheme: 'bearer', description: 'The metrics token.' },
      },
    },
  };
}

/** `/api/assets/:asset_id` as `/api/assets/{asset_id}`; the wildcard is a parameter named `key`. */
export function templatePath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace('*', '{key}');
}

function operation(route: Route, schemas: Json): Json {
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(route.description === '' ? {} : { description: route.description }),
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(route.requestBody === null ? {} : { requestBody: reference(route.requestBody, schemas) }),
    responses: { ...successResponses(route, schemas), ...errorResponses(route, schemas) },
    security: security(route),
  };
}

function security(route: Route): readonly Json[] {
  if (route.access === 'public') return [];
  return route.access === 'metrics' ? [{ token: [] }, { metricsToken: [] }] : [{ token: [] }];
}

function pathParameters(route: Route): readonly Json[] {
  return Object.entries(route.params).map(([name, description]) => ({
    name: name === '*' ? 'key' : name,
    in: 'path',
    required: true,
    description,
    schema:
      name === 'asset_id' || name === 'upload_id' ? { type: 'string', format: 'uuid' } : { type: 'string' },
  }));
}

function queryParameters(route: Route): readonly Json[] {
  const requiredNames: readonly string[] = route.query?.required ?? [];
  return Object.entries(route.query?.properties ?? {}).map(([name, schema]) => {
    const { description, ...rest } = schema as TSchema & { description?: string; default?: unknown };
    return {
      name,
      in: 'query',
      // A parameter with a default is required of nobody.
      required: rest.default === undefined && requiredNames.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function headerParameters(route: Route): readonly Json[] {
  return Object.entries(route.headers).map(([name, facts]) => ({
    name,
    in: 'header',
    required: false,
    ...facts,
  }));
}

function successResponses(route: Route, schemas: Json): Json {
  const { status, description, schema, mediaType, others, headers } = route.success;
  const type = schema === null ? mediaType : 'application/json';
  const media = schema === null ? {} : { schema: reference(schema, schemas) };
  const responses: Json = {
    [status]: {
      description,
      ...headersMember(headers[status]),
      ...(type === null ? {} : { content: { [type]: media } }),
    },
  };
  for (const [other, text] of Object.entries(others)) {
    const hasBody = type !== null && other !== '304';
    responses[other] = {
      description: text,
      ...headersMember(headers[Number(other)]),
      ...(hasBody ? { content: { [type]: media } } : {}),
    };
  }
  return responses;
}

function headersMember(headers: HeaderFacts | undefined): Json {
  return headers === undefined ? {} : { headers };
}

/** One response per status, which names the codes that have it. */
function errorResponses(route: Route, schemas: Json): Json {
  const codesByStatus = new Map<number, ErrorCode[]>();
  for (const code of errorCodesOf(route)) {
    const status = ERROR_TRAITS[code].httpStatus;
    codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code]);
  }
  const problem = reference(ProblemSchema, schemas);
  const responses: Json = {};
  for (const [status, codes] of codesByStatus) {
    const schema = { allOf: [problem], properties: { code: { enum: codes } } };
    responses[status] = {
      description: codes.map((code) => `\`${code}\`: ${ERROR_TRAITS[code].title}.`).join(' '),
      ...headersMember(ERROR_HEADERS[status]),
      content: { [PROBLEM_MEDIA_TYPE]: { schema } },
    };
  }
  return responses;
}

/** Puts every named schema among the components, once, and a reference in its place. */
function reference(schema: unknown, schemas: Json): unknown {
  if (Array.isArray(schema)) return schema.map((each) => reference(each, schemas));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id, ...rest } = schema as Json;
  const inner = Object.fromEntries(
    Object.entries(rest).map(([name, each]) => [name, reference(each, schemas)]),
  );
  if (typeof $id !== 'string') return inner;
  schemas[$id] = inner;
  return { $ref: `#/components/schemas/${$id}` };
}
