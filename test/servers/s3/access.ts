import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Exchange, header, refusals } from './answers.ts';

/** Someone with keys. */
export interface S3User {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string;
}

/** Who sent a request, and what it says about its body. */
export interface Access {
  readonly user: S3User;
  /** SHA-256 of the body in hex; null when the body is not signed. */
  readonly payloadHash: string | null;
}

/** The realm in which signatures count. */
export interface Realm {
  readonly users: readonly S3User[];
  readonly region: string;
  readonly now: () => number;
}

const SKEW_MS_MAX = 15 * 60_000;
const SECONDS_MAX = 604_800;

/**
 * Tells who sent a request, by its Authorization header or its query.
 *
 * @throws Refusal when it carries no signature, or one that is wrong, expired or from a clock that is off.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export function authenticate(exchange: Exchange, realm: Realm): Access {
  const authorization = header(exchange, 'authorization');
  const isPresigned = [...exchange.query.keys()].some((name) => /^x-amz-(?!id$)/i.test(name));
  if (isPresigned && authorization !== undefined)
    throw refusals.invalid('Only one auth mechanism allowed; the query and the header were given.');
  if (isPresigned) return byQuery(exchange, realm);
  if (authorization === undefined) throw refusals.denied();
  return byHeader(exchange, authorization, realm);
}

/** The user whose key signed a text of the given scope, by the signature. */
export function verifiedUser(
  claim: {
    readonly credential: string;
    readonly time: string;
    readonly token: string | undefined;
    readonly signature: string;
    readonly textOf: (scope: string) => string;
  },
  realm: Realm,
): S3User {
  const match = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(claim.credential);
  if (match === null) throw refusals.malformedHeader('The credential is not in the form of V4.');
  const [, accessKeyId, day = '', region = '', service = ''] = match;
  if (service !== 's3' || region !== realm.region)
    throw refusals.malformedHeader(`The scope has to be ${realm.region}/s3.`);
  if (!claim.time.startsWith(day)) throw refusals.malformedHeader('The dates differ.');
  const user = realm.users.find((each) => each.accessKeyId === accessKeyId);
  if (user === undefined) throw refusals.denied('The access key does not exist.', 'InvalidAccessKeyId');
  if (user.sessionToken !== claim.token) throw refusals.denied('The token is not valid.', 'InvalidToken');
  if (!/^[0-9a-f]{64}$/.test(claim.signature)) throw refusals.badSignature();
  let key: Buffer = Buffer.from(`AWS4${user.secretAccessKey}`);
  for (const step of [day, region, service, 'aws4_request']) key = hmac(key, step);
  const expected = hmac(key, claim.textOf(`${day}/${region}/${service}/aws4_request`));
  const given = Buffer.from(claim.signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refusals.badSignature();
  return user;
}

/** Milliseconds of `20260102T030405Z`. */
export function timeOf(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) throw refusals.malformedHeader('The date is not in the form of ISO 8601.');
  const [year = 0, month = 1, ...rest] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, ...(rest as [number, number, number, number]));
}

function byHeader(exchange: Exchange, authorization: string, realm: Realm): Access {
  const match =
    /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (match === null) throw refusals.malformedHeader('The Authorization header is not in the form of V4.');
  const [, credential = '', signedHeaders = '', signature = ''] = match;
  const time = header(exchange, 'x-amz-date') ?? '';
  if (Math.abs(timeOf(time) - realm.now()) > SKEW_MS_MAX) throw refusals.skewed();
  const hash = header(exchange, 'x-amz-content-sha256');
  if (hash === undefined) throw refusals.invalidRequest('Missing required header x-amz-content-sha256.');
  if (hash.startsWith('STREAMING-'))
    throw refusals.notImplemented('This server takes no aws-chunked bodies.');
  if (hash !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(hash))
    throw refusals.invalid('x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a hash.');
  const user = verifiedUser(
    {
      credential,
      time,
      token: header(exchange, 'x-amz-security-token'),
      signature,
      textOf: (scope) => textToSign(exchange, { time, scope, signedHeaders, payloadHash: hash }),
    },
    realm,
  );
  return { user, payloadHash: hash === 'UNSIGNED-PAYLOAD' ? null : hash };
}

function byQuery(exchange: Exchange, realm: Realm): Access {
  const read = (name: string): string => {
    const value = exchange.query.get(`X-Amz-${name}`);
    if (value === undefined || value === '') throw refusals.malformedQuery(`X-Amz-${name} is missing.`);
    return value;
  };
  if (read('Algorithm') !== 'AWS4-HMAC-SHA256') throw refusals.malformedQuery('The algorithm is not known.');
  const [time, signedHeaders, signature, expires] = [
    read('Date'),
    read('SignedHeaders'),
    read('Signature'),
    read('Expires'),
  ];
  if (!/^[1-9]\d*$/.test(expires) || Number(expires) > SECONDS_MAX)
    throw refusals.malformedQuery('X-Amz-Expires must be a number of seconds, a week at most.');
  const startMs = timeOf(time);
  if (startMs > realm.now() + SKEW_MS_MAX) throw refusals.denied('Request is not valid yet');
  if (startMs + Number(expires) * 1000 <= realm.now()) throw refusals.denied('Request has expired');
  const user = verifiedUser(
    {
      credential: read('Credential'),
      time,
      token: exchange.query.get('X-Amz-Security-Token'),
      signature,
      textOf: (scope) =>
        textToSign(exchange, { time, scope, signedHeaders, payloadHash: 'UNSIGNED-PAYLOAD' }),
    },
    realm,
  );
  return { user, payloadHash: null };
}

function textToSign(
  exchange: Exchange,
  signed: {
    readonly time: string;
    readonly scope: string;
    readonly signedHeaders: string;
    readonly payloadHash: string;
  },
): string {
  const names = signed.signedHeaders.split(';');
  if (!names.includes('host') || names.join(';') !== names.toSorted().join(';'))
    throw refusals.malformedHeader('SignedHeaders is not in order or has no host.');
  for (const name of Object.keys(exchange.request.headers)) {
    // A header of S3 that is not signed could be added by anyone on the way.
    if (name.startsWith('x-amz-') && !names.includes(name) && name !== 'x-amz-user-agent')
      throw refusals.denied('There were headers present in the request which were not signed.');
  }
  const lines = names.map(
    (name) => `${name}:${(header(exchange, name) ?? '').trim().replaceAll(/\s+/g, ' ')}\n`,
  );
  const path = exchange.rawPath.split('/').map((piece) => percentEncode(decodeURIComponent(piece)));
  const query = [...exchange.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .sort();
  const canonical = [
    exchange.method,
    path.join('/'),
    query.join('&'),
    lines.join(''),
    signed.signedHeaders,
    signed.payloadHash,
  ].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  return `AWS4-HMAC-SHA256\n${signed.time}\n${signed.scope}\n${digest}`;
}

/** Every byte but `A-Z a-z 0-9 - . _ ~` as `%XX`. */
export function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x2d ||
      byte === 0x2e ||
      byte === 0x5f ||
      byte === 0x7e;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
