import { createHash } from 'node:crypto';
import type { TSchema } from 'typebox';
import { ERROR_TRAITS, type ErrorCode, type ErrorTraits } from '../core/errors.ts';
import { DOCS_STYLE } from './docs-style.ts';
import { templatePath } from './openapi.ts';
import { errorCodesOf, type HeaderFacts, type Route } from './route.ts';
import { packageVersion } from './version.ts';

/** The page's own style and nothing else: no script, no image, no font from anywhere. */
export const DOCS_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256')
  .update(DOCS_STYLE)
  .digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The description of the routes for people: one page, readable without scripts. */
export function renderDocsPage(routes: readonly Route[]): string {
  const version = packageVersion();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stowage ${version}</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<nav aria-label="Contents"><h1>Stowage <small>${version}</small></h1>
<ul>${routes.map(contentsLine).join('')}</ul>
<p><a href="#errors">Errors</a> · <a href="/api/openapi.json">OpenAPI 3.1</a></p></nav>
<main>
<p class="lead">A safe home for the files that an application's users upload. Requests carry
<code>Authorization: Bearer &lt;token&gt;</code>; answers are JSON, errors <code>application/problem+json</code>.</p>
${routes.map(routeSection).join('\n')}
${errorsSection(routes)}
</main>
</body>
</html>
`;
}

function contentsLine(route: Route): string {
  return `<li><a href="#${route.operation}">${method(route)} <span>${escapeHtml(templatePath(route.path))}</span></a></li>`;
}

const ACCESS_WORDS = {
  public: 'no token',
  user: 'token',
  admin: "admin's token",
  metrics: "admin's or metrics token",
} as const;

function routeSection(route: Route): string {
  const parameters = [
    ...Object.entries(route.params).map(([name, text]) => row(name === '*' ? 'key' : name, 'path', text)),
    ...Object.entries(route.query?.properties ?? {}).map(([name, schema]) => queryRow(name, schema)),
    ...Object.entries(route.headers).map(([name, { description }]) => row(name, 'header', description)),
  ];
  const codes = errorCodesOf(route);
  return `<section id="${route.operation}">
<h2>${method(route)} <code>${escapeHtml(templatePath(route.path))}</code></h2>
<p class="summary">${escapeHtml(route.summary)}. <span class="access">${ACCESS_WORDS[route.access]}</span></p>
${route.description === '' ? '' : `<p>${prose(route.description)}</p>`}
${table('Parameters', ['Name', 'In', 'Meaning'], parameters)}
${bodySection(route)}
<h3>Answers</h3>
<ul class="answers">${answers(route)}</ul>
${route.success.schema === null ? '' : schemaDetails(route.success.schema)}
<details><summary>${codes.length} error codes</summary><p>${codes.map(codeLink).join(' ')}</p></details>
</section>`;
}

function queryRow(name: string, schema: TSchema): string {
  const {
    description = '',
    default: fallback,
    minimum,
    maximum,
    enum: values,
  } = schema as Record<string, unknown>;
  const facts = [
    Array.isArray(values) ? values.map((value) => `\`${value}\``).join(', ') : '',
    minimum === undefined ? '' : `${minimum} to ${maximum}`,
    fallback === undefined ? '' : `default \`${fallback}\``,
  ].filter((fact) => fact !== '');
  return row(name, 'query', `${description}${facts.length > 0 ? ` (${facts.join('; ')})` : ''}`);
}

function bodySection(route: Route): string {
  const body = route.requestBody as { content: Record<string, { schema?: { properties?: object } }> } | null;
  const [type, media] = Object.entries(body?.content ?? {})[0] ?? [];
  if (type === undefined) return '';
  const rows = propertyRows(media?.schema);
  return table(`Body: ${type}`, ['Field', 'Type', 'Meaning'], rows) || `<h3>Body: ${escapeHtml(type)}</h3>`;
}

function answers(route: Route): string {
  const { status, description, others, headers } = route.success;
  return [[status, description] as const, ...Object.entries(others)]
    .map(
      ([code, text]) =>
        `<li><code>${code}</code> ${escapeHtml(text)}${headerNames(headers[Number(code)] ?? {})}</li>`,
    )
    .join('');
}

function headerNames(headers: HeaderFacts): string {
  const names = Object.keys(headers).map((name) => `<code>${escapeHtml(name)}</code>`);
  return names.length === 0 ? '' : ` With ${names.join(', ')}.`;
}

function schemaDetails(schema: TSchema): string {
  const { $id } = schema as { $id?: string };
  const shown = innermost(schema);
  return `<details><summary>Shape of ${escapeHtml($id ?? 'the answer')}</summary>${table('', ['Field', 'Type', 'Meaning'], propertyRows(shown))}</details>`;
}

/** A page of things is best explained by the thing. */
function innermost(schema: TSchema): TSchema {
  const { properties = {} } = schema as { properties?: Record<string, { items?: TSchema }> };
  const list = Object.values(properties).find((property) => property.items !== undefined);
  return list?.items ?? schema;
}

function propertyRows(schema: unknown): readonly string[] {
  const { properties = {} } = (schema ?? {}) as { properties?: Record<string, Record<string, unknown>> };
  return Object.entries(properties).map(([name, property]) =>
    row(name, typeWords(property), String(property.description ?? '')),
  );
}

function typeWords(property: Record<string, unknown>): string {
  const { type, format, enum: values } = property;
  if (Array.isArray(values)) return values.join(' | ');
  const words = Array.isArray(type) ? type.join(' | ') : String(type ?? 'any');
  return typeof format === 'string' ? `${words} (${format})` : words;
}

function errorsSection(routes: readonly Route[]): string {
  const used = new Set(routes.flatMap(errorCodesOf));
  const traits: readonly (readonly [string, ErrorTraits])[] = Object.entries(ERROR_TRAITS);
  const rows = traits
    .filter(([code]) => used.has(code as ErrorCode))
    .map(
      ([code, { httpStatus, title, retryable }]) =>
        `<tr id="error-${code}"><td><code>${code}</code></td><td>${httpStatus}</td><td>${escapeHtml(title)}${retryable ? ' <em>(try again later)</em>' : ''}</td></tr>`,
    );
  return `<section id="errors"><h2>Errors</h2>${table('', ['Code', 'Status', 'Meaning'], rows)}</section>`;
}

function codeLink(code: string): string {
  return `<a class="code" href="#error-${code}">${code}</a>`;
}

function method(route: Route): string {
  return `<b class="${route.method.toLowerCase()}">${route.method}</b>`;
}

function table(title: string, heads: readonly string[], rows: readonly string[]): string {
  if (rows.length === 0) return '';
  const heading = title === '' ? '' : `<h3>${escapeHtml(title)}</h3>`;
  return `${heading}<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function row(name: string, kind: string, meaning: string): string {
  return `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(kind)}</td><td>${prose(meaning)}</td></tr>`;
}

/** Text with `code` in backquotes. */
function prose(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
