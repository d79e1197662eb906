import { createHash, randomBytes } from 'node:crypto';
import { type Exchange, header, onlyParameters, refusals, sendXml } from './answers.ts';
import { type BucketState, type Description, findObject, type Multipart, md5, storeObject } from './store.ts';

const PART_BYTES_MIN = 5 * 1024 * 1024;
const KNOWN_HEADERS = /^x-goog-(?:meta-[a-z0-9_]+|content-length-range)$/;

/** `/{bucket}/{object}`: bytes, and uploads in parts. */
export function answerXml(exchange: Exchange, bucket: BucketState, name: string): void {
  for (const each of Object.keys(exchange.request.headers)) {
    if (each.startsWith('x-goog-') && !KNOWN_HEADERS.test(each))
      throw refusals.invalid(`Unknown header: ${each}.`);
  }
  const { searchParams } = exchange.url;
  if (searchParams.has('uploads') || searchParams.has('uploadId')) {
    answerParts(exchange, bucket, name);
    return;
  }
  switch (exchange.method) {
    case 'GET':
    case 'HEAD':
      sendBytes(exchange, bucket, name);
      return;
    case 'PUT':
      putBytes(exchange, bucket, name);
      return;
    default:
      throw refusals.notAllowed();
  }
}

function sendBytes(exchange: Exchange, bucket: BucketState, name: string): void {
  const query = onlyParameters(exchange, 'response-content-disposition', 'response-content-type');
  const { bytes, resource } = findObject(bucket, name);
  const headers: Record<string, string> = {
    'content-type': query.get('response-content-type') ?? resource.contentType,
    'cache-control': resource.cacheControl ?? 'private, max-age=0',
    'last-modified': new Date(resource.updated).toUTCString(),
    'accept-ranges': 'bytes',
    etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
    'x-goog-generation': resource.generation,
    'x-goog-metageneration': resource.metageneration,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': resource.size,
    ...(resource.md5Hash === undefined ? {} : { 'x-goog-hash': `md5=${resource.md5Hash}` }),
  };
  const disposition = query.get('response-content-disposition');
  if (disposition !== null) headers['content-disposition'] = disposition;
  for (const [key, value] of Object.entries(resource.metadata ?? {})) headers[`x-goog-meta-${key}`] = value;
  const { response, method } = exchange;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(header(exchange, 'range') ?? '');
  if (asked === null) {
    response.writeHead(200, { ...headers, 'content-length': bytes.byteLength });
    response.end(method === 'HEAD' ? undefined : bytes);
    return;
  }
  const first = Number(asked[1]);
  const last = Math.min(asked[2] === '' ? Number.POSITIVE_INFINITY : Number(asked[2]), bytes.byteLength - 1);
  if (first > last) {
    response.setHeader('content-range', `bytes */${bytes.byteLength}`);
    sendXml(response, '<Error><Code>InvalidRange</Code><Message>No such range.</Message></Error>', 416);
    return;
  }
  headers['content-range'] = `bytes ${first}-${last}/${bytes.byteLength}`;
  response.writeHead(206, { ...headers, 'content-length': last - first + 1 });
  response.end(method === 'HEAD' ? undefined : bytes.subarray(first, last + 1));
}

function putBytes(exchange: Exchange, bucket: BucketState, name: string): void {
  onlyParameters(exchange);
  const range = header(exchange, 'x-goog-content-length-range');
  if (range !== undefined) {
    const [, min, max] = /^(\d+),(\d+)$/.exec(range) ?? [];
    if (min === undefined) throw refusals.invalid('x-goog-content-length-range is wrong.');
    if (exchange.body.byteLength < Number(min)) throw refusals.invalid('Too small.', 'EntityTooSmall');
    if (exchange.body.byteLength > Number(max)) throw refusals.invalid('Too large.', 'EntityTooLarge');
  }
  storeObject(bucket, name, exchange.body, { description: descriptionOf(exchange), absent: false });
  exchange.response.writeHead(200, { 'content-length': 0 }).end();
}

function answerParts(exchange: Exchange, bucket: BucketState, name: string): void {
  if (exchange.method === 'POST' && exchange.url.searchParams.has('uploads')) {
    onlyParameters(exchange, 'uploads');
    const uploadId = randomBytes(24).toString('base64url');
    bucket.multiparts.set(uploadId, { name, description: descriptionOf(exchange), parts: new Map() });
    const inside = `<Bucket>${bucket.name}</Bucket><Key>${name}</Key><UploadId>${uploadId}</UploadId>`;
    sendXml(exchange.response, `<InitiateMultipartUploadResult>${inside}</InitiateMultipartUploadResult>`);
    return;
  }
  const query = onlyParameters(exchange, 'uploadId', 'partNumber', 'part-number-marker', 'max-parts');
  const uploadId = query.get('uploadId') ?? '';
  const upload = bucket.multiparts.get(uploadId);
  if (upload === undefined || upload.name !== name) throw refusals.noUpload();
  switch (exchange.method) {
    case 'PUT':
      putPart(exchange, upload, Number(query.get('partNumber')));
      return;
    case 'GET':
      listParts(exchange, upload, Number(query.get('part-number-marker') ?? 0));
      return;
    case 'POST':
      join(exchange, bucket, uploadId, upload);
      return;
    case 'DELETE':
      bucket.multiparts.delete(uploadId);
      exchange.response.writeHead(204).end();
      return;
    default:
      throw refusals.notAllowed();
  }
}

function putPart(exchange: Exchange, upload: Multipart, partNumber: number): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > 10_000)
    throw refusals.invalid('partNumber is wrong.');
  const announced = header(exchange, 'content-md5');
  if (announced !== undefined && announced !== md5(exchange.body)) throw refusals.badDigest();
  const etag = `"${createHash('md5').update(exchange.body).digest('hex')}"`;
  upload.parts.set(partNumber, { bytes: exchange.body, etag });
  exchange.response.writeHead(200, { etag, 'content-length': 0 }).end();
}

/** Two parts on a page, where Google has a thousand: so that the way on is tried. */
const PARTS_PER_PAGE = 2;

function listParts(exchange: Exchange, upload: Multipart, marker: number): void {
  const numbers = [...upload.parts.keys()]
    .filter((number) => number > marker)
    .sort((one, other) => one - other);
  const page = numbers.slice(0, PARTS_PER_PAGE);
  const rows = page.map((number) => {
    const part = upload.parts.get(number);
    const etag = part?.etag.replaceAll('"', '&quot;');
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag><Size>${part?.bytes.byteLength}</Size></Part>`;
  });
  const isTruncated = numbers.length > page.length;
  const next = isTruncated ? `<NextPartNumberMarker>${page.at(-1)}</NextPartNumberMarker>` : '';
  sendXml(
    exchange.response,
    `<ListPartsResult><IsTruncated>${isTruncated}</IsTruncated>${next}${rows.join('')}</ListPartsResult>`,
  );
}

function join(exchange: Exchange, bucket: BucketState, uploadId: string, upload: Multipart): void {
  const rows = [...exchange.body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)];
  const parts = rows.map(([, number, etag]) => {
    const part = upload.parts.get(Number(number));
    if (part === undefined || part.etag !== etag?.replaceAll('&quot;', '"'))
      throw refusals.invalid('A part is missing.', 'InvalidPart');
    return part.bytes;
  });
  if (parts.length === 0) throw refusals.invalid('No parts.', 'InvalidPart');
  if (parts.slice(0, -1).some((part) => part.byteLength < PART_BYTES_MIN))
    throw refusals.invalid('A part is too small.', 'EntityTooSmall');
  storeObject(bucket, upload.name, Buffer.concat(parts), {
    description: upload.description,
    absent: false,
    isJoined: true,
  });
  bucket.multiparts.delete(uploadId);
  sendXml(exchange.response, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
}

function descriptionOf(exchange: Exchange): Description {
  const contentType = header(exchange, 'content-type');
  const cacheControl = header(exchange, 'cache-control');
  const metadata = Object.fromEntries(
    Object.keys(exchange.request.headers)
      .filter((name) => name.startsWith('x-goog-meta-'))
      .map((name) => [name.slice('x-goog-meta-'.length), header(exchange, name) ?? '']),
  );
  return {
    metadata,
    ...(contentType === undefined ? {} : { contentType }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
  };
}
