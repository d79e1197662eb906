import { DOCS_CSP, renderDocsPage } from '../docs-page.ts';
import { openApiDocument } from '../openapi.ts';
import { publicRoute, type Route } from '../route.ts';

/** What the documents are made of, known once the table is complete. */
export interface DocumentSources {
  readonly routes: () => readonly Route[];
  readonly publicUrl: () => string;
}

/** `GET /api/openapi.json`: the description of every route, made from the schemas that validate. */
export function openApi(sources: DocumentSources): Route {
  let text: string | undefined;
  return publicRoute({
    method: 'GET',
    path: '/api/openapi.json',
    operation: 'openApi',
    summary: 'This description as OpenAPI 3.1',
    success: { status: 200, description: 'The document.', mediaType: 'application/json' },
    errors: [],
    handle: async (_request, reply) => {
      text ??= JSON.stringify(openApiDocument(sources.routes(), sources.publicUrl()));
      return reply.header('content-type', 'application/json; charset=utf-8').send(text);
    },
  });
}

/** `GET /api/docs`: the same for people. */
export function docs(sources: DocumentSources): Route {
  let page: string | undefined;
  return publicRoute({
    method: 'GET',
    path: '/api/docs',
    operation: 'docs',
    summary: 'This description as a page',
    success: { status: 200, description: 'The page.', mediaType: 'text/html' },
    errors: [],
    handle: async (_request, reply) => {
      page ??= renderDocsPage(sources.routes());
      return reply
        .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': DOCS_CSP })
        .send(page);
    },
  });
}
