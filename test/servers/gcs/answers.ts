import type { IncomingMessage, ServerResponse } from 'node:http';

/** A refusal, in the words of both APIs. */
export class Refusal extends Error {
  readonly status: number;
  /** `reason` in the JSON API. */
  readonly reason: string;
  /** `Code` in the XML API. */
  readonly xmlCode: string;

  constructor(status: number, reason: string, xmlCode: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.xmlCode = xmlCode;
  }
}

export const refusals = {
  noBucket: () => new Refusal(404, 'notFound', 'NoSuchBucket', 'The specified bucket does not exist.'),
  noObject: (name: string) => new Refusal(404, 'notFound', 'NoSuchKey', `No such object: ${name}`),
  noUpload: () => new Refusal(404, 'notFound', 'NoSuchUpload', 'The requested upload was not found.'),
  invalid: (message: string, xmlCode = 'InvalidArgument') => new Refusal(400, 'invalid', xmlCode, message),
  conditionNotMet: () =>
    new Refusal(
      412,
      'conditionNotMet',
      'PreconditionFailed',
      'At least one of the pre-conditions did not hold.',
    ),
  unauthenticated: () => new Refusal(401, 'authError', 'AuthenticationRequired', 'Invalid Credentials'),
  anonymous: () => new Refusal(403, 'forbidden', 'AccessDenied', 'Anonymous caller has no access.'),
  badSignature: (message: string) => new Refusal(403, 'forbidden', 'SignatureDoesNotMatch', message),
  badDigest: () =>
    new Refusal(400, 'invalid', 'BadDigest', "Provided MD5 hash doesn't match calculated MD5 hash."),
  notAllowed: () =>
    new Refusal(405, 'methodNotAllowed', 'MethodNotAllowed', 'The method is not allowed here.'),
};

/** A request with its body read, and where it is answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
  /** False when the connection broke before the whole body was there. */
  readonly isWhole: boolean;
}

export function header(exchange: Pick<Exchange, 'request'>, name: string): string | undefined {
  const value = exchange.request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** Refuses parameters that this operation does not have: a misspelt condition must not be silence. */
export function onlyParameters(
  { url }: Pick<Exchange, 'url'>,
  ...allowed: readonly string[]
): URLSearchParams {
  const names = [...url.searchParams.keys()];
  for (const name of names) {
    if (!allowed.includes(name) && !name.startsWith('X-Goog-'))
      throw refusals.invalid(`Unknown parameter: ${name}.`);
  }
  if (new Set(names).size !== names.length) throw refusals.invalid('A parameter is repeated.');
  return url.searchParams;
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
    .end(JSON.stringify(value));
}

/** An answer without a body. */
export function sendEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, headers).end();
}

export function sendXml(response: ServerResponse, xml: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/xml; charset=UTF-8' });
  response.end(`<?xml version='1.0' encoding='UTF-8'?>${xml}`);
}

export function sendRefusal({ response, url, method }: Exchange, refusal: Refusal): void {
  const { status, reason, xmlCode, message } = refusal;
  if (method === 'HEAD') response.writeHead(status).end();
  else if (/^\/(?:upload\/)?storage\/v1\//.test(url.pathname))
    sendJson(
      response,
      { error: { code: status, message, errors: [{ reason, domain: 'global', message }] } },
      status,
    );
  else sendXml(response, `<Error><Code>${xmlCode}</Code><Message>${message}</Message></Error>`, status);
}
