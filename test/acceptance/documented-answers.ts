import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from './http.ts';
import type { Problem } from './wire.ts';

/** OpenAPI's document, as far as it is read here. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>;
  readonly components?: unknown;
}

interface Operation {
  readonly responses: Readonly<Record<string, Response | undefined>>;
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema?: { readonly properties?: Properties } }>>;
}

interface Properties {
  readonly code?: { readonly enum: readonly string[] };
}

/** Compares what operations answer with what OpenAPI's document says of them. */
export class DocumentedAnswers {
  readonly #document: OpenApi;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.#document = closed(document);
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(this.#document, 'openapi');
  }

  /**
   * Asserts that the document names the status of an answer that is no error, the code of a problem, and each field of other JSON with its
   * type. Of what is no operation it can't tell.
   */
  check(method: string, target: string, answer: Answer): void {
    const found = this.#operationOf(method, target.replace(/\?.*$/s, ''));
    if (method === 'HEAD' || found === undefined) return;
    const { operation, template } = found;
    const mediaType = /^[^;]*/.exec(answer.headers['content-type'] ?? '')?.[0] ?? '';
    const what = `${method} ${target} answered ${answer.status}`;
    const content = operation.responses[answer.status]?.content?.[mediaType];
    if (mediaType === 'application/problem+json') {
      const { code } = answer.json<Problem>();
      const isKnown = content?.schema?.properties?.code?.enum.includes(code);
      assert.ok(isKnown, `${what} ${code}, of which openapi.json says nothing`);
    }
    if (answer.status < 400)
      assert.ok(operation.responses[answer.status], `${what}, of which openapi.json says nothing`);
    if (!/^application\/(?:problem\+)?json$/.test(mediaType)) return;
    assert.ok(content, `${what} JSON, of which openapi.json says nothing`);
    // The document itself has none.
    if (content.schema === undefined) return;
    const place = ['paths', template, method.toLowerCase(), 'responses', answer.status, 'content', mediaType];
    const validate = this.#validatorOf([...place, 'schema']);
    const isValid = validate(answer.json());
    assert.ok(isValid, `${what} otherwise than openapi.json says: ${this.#ajv.errorsText(validate.errors)}`);
  }

  #validatorOf(place: readonly (string | number)[]): ValidateFunction {
    const pointer = place.map((part) =>
      encodeURIComponent(`${part}`.replaceAll('~', '~0').replaceAll('/', '~1')),
    );
    const $ref = `openapi#/${pointer.join('/')}`;
    const known = this.#validators.get($ref) ?? this.#ajv.compile({ $ref });
    this.#validators.set($ref, known);
    return known;
  }

  #operationOf(method: string, path: string): { operation: Operation; template: string } | undefined {
    const { paths } = this.#document;
    // The one with the fewest placeholders: /api/assets/mine is no id.
    const [template] = Object.keys(paths)
      .filter((candidate) => new RegExp(`^${candidate.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path))
      .sort((a, b) => a.split('{').length - b.split('{').length);
    const operation = template === undefined ? undefined : paths[template]?.[method.toLowerCase()];
    return template === undefined || operation === undefined ? undefined : { operation, template };
  }
}

/** The document with every object closed that does not say that it is open: a field that it does not name is an error. */
function closed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(closed) as T;
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, closed(part)]));
  const isObjectSchema = copy.type === 'object' && 'properties' in copy;
  return (isObjectSchema ? { additionalProperties: false, ...copy } : copy) as T;
}
