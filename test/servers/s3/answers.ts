import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A refusal in the words of S3. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export const refusals = {
  denied: (message = 'Access Denied', code = 'AccessDenied') => new Refusal(403, code, message),
  badSignature: () =>
    new Refusal(403, 'SignatureDoesNotMatch', 'The signature we calculated is not the one you sent.'),
  skewed: () => new Refusal(403, 'RequestTimeTooSkewed', 'The difference between the clocks is too large.'),
  malformedQuery: (message: string) => new Refusal(400, 'AuthorizationQueryParametersError', message),
  malformedHeader: (message: string) => new Refusal(400, 'AuthorizationHeaderMalformed', message),
  invalid: (message: string) => new Refusal(400, 'InvalidArgument', message),
  invalidRequest: (message: string) => new Refusal(400, 'InvalidRequest', message),
  notImplemented: (message: string) => new Refusal(501, 'NotImplemented', message),
  notAllowed: () => new Refusal(405, 'MethodNotAllowed', 'The method is not allowed here.'),
  noBucket: () => new Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist.'),
  noKey: () => new Refusal(404, 'NoSuchKey', 'The specified key does not exist.'),
  noUpload: () => new Refusal(404, 'NoSuchUpload', 'The specified upload does not exist.'),
  badDigest: (name: string) => new Refusal(400, 'BadDigest', `The ${name} did not match what we received.`),
  otherPayload: () =>
    new Refusal(
      400,
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 is not that of the body.',
    ),
  precondition: () =>
    new Refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions did not hold.'),
  unsatisfiable: (sizeBytes: number) =>
    new Refusal(416, 'InvalidRange', 'The requested range is not satisfiable.', {
      'content-range': `bytes */${sizeBytes}`,
    }),
  lengthMissing: () =>
    new Refusal(411, 'MissingContentLength', 'You must provide the Content-Length header.'),
  incomplete: () => new Refusal(400, 'IncompleteBody', 'The body is not as long as Content-Length says.'),
  silent: () =>
    new Refusal(
      400,
      'RequestTimeout',
      'Your socket connection to the server was not read from or written to.',
    ),
  tooLarge: () => new Refusal(400, 'EntityTooLarge', 'Your proposed upload is too large.'),
  tooSmall: () => new Refusal(400, 'EntityTooSmall', 'Your proposed upload is too small.'),
  metadataTooLarge: () => new Refusal(400, 'MetadataTooLarge', 'Your metadata headers exceed 2 KB.'),
  keyTooLong: () => new Refusal(400, 'KeyTooLongError', 'Your key has a wrong length.'),
  invalidPart: () =>
    new Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.'),
  invalidPartOrder: () => new Refusal(400, 'InvalidPartOrder', 'The list of parts was not in order.'),
  malformedForm: (what: string) => new Refusal(400, 'MalformedPOSTRequest', `The body of the form ${what}.`),
  bucketTaken: (isYours: boolean) =>
    new Refusal(409, isYours ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', 'The name is taken.'),
  bucketNotEmpty: () => new Refusal(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty.'),
  noPolicy: () => new Refusal(404, 'NoSuchBucketPolicy', 'The bucket policy does not exist'),
  noCors: () => new Refusal(404, 'NoSuchCORSConfiguration', 'The CORS configuration does not exist'),
  malformedXml: () => new Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed.'),
};

/** A request whose sender is known, and where it is answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The path as it was sent, before its query. */
  readonly rawPath: string;
  readonly query: ReadonlyMap<string, string>;
}

export function header({ request }: Pick<Exchange, 'request'>, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

export function sendXml({ response }: Exchange, xml: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
}

/** An answer without a body. */
export function sendEmpty(
  { response }: Exchange,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, status === 204 ? headers : { 'content-length': '0', ...headers }).end();
}

export function sendRefusal({ response, method, rawPath }: Exchange, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers = { ...refusal.headers, 'content-type': 'application/xml' };
  if (method === 'HEAD') {
    response.writeHead(refusal.status, refusal.headers).end();
    return;
  }
  const { code, message } = refusal;
  const inside = `${element('Code', code)}${element('Message', message)}${element('Resource', rawPath)}`;
  response
    .writeHead(refusal.status, headers)
    .end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inside}${element('RequestId', newRequestId())}</Error>`,
    );
}

export function newRequestId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}

/** One element of XML with a text inside. */
export function element(name: string, text: string | number): string {
  const escaped = String(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return `<${name}>${escaped}</${name}>`;
}

/** The insides of all elements of a name; of no use for one that holds another of its own name. */
export function insides(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, inside = '']) => inside,
  );
}

/** The text of the first element of a name. */
export function textOf(xml: string, name: string): string | undefined {
  const [inside] = insides(xml, name);
  return inside
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll(/&#(x?)([0-9a-fA-F]+);/g, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex === 'x' ? 16 : 10)),
    )
    .replaceAll('&amp;', '&');
}
