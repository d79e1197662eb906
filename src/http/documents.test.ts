import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ERROR_TRAITS, type ErrorCode } from '../core/errors.ts';
import { errorCodesOf, type Route } from './route.ts';
import { buildServer, describeRoutes } from './server.ts';
import { openServerFixture, type ServerFixture } from './server-fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> };
  readonly responses: Readonly<
    Record<string, { content?: Record<string, unknown>; headers?: Record<string, object> }>
  >;
  readonly security: readonly object[];
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

type Spec = Parameters<Validator['validate']>[0];

let server: ServerFixture;
let routes: readonly Route[];
let document: Document;
before(async () => {
  server = await openServerFixture();
  routes = describeRoutes(server.options);
  document = (await (await server.ask(null, '/api/openapi.json')).json()) as Document;
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const operations = (of = document) => Object.values(of.paths).flatMap((methods) => Object.values(methods));

function named(operationId: string): Operation {
  const operation = operations().find((each) => each.operationId === operationId);
  assert.ok(operation !== undefined, operationId);
  return operation;
}

describe('the OpenAPI document', () => {
  test('is 3.1 and has every route, and no other', () => {
    assert.equal(document.openapi, '3.1.0');
    assert.deepEqual(
      operations()
        .map((operation) => operation.operationId)
        .sort(),
      routes.map((route) => route.operation).sort(),
    );
  });

  test('keeps to the schema of OpenAPI 3.1, and would not with a response that says nothing', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document) as unknown as Spec);
    assert.deepEqual([valid, errors, validator.version], [true, undefined, '3.1']);
    const broken = structuredClone(document);
    const [response] = operations(broken).flatMap((operation) => Object.values(operation.responses));
    assert.ok(response !== undefined && Reflect.deleteProperty(response, 'description'));
    assert.equal((await new Validator().validate(broken as unknown as Spec)).valid, false);
  });

  test('names every parameter of a path', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      assert.doesNotMatch(path, /[:*]/);
      for (const operation of Object.values(methods)) {
        const named = operation.parameters
          .filter((each) => each.in === 'path')
          .map((each) => `{${each.name}}`);
        assert.deepEqual(path.match(/\{\w+\}/g) ?? [], named, path);
      }
    }
  });

  test('shows of every parameter of a query the very schema that validates it', () => {
    let shown = 0;
    for (const route of routes) {
      const operation = operations().find((each) => each.operationId === route.operation);
      const documented = operation?.parameters.filter((each) => each.in === 'query') ?? [];
      const validated = Object.entries(route.query?.properties ?? {}).map(([name, property]) => {
        const { description: _, ...schema } = JSON.parse(JSON.stringify(property)) as Record<string, unknown>;
        return { name, schema };
      });
      assert.deepEqual(
        documented.map(({ name, schema }) => ({ name, schema })),
        validated,
        route.operation,
      );
      shown += validated.length;
    }
    assert.ok(shown >= 10, `${shown} parameters`);
  });

  test('shows of every JSON body the very schema that validates it', () => {
    const resolved = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(resolved);
      if (typeof value !== 'object' || value === null) return value;
      const { $ref, $id: _, ...rest } = value as Record<string, unknown>;
      if (typeof $ref === 'string')
        return resolved(document.components.schemas[$ref.split('/').at(-1) ?? '']);
      return Object.fromEntries(Object.entries(rest).map(([name, each]) => [name, resolved(each)]));
    };
    const withBody = routes.filter((route) => typeof route.body === 'object');
    assert.ok(withBody.length >= 2);
    for (const route of withBody) {
      const operation = operations().find((each) => each.operationId === route.operation);
      const schema = operation?.requestBody?.content?.['application/json']?.schema;
      assert.deepEqual(resolved(schema), resolved(JSON.parse(JSON.stringify(route.body))), route.operation);
    }
  });

  test('names every code of every operation, under its status', () => {
    for (const route of routes) {
      const operation = operations().find((each) => each.operationId === route.operation);
      for (const code of errorCodesOf(route)) {
        const response = operation?.responses[ERROR_TRAITS[code].httpStatus];
        assert.ok(JSON.stringify(response).includes(`"${code}"`), `${route.operation}: ${code}`);
      }
    }
  });

  test('names what may say more about an upload, and requires no field that may be called or placed otherwise', () => {
    const upload = named('upload');
    const parameters = upload.parameters.map((each) => [each.in, each.name, each.required]);
    assert.deepEqual(parameters, [
      ['query', 'asset_type', false],
      ['header', 'Idempotency-Key', false],
      ['header', 'Repr-Digest', false],
    ]);
    const form = upload.requestBody?.content?.['multipart/form-data']?.schema as object;
    assert.ok('properties' in form && !('required' in form));
  });

  test('names the headers by which content is asked for in part, or only when it is new', () => {
    for (const operation of ['download', 'readFile', 'publicAsset', 'cdnAsset']) {
      const headers = named(operation).parameters.filter((each) => each.in === 'header');
      assert.deepEqual(
        headers.map(({ name }) => name),
        ['Range', 'If-Range', 'If-None-Match'],
      );
    }
  });

  test('names the headers of answers, which are sent', async () => {
    await using limited = await openServerFixture({ filesPerHour: 1 });
    const { asset_id: id, presigned_url: signedUrl } = await limited.store({});
    const content = [
      ['200', {}],
      ['206', { range: 'bytes=0-1' }],
      ['304', { 'if-none-match': '*' }],
      ['416', { range: 'bytes=1000-' }],
    ] as const;
    const requests: readonly (readonly [string, string, string, RequestInit])[] = [
      ...content.map(
        ([status, headers]) =>
          ['download', status, `/api/assets/${id}/download`, { headers: { ...headers } }] as const,
      ),
      ...content.map(
        ([status, headers]) => ['readFile', status, signedUrl, { headers: { ...headers } }] as const,
      ),
      ['upload', '429', '/api/upload', { method: 'POST', body: new FormData() }],
    ];
    for (const [operation, status, target, init] of requests) {
      const answer = await limited.ask({}, target, init);
      await answer.arrayBuffer();
      assert.equal(String(answer.status), status);
      const headers = Object.keys(named(operation).responses[status]?.headers ?? {});
      assert.ok(headers.length > 0, `${operation} ${status}`);
      for (const name of headers) assert.ok(answer.headers.has(name), `${operation} ${status}: ${name}`);
    }
    for (const operation of ['upload', 'beginUpload', 'download'])
      assert.ok('Retry-After' in (named(operation).responses['503']?.headers ?? {}), operation);
    for (const [operation, status] of Object.entries({
      upload: '200',
      beginUpload: '201',
      completeUpload: '200',
    }))
      assert.ok('RateLimit-Remaining' in (named(operation).responses[status]?.headers ?? {}), operation);
  });

  test('has no reference that leads nowhere and no parameter that a default makes optional', () => {
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      assert.ok(name in document.components.schemas, name);
    }
    assert.doesNotMatch(text, /"\$id"/);
    for (const operation of operations()) {
      for (const parameter of operation.parameters) {
        if (parameter.in === 'query') assert.equal(parameter.required, false, parameter.name);
      }
    }
  });

  test('asks for a token where one is needed', () => {
    for (const route of routes) {
      const operation = operations().find((each) => each.operationId === route.operation);
      assert.equal((operation?.security.length ?? 0) > 0, route.access !== 'public', route.operation);
    }
  });
});

describe('the page', () => {
  test('loads nothing and runs nothing; its one style is named in the policy', async () => {
    const answer = await server.ask(null, '/api/docs');
    const page = await answer.text();
    assert.match(answer.headers.get('content-type') ?? '', /^text\/html/);
    assert.doesNotMatch(page, /<script|<img|<link|@import|url\(| on\w+=| style=/i);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    assert.ok(answer.headers.get('content-security-policy')?.includes(`'sha256-${hash}'`));
  });

  test('shows the headers that a route reads and those that it sends', async () => {
    const page = await (await server.ask(null, '/api/docs')).text();
    for (const name of ['Idempotency-Key', 'Repr-Digest', 'Range', 'If-None-Match'])
      assert.ok(page.includes(`<td><code>${name}</code></td><td>header</td>`), name);
    for (const name of ['RateLimit-Remaining', 'ETag', 'Content-Range'])
      assert.match(page, new RegExp(`<li><code>\\d+</code> [^<]* With [^.]*<code>${name}</code>`));
  });

  test('shows every route, and explains every code that a problem can point to', async () => {
    const page = await (await server.ask(null, '/api/docs')).text();
    for (const route of routes) assert.ok(page.includes(`id="${route.operation}"`), route.operation);
    const codes = new Set<ErrorCode>(routes.flatMap(errorCodesOf));
    for (const code of codes) assert.ok(page.includes(`id="error-${code}"`), code);
    const publicCodes = Object.entries(ERROR_TRAITS).filter(([, traits]) => !('publicCode' in traits));
    assert.deepEqual([...codes].sort(), publicCodes.map(([code]) => code).sort());
    for (const [, anchor = ''] of page.matchAll(/href="#([^"]+)"/g))
      assert.ok(page.includes(`id="${anchor}"`), anchor);
  });
});

test('answers have the fields that the document promises, and no more', async () => {
  const asset = await server.store({});
  const schema = document.components.schemas.Asset as { properties: object; required: readonly string[] };
  assert.deepEqual(
    Object.keys(asset).filter((name) => !(name in schema.properties)),
    [],
  );
  assert.deepEqual(
    schema.required.filter((name) => !(name in asset)),
    [],
  );
});

test('whoever opens the address of the service is sent to the page, without a token', async () => {
  const answer = await server.ask(null, '/');
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, '/api/docs']);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  const followed = await server.ask(null, '/', { redirect: 'follow' });
  assert.match(followed.headers.get('content-type') ?? '', /^text\/html/);
  assert.equal((await server.ask(null, '/', { method: 'HEAD' })).status, 302);
  assert.equal((await server.ask(null, '/', { method: 'POST' })).status, 404);
});

test('a path that the service has in its public URL is kept', async () => {
  const app = buildServer({ ...server.options, publicUrl: () => 'https://example.org/files/' });
  const answer = await app.inject('/');
  assert.equal(answer.headers.location, '/files/api/docs');
  await app.close();
});
