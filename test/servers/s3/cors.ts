import { type Exchange, header, insides, refusals, sendEmpty, textOf } from './answers.ts';
import type { BucketState, CorsRule } from './store.ts';

/** Reads a CORS configuration. */
export function readCors(text: string): readonly CorsRule[] {
  const rules = insides(text, 'CORSRule').map((rule) => ({
    origins: insides(rule, 'AllowedOrigin'),
    methods: insides(rule, 'AllowedMethod'),
    allowedHeaders: insides(rule, 'AllowedHeader').map((each) => each.toLowerCase()),
    exposeHeaders: insides(rule, 'ExposeHeader'),
    maxAgeSeconds: textOf(rule, 'MaxAgeSeconds'),
  }));
  const isGood = rules.every(({ origins, methods }) => origins.length > 0 && methods.length > 0);
  if (rules.length === 0 || !isGood) throw refusals.malformedXml();
  return rules;
}

/** Answers a browser's question whether a page may send a request; it needs no signature. */
export function answerPreflight(exchange: Exchange, bucket: BucketState): void {
  const origin = header(exchange, 'origin');
  const method = header(exchange, 'access-control-request-method');
  if (origin === undefined || method === undefined)
    throw refusals.invalidRequest('Insufficient information. Origin request header needed.');
  const asked = (header(exchange, 'access-control-request-headers') ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== '');
  const rule = bucket.cors?.rules.find(
    (each) =>
      admits(each, origin, method) &&
      asked.every((name) => each.allowedHeaders.some((allowed) => matches(allowed, name))),
  );
  if (rule === undefined)
    throw refusals.denied('CORSResponse: This CORS request is not allowed.', 'AccessForbidden');
  sendEmpty(exchange, 200, {
    ...headersOf(rule, origin),
    ...(asked.length === 0 ? {} : { 'access-control-allow-headers': asked.join(', ') }),
  });
}

/** Lets the page that sent a request read its answer, where a rule says so. */
export function allowOrigin(exchange: Exchange, bucket: BucketState): void {
  const origin = header(exchange, 'origin');
  if (origin === undefined) return;
  const rule = bucket.cors?.rules.find((each) => admits(each, origin, exchange.method));
  if (rule === undefined) return;
  for (const [name, value] of Object.entries(headersOf(rule, origin)))
    exchange.response.setHeader(name, value);
}

function headersOf(
  { origins, methods, exposeHeaders, maxAgeSeconds }: CorsRule,
  origin: string,
): Record<string, string> {
  return {
    'access-control-allow-origin': origins.includes('*') ? '*' : origin,
    'access-control-allow-methods': methods.join(', '),
    ...(exposeHeaders.length === 0 ? {} : { 'access-control-expose-headers': exposeHeaders.join(', ') }),
    ...(maxAgeSeconds === undefined ? {} : { 'access-control-max-age': maxAgeSeconds }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

function admits({ origins, methods }: CorsRule, origin: string, method: string): boolean {
  return methods.includes(method) && origins.some((each) => matches(each, origin));
}

/** One star stands for anything. */
function matches(pattern: string, text: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return pattern === text;
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
}
