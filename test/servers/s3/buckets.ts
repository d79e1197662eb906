import type { Access } from './access.ts';
import { type Exchange, element, insides, refusals, sendEmpty, sendXml, textOf } from './answers.ts';
import { readCors } from './cors.ts';
import { readPolicy } from './policy.ts';
import { receiveText } from './receive.ts';
import { type BucketState, emptyBucket, sortedKeys } from './store.ts';

/** What a call on a bucket works with. */
export interface BucketCall {
  readonly exchange: Exchange;
  readonly access: Access;
  readonly bucket: BucketState;
}

const KEYS_PER_PAGE_MAX = 1000;

export async function createBucket(
  exchange: Exchange,
  access: Access,
  name: string,
  buckets: Map<string, BucketState>,
): Promise<void> {
  await receiveText(exchange, access.payloadHash);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) throw refusals.invalid('The bucket is not valid.');
  const taken = buckets.get(name);
  if (taken !== undefined) throw refusals.bucketTaken(taken.owner === access.user.name);
  buckets.set(name, emptyBucket(name, access.user.name));
  sendEmpty(exchange, 200, { location: `/${name}` });
}

export function deleteBucket({ exchange, bucket }: BucketCall, buckets: Map<string, BucketState>): void {
  if (bucket.objects.size > 0) throw refusals.bucketNotEmpty();
  buckets.delete(bucket.name);
  sendEmpty(exchange, 204);
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjects({ exchange, bucket }: BucketCall): void {
  const { query } = exchange;
  if (query.get('list-type') !== '2') throw refusals.notImplemented('This server lists by version 2 only.');
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const asked = query.get('max-keys') ?? String(KEYS_PER_PAGE_MAX);
  if (!/^\d+$/.test(asked)) throw refusals.invalid('max-keys is no number.');
  const token = query.get('continuation-token');
  const after =
    token === undefined ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const afterBytes = Buffer.from(after);
  const shown = (key: string) => (query.get('encoding-type') === 'url' ? formEncode(key) : key);

  const rows: string[] = [];
  const groups: string[] = [];
  let [count, last, isTruncated] = [0, '', false];
  for (const key of sortedKeys(bucket.objects.keys(), prefix)) {
    if (after !== '' && Buffer.compare(Buffer.from(key), afterBytes) <= 0) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const group = cut === -1 ? null : key.slice(0, cut + delimiter.length);
    if (group !== null && (group === groups.at(-1) || after.startsWith(group))) {
      last = key;
      continue;
    }
    if (count >= Math.min(Number(asked), KEYS_PER_PAGE_MAX)) {
      isTruncated = true;
      break;
    }
    count += 1;
    last = key;
    const object = bucket.objects.get(key);
    if (group !== null) groups.push(group);
    else if (object !== undefined) {
      const time = new Date(object.modifiedAtMs).toISOString();
      rows.push(
        `<Contents>${element('Key', shown(key))}${element('LastModified', time)}${element('ETag', object.etag)}${element('Size', object.sizeBytes)}${element('StorageClass', 'STANDARD')}</Contents>`,
      );
    }
  }
  const next = isTruncated ? element('NextContinuationToken', Buffer.from(last).toString('base64url')) : '';
  const head = [
    element('Name', bucket.name),
    element('Prefix', shown(prefix)),
    element('KeyCount', count),
    element('MaxKeys', asked),
    element('IsTruncated', String(isTruncated)),
    next,
  ].join('');
  const common = groups.map((group) => `<CommonPrefixes>${element('Prefix', shown(group))}</CommonPrefixes>`);
  sendXml(exchange, `<ListBucketResult>${head}${rows.join('')}${common.join('')}</ListBucketResult>`);
}

export function listUploads({ exchange, bucket }: BucketCall): void {
  const prefix = exchange.query.get('prefix') ?? '';
  const rows = [...bucket.uploads]
    .filter(([, { key }]) => key.startsWith(prefix))
    .map(([id, { key }]) => `<Upload>${element('Key', key)}${element('UploadId', id)}</Upload>`);
  sendXml(
    exchange,
    `<ListMultipartUploadsResult>${element('Bucket', bucket.name)}${element('IsTruncated', 'false')}${rows.join('')}</ListMultipartUploadsResult>`,
  );
}

export async function deleteObjects({ exchange, access, bucket }: BucketCall): Promise<void> {
  const { headers } = exchange.request;
  const hasDigest =
    'content-md5' in headers ||
    Object.keys(headers).some((name) => /^x-amz-checksum-(sha256|crc32)$/.test(name));
  if (!hasDigest) throw refusals.invalidRequest('Missing required header for this request: Content-MD5');
  const text = await receiveText(exchange, access.payloadHash);
  const keys = insides(text, 'Object').map((inside) => textOf(inside, 'Key') ?? '');
  if (keys.length === 0 || keys.length > 1000) throw refusals.malformedXml();
  for (const key of keys) bucket.objects.delete(key);
  const told = textOf(text, 'Quiet') === 'true' ? [] : keys;
  const rows = told.map((key) => `<Deleted>${element('Key', key)}</Deleted>`);
  sendXml(exchange, `<DeleteResult>${rows.join('')}</DeleteResult>`);
}

export async function answerPolicy({ exchange, access, bucket }: BucketCall): Promise<void> {
  if (exchange.method === 'PUT') {
    const text = await receiveText(exchange, access.payloadHash);
    bucket.policy = { text, denials: readPolicy(text, bucket.name) };
    sendEmpty(exchange, 204);
  } else if (exchange.method === 'DELETE') {
    bucket.policy = null;
    sendEmpty(exchange, 204);
  } else if (bucket.policy === null) throw refusals.noPolicy();
  else exchange.response.writeHead(200, { 'content-type': 'application/json' }).end(bucket.policy.text);
}

export async function answerCors({ exchange, access, bucket }: BucketCall): Promise<void> {
  if (exchange.method === 'PUT') {
    const text = await receiveText(exchange, access.payloadHash);
    bucket.cors = { text, rules: readCors(text) };
    sendEmpty(exchange, 200);
  } else if (exchange.method === 'DELETE') {
    bucket.cors = null;
    sendEmpty(exchange, 204);
  } else if (bucket.cors === null) throw refusals.noCors();
  else sendXml(exchange, bucket.cors.text.replace(/^<\?xml[^>]*\?>\s*/, ''));
}

// `encoding-type=url` is the encoding of forms: a space is a plus, a slash stays.
function formEncode(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}
