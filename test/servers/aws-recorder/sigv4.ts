import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Exchange, header, Refusal } from './answers.ts';

/** Someone with keys. */
export interface AwsUser {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Who signed a request, and for which service. */
export interface Signed {
  readonly user: AwsUser;
  readonly service: string;
  readonly region: string;
}

const SKEW_MS_MAX = 15 * 60_000;

/**
 * Checks the signature of a request, by header or query, and that the body is the signed one.
 *
 * @returns null for a request without any signature.
 * @throws Refusal when it is wrong, expired or from a clock that is off.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
 */
export function checkSignature(exchange: Exchange, users: readonly AwsUser[], nowMs: number): Signed | null {
  const authorization = header(exchange, 'authorization');
  if (authorization !== undefined) return byHeader(exchange, authorization, users, nowMs);
  return exchange.query.has('X-Amz-Signature') ? byQuery(exchange, users, nowMs) : null;
}

function byHeader(
  exchange: Exchange,
  authorization: string,
  users: readonly AwsUser[],
  nowMs: number,
): Signed {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (match === null) throw denied('AuthorizationHeaderMalformed', 'The header is not in the form of V4.');
  const [, credential = '', signedHeaders = '', signature = ''] = match;
  const time = header(exchange, 'x-amz-date') ?? '';
  if (Math.abs(timeOf(time) - nowMs) > SKEW_MS_MAX) throw denied('RequestTimeTooSkewed', 'Another time.');
  const bodyHash = createHash('sha256').update(exchange.body).digest('hex');
  const said = header(exchange, 'x-amz-content-sha256') ?? bodyHash;
  if (said !== bodyHash && said !== 'UNSIGNED-PAYLOAD')
    throw new Refusal(400, 'XAmzContentSHA256Mismatch', 'The body is not the signed one.');
  return verified(exchange, { credential, time, signedHeaders, signature, payload: said }, users);
}

function byQuery(exchange: Exchange, users: readonly AwsUser[], nowMs: number): Signed {
  const read = (name: string): string => exchange.query.get(`X-Amz-${name}`) ?? '';
  const time = read('Date');
  const startMs = timeOf(time);
  const seconds = Number(read('Expires'));
  if (!(seconds >= 1 && seconds <= 604_800))
    throw denied('AuthorizationQueryParametersError', 'Wrong Expires.');
  if (startMs > nowMs + SKEW_MS_MAX || startMs + seconds * 1000 <= nowMs)
    throw denied('AccessDenied', 'Request has expired');
  return verified(
    exchange,
    {
      credential: read('Credential'),
      time,
      signedHeaders: read('SignedHeaders'),
      signature: read('Signature'),
      payload: 'UNSIGNED-PAYLOAD',
    },
    users,
  );
}

interface Claim {
  readonly credential: string;
  readonly time: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly payload: string;
}

function verified(exchange: Exchange, claim: Claim, users: readonly AwsUser[]): Signed {
  const [accessKeyId, day = '', region = '', service = '', end] = claim.credential.split('/');
  if (end !== 'aws4_request' || !claim.time.startsWith(day))
    throw denied('AuthorizationHeaderMalformed', 'The scope is not in the form of V4.');
  const user = users.find((each) => each.accessKeyId === accessKeyId);
  if (user === undefined) throw denied('InvalidAccessKeyId', 'The access key does not exist.');
  const names = claim.signedHeaders.split(';');
  if (!names.includes('host')) throw denied('SignatureDoesNotMatch', 'The host is not signed.');
  for (const name of Object.keys(exchange.request.headers)) {
    if (name.startsWith('x-amz-') && name !== 'x-amz-user-agent' && !names.includes(name))
      throw denied('AccessDenied', `The header ${name} was not signed.`);
  }
  const query = [...exchange.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const path = exchange.path
    .split('/')
    .map((piece) => encode(decodeURIComponent(piece)))
    .join('/');
  const headers = names.map(
    (name) => `${name}:${(header(exchange, name) ?? '').trim().replaceAll(/ +/g, ' ')}\n`,
  );
  const canonical = [exchange.method, path, query, headers.join(''), claim.signedHeaders, claim.payload].join(
    '\n',
  );
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${claim.time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: Buffer<ArrayBufferLike> = Buffer.from(`AWS4${user.secretAccessKey}`);
  for (const step of [day, region, service, 'aws4_request']) key = hmac(key, step);
  const given = Buffer.from(claim.signature, 'hex');
  const expected = hmac(key, text);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw denied('SignatureDoesNotMatch', 'The signature is not the one that was calculated.');
  return { user, service, region };
}

function timeOf(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) throw denied('AuthorizationHeaderMalformed', 'The date is missing.');
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function denied(code: string, message: string): Refusal {
  return new Refusal(403, code, message);
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
