import assert from 'node:assert/strict';
import type { ProblemJson } from '../protocol/index.ts';
import { openApiDocument } from './openapi.ts';
import { errorCodesOf, type Route } from './route.ts';
import { patternOf } from './unknown-routes.ts';

/** The headers that the document names wherever they are sent. */
const NAMED_HEADERS = [
  ...['accept-ranges', 'content-range', 'etag', 'location', 'retry-after', 'www-authenticate'],
  ...['ratelimit', 'ratelimit-limit', 'ratelimit-policy', 'ratelimit-remaining', 'ratelimit-reset'],
] as const;

/** Asserts of an answer that the document has its status, the code of a problem and its headers. */
export type AnswerCheck = (method: string, url: URL, answer: Response) => Promise<void>;

interface Operations {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly headers?: Readonly<Record<string, unknown>> }>>;
}

/** For tests: compares the answers of a server with what is said of its routes. HEAD is said nothing of. */
export function documentedAnswers(routes: readonly Route[]): AnswerCheck {
  const { paths } = openApiDocument(routes, 'http://files.test') as unknown as Operations;
  const operations = new Map(
    Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .map((operation) => [operation.operationId, operation]),
  );
  const patterns = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  return async (method, { pathname }, answer) => {
    const found = patterns.find(({ route, pattern }) => route.method === method && pattern.test(pathname));
    if (found === undefined) return;
    const { route } = found;
    const what = `${method} ${route.path} answered ${answer.status}`;
    if (answer.headers.get('content-type') === 'application/problem+json') {
      const { code } = (await answer.clone().json()) as ProblemJson;
      assert.ok(
        errorCodesOf(route).some((each) => each === code),
        `${what} ${code}, which is undocumented`,
      );
    }
    const response = operations.get(route.operation)?.responses[answer.status];
    assert.ok(response !== undefined, `${what}, which is undocumented`);
    const documented = new Set(Object.keys(response.headers ?? {}).map((name) => name.toLowerCase()));
    for (const name of NAMED_HEADERS) {
      if (answer.headers.has(name)) assert.ok(documented.has(name), `${what} with an undocumented ${name}`);
    }
  };
}
