import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { backendOfRun } from './clouds.ts';
import { type Service, startService } from './service.ts';
import type { Health } from './wire.ts';

let service: Service;
before(async () => {
  service = await startService();
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

describe('health', () => {
  test('reports each dependency, to anyone', async () => {
    const answer = await service.send('GET', '/api/health');
    assert.equal(answer.status, 200);
    const health = answer.json<Health>();
    assert.equal(health.status, 'ok');
    assert.equal(health.dependencies.database.status, 'connected');
    assert.equal(typeof health.dependencies.database.latency_ms, 'number');
    assert.equal(health.dependencies.storage.backend, backendOfRun());
    assert.equal(typeof health.dependencies.storage.status, 'string');
    assert.doesNotMatch(answer.text, /\/tmp|socket|postgres(ql)?:/);
  });

  test('live and ready are for orchestrators', async () => {
    assert.equal((await service.send('GET', '/api/health/live')).status, 200);
    assert.equal((await service.send('GET', '/api/health/ready')).status, 200);
  });

  test('is not measured by the request: a thousand cost next to nothing', async () => {
    const startedMs = performance.now();
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(Array.from({ length: 50 }, () => service.send('GET', '/api/health')));
    }
    assert.ok(performance.now() - startedMs < 10_000);
  });
});

/** The parts of an OpenAPI document that the checks need. */
interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly securitySchemes?: Readonly<Record<string, unknown>> };
}

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

/** The routes of DESIGN.md that this version has, with the statuses that each must document. */
const OPERATIONS: readonly (readonly [string, string, readonly number[]])[] = [
  ['post', '/api/upload', [200, 400, 401, 413, 415, 429, 503]],
  ['get', '/api/assets', [200, 400, 401]],
  ['get', '/api/assets/{id}', [200, 401, 403, 404]],
  ['get', '/api/assets/{id}/presigned', [200, 400, 401, 403, 404]],
  ['get', '/api/assets/{id}/download', [200, 206, 304, 401, 403, 404, 416]],
  ['delete', '/api/assets/{id}', [204, 401, 403, 404]],
  ['get', '/api/assets/{id}/access-log', [200, 401, 403, 404]],
  ['get', '/api/access-log', [200, 400, 401, 403]],
  ['delete', '/api/users/{id}', [202, 401, 403]],
  ['get', '/api/usage', [200, 401]],
  ['get', '/api/health', [200]],
  ['get', '/api/health/live', [200]],
  ['get', '/api/health/ready', [200, 503]],
];

describe('openapi.json', () => {
  const read = async () => (await service.send('GET', '/api/openapi.json')).json<OpenApi>();
  const operations = (document: OpenApi) =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => /^(get|post|put|patch|delete|head|options)$/.test(method))
        .map(([method, operation]) => ({ path, method, operation })),
    );

  test('is OpenAPI 3.1 with a title and a version', async () => {
    const document = await read();
    assert.match(document.openapi, /^3\.1\.\d+$/);
    assert.ok(document.info.title.length > 0);
    assert.match(document.info.version, /^\d+\.\d+\.\d+/);
  });

  for (const [method, path, statuses] of OPERATIONS) {
    test(`documents ${method.toUpperCase()} ${path} with its answers`, async () => {
      const anyId = (text: string) => text.replaceAll(/\{[^}]+\}/g, '{}');
      const found = operations(await read()).find(
        (each) => each.method === method && anyId(each.path) === anyId(path),
      );
      assert.ok(found, 'the operation is missing');
      for (const status of statuses) {
        assert.ok(
          String(status) in found.operation.responses,
          `${status} is not among ${Object.keys(found.operation.responses)}`,
        );
      }
    });
  }

  test('every operation has a unique id, a summary, its path parameters and problems for its errors', async () => {
    const document = await read();
    const ids = new Set<string>();
    for (const { path, method, operation } of operations(document)) {
      const where = `${method} ${path}`;
      assert.ok(operation.operationId && !ids.has(operation.operationId), `operationId of ${where}`);
      ids.add(operation.operationId);
      assert.ok(operation.summary, `summary of ${where}`);
      for (const [, name] of path.matchAll(/\{([^}]+)\}/g)) {
        const parameter = operation.parameters?.find((each) => each.name === name && each.in === 'path');
        assert.equal(parameter?.required, true, `{${name}} of ${where}`);
      }
      for (const [status, response] of Object.entries(operation.responses)) {
        if (!/^[45]\d\d$/.test(status) || path.startsWith('/api/health')) continue;
        const text = JSON.stringify(resolve(document, response));
        assert.match(text, /application\/problem\+json/, `${status} of ${where}`);
      }
    }
  });

  test('names the error codes of each operation', async () => {
    const text = JSON.stringify((await read()).paths['/api/upload']);
    for (const code of [
      'invalid_file_type',
      'file_type_mismatch',
      'suspicious_content',
      'empty_file',
      'filename_too_long',
      'too_many_files',
      'unknown_asset_type',
      'digest_mismatch',
      'file_too_large',
      'rate_limited',
    ]) {
      assert.ok(text.includes(code), `${code} is not documented for the upload`);
    }
  });

  test('every reference leads somewhere', async () => {
    const document = await read();
    const walk = (value: unknown): void => {
      if (Array.isArray(value)) for (const each of value) walk(each);
      else if (typeof value === 'object' && value !== null) {
        const { $ref } = value as { $ref?: unknown };
        if (typeof $ref === 'string') assert.ok(resolve(document, value) !== undefined, $ref);
        for (const each of Object.values(value)) walk(each);
      }
    };
    walk(document);
  });

  test('says that a bearer token is needed where it is, and only there', async () => {
    const document = await read();
    assert.match(JSON.stringify(document.components?.securitySchemes), /"bearer"/i);
    for (const { path, operation } of operations(document)) {
      const open = /^\/(api\/(health|docs|openapi)|files|public|cdn)/.test(path);
      const guarded =
        (operation.security ?? (document as { security?: readonly unknown[] }).security ?? []).length > 0;
      assert.equal(guarded, !open, path);
    }
  });
});

/** Follows a local reference; other values are returned as they are. */
function resolve(document: OpenApi, value: unknown): unknown {
  const reference = (value as { $ref?: unknown })?.$ref;
  if (typeof reference !== 'string') return value;
  let found: unknown = document;
  for (const step of reference.replace(/^#\//, '').split('/')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    found = (found as Record<string, unknown> | undefined)?.[name];
  }
  return found;
}

describe('/api/docs', () => {
  test('is a page that loads nothing from elsewhere', async () => {
    const answer = await service.send('GET', '/api/docs');
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'] ?? '', /^text\/html/);
    const loads = [...answer.text.matchAll(/(?:src|href|action)\s*=\s*["']?([^"'\s>]+)/gi)].map(
      (match) => match[1] ?? '',
    );
    for (const target of loads) {
      if (/^(#|data:)/.test(target)) continue;
      const url = new URL(target, `${service.origin}/api/docs`);
      assert.equal(url.origin, service.origin, `${target} is elsewhere`);
      assert.equal((await service.send('GET', url.href)).status, 200, `${target} is missing`);
    }
    assert.doesNotMatch(answer.text, /@import|url\(\s*["']?https?:/);
    for (const [, path] of OPERATIONS)
      assert.ok(answer.text.includes(path.split('{')[0] ?? path), `${path} is not shown`);
  });
});
