import { pipeline } from 'node:stream/promises';
import type { Access } from './access.ts';
import { type Exchange, element, header, refusals, sendEmpty, sendXml } from './answers.ts';
import { obeyPolicy } from './policy.ts';
import { receiveBody } from './receive.ts';
import {
  type BucketState,
  type Described,
  findObject,
  rangeOf,
  readPieces,
  type StoredObject,
} from './store.ts';

/** What a call on an object works with. */
export interface ObjectCall {
  readonly exchange: Exchange;
  readonly access: Access;
  readonly bucket: BucketState;
  readonly key: string;
  readonly directory: string;
  readonly now: () => number;
}

/** Headers that are kept with an object and come back with it. */
const DESCRIBING = [
  ...['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language'],
  ...['x-amz-server-side-encryption', 'x-amz-server-side-encryption-aws-kms-key-id'],
];
const METADATA_BYTES_MAX = 2048;
const KEY_BYTES_MAX = 1024;

/** The headers of a write that describe its object. */
export function describedBy(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Described {
  const described: Record<string, string> = {};
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const isMetadata = name.startsWith('x-amz-meta-');
    if (value === undefined || (!isMetadata && !DESCRIBING.includes(name))) continue;
    described[name] = String(value);
    if (isMetadata) metadataBytes += name.length - 'x-amz-meta-'.length + String(value).length;
  }
  if (metadataBytes > METADATA_BYTES_MAX) throw refusals.metadataTooLarge();
  const sse = described['x-amz-server-side-encryption'];
  if (sse !== undefined && sse !== 'AES256' && sse !== 'aws:kms')
    throw refusals.invalid('The encryption method specified is not supported');
  return { 'content-type': 'binary/octet-stream', ...described };
}

export function requireKey(key: string): void {
  if (key === '' || Buffer.byteLength(key) > KEY_BYTES_MAX) throw refusals.keyTooLong();
}

/** `If-None-Match: *` and `If-Match` of a write, against what is there. */
export function obeyWriteConditions({
  exchange,
  bucket,
  key,
}: Pick<ObjectCall, 'exchange' | 'bucket' | 'key'>): void {
  const noneMatch = header(exchange, 'if-none-match');
  if (noneMatch !== undefined && noneMatch !== '*')
    throw refusals.notImplemented('If-None-Match of a write takes * only.');
  if (noneMatch === '*' && bucket.objects.has(key)) throw refusals.precondition();
  const match = header(exchange, 'if-match');
  if (match === undefined) return;
  if (unquoted(findObject(bucket, key).etag) !== unquoted(match)) throw refusals.precondition();
}

export async function putObject(call: ObjectCall): Promise<void> {
  const { exchange, access, bucket, key, directory, now } = call;
  requireKey(key);
  obeyPolicy(bucket, (name) => header(exchange, name));
  const described = describedBy(exchange.request.headers);
  const received = await receiveBody(exchange, directory, access.payloadHash);
  // Asked when the bytes are there: of many writers exactly one finds the key free.
  obeyWriteConditions(call);
  const { pieces, sizeBytes, md5, sha256 } = received;
  const isChecked = header(exchange, 'x-amz-checksum-sha256') !== undefined;
  const object: StoredObject = {
    ...{ pieces, sizeBytes, described, modifiedAtMs: now() },
    etag: `"${md5.toString('hex')}"`,
    checksumSha256: isChecked ? sha256.toString('base64') : null,
  };
  bucket.objects.set(key, object);
  sendEmpty(exchange, 200, { etag: object.etag, ...writtenHeaders(object) });
}

/** What the answer to a write tells besides the ETag. */
export function writtenHeaders({
  described,
  checksumSha256,
}: Pick<StoredObject, 'described' | 'checksumSha256'>): Record<string, string> {
  const sse = Object.entries(described).filter(([name]) => name.startsWith('x-amz-server-side-encryption'));
  return {
    ...Object.fromEntries(sse),
    ...(checksumSha256 === null ? {} : { 'x-amz-checksum-sha256': checksumSha256 }),
  };
}

/** The object that `x-amz-copy-source` names, if it still is what the conditions say. */
export function copySource(
  { exchange, access }: ObjectCall,
  buckets: ReadonlyMap<string, BucketState>,
): StoredObject {
  const [, name = '', rawKey = ''] =
    /^\/?([^/]+)\/(.+)$/.exec(header(exchange, 'x-amz-copy-source') ?? '') ?? [];
  const bucket = buckets.get(name);
  if (bucket === undefined) throw refusals.noBucket();
  if (bucket.owner !== access.user.name) throw refusals.denied();
  const source = findObject(bucket, decodeURIComponent(rawKey));
  const match = header(exchange, 'x-amz-copy-source-if-match');
  const noneMatch = header(exchange, 'x-amz-copy-source-if-none-match');
  if (match !== undefined && unquoted(match) !== unquoted(source.etag)) throw refusals.precondition();
  if (noneMatch !== undefined && unquoted(noneMatch) === unquoted(source.etag)) throw refusals.precondition();
  return source;
}

export function copyObject(call: ObjectCall, buckets: ReadonlyMap<string, BucketState>): void {
  const { exchange, bucket, key, now } = call;
  requireKey(key);
  obeyPolicy(bucket, (name) => header(exchange, name));
  const source = copySource(call, buckets);
  obeyWriteConditions(call);
  const directive = header(exchange, 'x-amz-metadata-directive') ?? 'COPY';
  const given = describedBy(exchange.request.headers);
  if (directive === 'COPY' && source === bucket.objects.get(key))
    throw refusals.invalidRequest('This copy request is illegal: it copies an object onto itself unchanged.');
  const object: StoredObject = {
    ...source,
    modifiedAtMs: now(),
    described: directive === 'REPLACE' ? given : source.described,
  };
  bucket.objects.set(key, object);
  const time = new Date(object.modifiedAtMs).toISOString();
  for (const [name, value] of Object.entries(writtenHeaders({ ...object, checksumSha256: null })))
    exchange.response.setHeader(name, value);
  sendXml(
    exchange,
    `<CopyObjectResult>${element('LastModified', time)}${element('ETag', object.etag)}</CopyObjectResult>`,
  );
}

const OVERRIDES: Readonly<Record<string, string>> = {
  'response-content-type': 'content-type',
  'response-content-disposition': 'content-disposition',
  'response-cache-control': 'cache-control',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
  'response-expires': 'expires',
};

export async function getObject({ exchange, bucket, key }: ObjectCall): Promise<void> {
  const object = findObject(bucket, key);
  const { response, query, method } = exchange;
  const headers: Record<string, string> = {
    ...object.described,
    etag: object.etag,
    'last-modified': new Date(object.modifiedAtMs).toUTCString(),
    'accept-ranges': 'bytes',
  };
  if (isUnchanged(exchange, object)) {
    response.writeHead(304, headers).end();
    return;
  }
  for (const [name, target] of Object.entries(OVERRIDES)) {
    const value = query.get(name);
    if (value !== undefined) headers[target] = value;
  }
  const range = rangeOf(header(exchange, 'range'), object.sizeBytes);
  if (
    header(exchange, 'x-amz-checksum-mode') === 'ENABLED' &&
    object.checksumSha256 !== null &&
    range === null
  )
    headers['x-amz-checksum-sha256'] = object.checksumSha256;
  const [first, last] = range === null ? [0, object.sizeBytes - 1] : [range.first, range.last];
  if (range !== null) headers['content-range'] = `bytes ${first}-${last}/${object.sizeBytes}`;
  headers['content-length'] = String(last - first + 1);
  response.writeHead(range === null ? 200 : 206, headers);
  if (method === 'HEAD') response.end();
  // Someone who leaves in the middle is no failure of ours.
  else await pipeline(readPieces(object.pieces, first, last), response).catch(() => response.destroy());
}

/** @throws Refusal when a condition of a read says so. @returns whether the reader has it already. */
function isUnchanged(exchange: Exchange, { etag, modifiedAtMs }: StoredObject): boolean {
  const [match, noneMatch] = [header(exchange, 'if-match'), header(exchange, 'if-none-match')];
  const has = (list: string) =>
    list
      .split(',')
      .some((each) => each.trim() === '*' || unquoted(each.trim().replace(/^W\//, '')) === unquoted(etag));
  if (match !== undefined && !has(match)) throw refusals.precondition();
  if (noneMatch !== undefined) return has(noneMatch);
  const since = Date.parse(header(exchange, 'if-modified-since') ?? '');
  return !Number.isNaN(since) && Math.floor(modifiedAtMs / 1000) * 1000 <= since;
}

export function deleteObject({ exchange, bucket, key }: ObjectCall): void {
  bucket.objects.delete(key);
  sendEmpty(exchange, 204);
}

export function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}
