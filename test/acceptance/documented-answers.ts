import assert from 'node:assert/strict';
import type { Answer } from './http.ts';
import type { Problem } from './wire.ts';

/** What OpenAPI's document says of the problems that operations answer. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, Response | undefined>>;
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: { readonly properties?: Properties } }>>;
}

interface Properties {
  readonly code?: { readonly enum: readonly string[] };
}

/** Asserts that OpenAPI's document names the code of a problem for the operation that answered it. */
export function assertDocumented(document: OpenApi, method: string, target: string, answer: Answer): void {
  if (method === 'HEAD' || !/^application\/problem\+json\b/.test(answer.headers['content-type'] ?? ''))
    return;
  const operation = operationOf(document, method, target.replace(/\?.*$/s, ''));
  // Of what is no operation the document can't tell.
  if (operation === undefined) return;
  const { code } = answer.json<Problem>();
  const known = operation.responses[answer.status]?.content?.['application/problem+json']?.schema.properties;
  assert.ok(
    known?.code?.enum.includes(code),
    `${method} ${target} answered ${answer.status} ${code}, of which openapi.json says nothing`,
  );
}

function operationOf({ paths }: OpenApi, method: string, path: string): Operation | undefined {
  // The one with the fewest placeholders: /api/assets/mine is no id.
  const [found] = Object.keys(paths)
    .filter((template) => new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path))
    .sort((a, b) => a.split('{').length - b.split('{').length);
  if (found === undefined) return undefined;
  return paths[found]?.[method.toLowerCase()];
}
