import { createHash, randomBytes } from 'node:crypto';
import { element, header, insides, refusals, sendEmpty, sendXml, textOf } from './answers.ts';
import {
  copySource,
  describedBy,
  type ObjectCall,
  obeyWriteConditions,
  requireKey,
  unquoted,
  writtenHeaders,
} from './objects.ts';
import { obeyPolicy } from './policy.ts';
import { receiveBody, receiveText } from './receive.ts';
import { type BucketState, cutPieces, type Part, type StoredObject, type Upload } from './store.ts';

const PART_BYTES_MIN = 5 * 1024 * 1024;
const PARTS_MAX = 10_000;
/** S3 lists a thousand at once. Fewer, so that the way on is tried. */
const PARTS_PER_PAGE = 5;

export function beginUpload({ exchange, bucket, key }: ObjectCall): void {
  requireKey(key);
  obeyPolicy(bucket, (name) => header(exchange, name));
  const uploadId = randomBytes(16).toString('hex');
  const described = describedBy(exchange.request.headers);
  bucket.uploads.set(uploadId, { key, described, parts: new Map() });
  for (const [name, value] of Object.entries(writtenHeaders({ described, checksumSha256: null })))
    exchange.response.setHeader(name, value);
  const inside = `${element('Bucket', bucket.name)}${element('Key', key)}${element('UploadId', uploadId)}`;
  sendXml(exchange, `<InitiateMultipartUploadResult>${inside}</InitiateMultipartUploadResult>`);
}

export async function putPart(call: ObjectCall): Promise<void> {
  const { exchange, access, directory, now } = call;
  const number = partNumberOf(call);
  uploadOf(call);
  const received = await receiveBody(exchange, directory, access.payloadHash);
  const etag = `"${received.md5.toString('hex')}"`;
  const { pieces, sizeBytes } = received;
  // Looked up again: it may have ended while the bytes came.
  uploadOf(call).parts.set(number, { pieces, sizeBytes, etag, modifiedAtMs: now() });
  sendEmpty(exchange, 200, { etag });
}

export function copyPart(call: ObjectCall, buckets: ReadonlyMap<string, BucketState>): void {
  const { exchange, now } = call;
  const upload = uploadOf(call);
  const source = copySource(call, buckets);
  const range = header(exchange, 'x-amz-copy-source-range');
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? `bytes=0-${source.sizeBytes - 1}`) ?? [];
  if (from === undefined || to === undefined || Number(to) >= source.sizeBytes)
    throw refusals.invalid('The range is not within the source.');
  const pieces = cutPieces(source.pieces, Number(from), Number(to));
  const etag = `"${createHash('md5').update(`${source.etag}${from}-${to}`).digest('hex')}"`;
  const part: Part = { pieces, sizeBytes: Number(to) - Number(from) + 1, etag, modifiedAtMs: now() };
  upload.parts.set(partNumberOf(call), part);
  const time = new Date(now()).toISOString();
  sendXml(
    exchange,
    `<CopyPartResult>${element('LastModified', time)}${element('ETag', etag)}</CopyPartResult>`,
  );
}

export function listParts(call: ObjectCall): void {
  const { exchange, bucket, key } = call;
  const upload = uploadOf(call);
  const marker = Number(exchange.query.get('part-number-marker') ?? 0);
  const left = [...upload.parts].filter(([number]) => number > marker).sort(([one], [other]) => one - other);
  const page = left.slice(0, Math.min(Number(exchange.query.get('max-parts') ?? 1000), PARTS_PER_PAGE));
  const isTruncated = left.length > page.length;
  const rows = page.map(([number, part]) => {
    const time = new Date(part.modifiedAtMs).toISOString();
    return `<Part>${element('PartNumber', number)}${element('LastModified', time)}${element('ETag', part.etag)}${element('Size', part.sizeBytes)}</Part>`;
  });
  const next = isTruncated ? element('NextPartNumberMarker', page.at(-1)?.[0] ?? 0) : '';
  const head = `${element('Bucket', bucket.name)}${element('Key', key)}${element('UploadId', exchange.query.get('uploadId') ?? '')}`;
  sendXml(
    exchange,
    `<ListPartsResult>${head}${next}${element('IsTruncated', String(isTruncated))}${rows.join('')}</ListPartsResult>`,
  );
}

export async function completeUpload(call: ObjectCall): Promise<void> {
  const { exchange, access, bucket, key, now } = call;
  uploadOf(call);
  const text = await receiveText(exchange, access.payloadHash);
  const upload = uploadOf(call);
  const parts = chosenParts(upload, text);
  obeyWriteConditions(call);
  const digests = parts.map(({ etag }) => Buffer.from(unquoted(etag), 'hex'));
  const md5 = createHash('md5').update(Buffer.concat(digests)).digest('hex');
  const object: StoredObject = {
    pieces: parts.flatMap(({ pieces }) => pieces),
    sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    etag: `"${md5}-${parts.length}"`,
    modifiedAtMs: now(),
    described: upload.described,
    checksumSha256: null,
  };
  bucket.objects.set(key, object);
  bucket.uploads.delete(exchange.query.get('uploadId') ?? '');
  for (const [name, value] of Object.entries(writtenHeaders(object)))
    exchange.response.setHeader(name, value);
  const inside = `${element('Bucket', bucket.name)}${element('Key', key)}${element('ETag', object.etag)}`;
  sendXml(exchange, `<CompleteMultipartUploadResult>${inside}</CompleteMultipartUploadResult>`);
}

export function abortUpload(call: ObjectCall): void {
  uploadOf(call);
  call.bucket.uploads.delete(call.exchange.query.get('uploadId') ?? '');
  sendEmpty(call.exchange, 204);
}

function chosenParts(upload: Upload, text: string): readonly Part[] {
  const rows = insides(text, 'Part');
  if (rows.length === 0) throw refusals.malformedXml();
  let before = 0;
  const parts = rows.map((row) => {
    const number = Number(textOf(row, 'PartNumber'));
    if (!(number > before)) throw refusals.invalidPartOrder();
    before = number;
    const part = upload.parts.get(number);
    if (part === undefined || unquoted(part.etag) !== unquoted(textOf(row, 'ETag') ?? ''))
      throw refusals.invalidPart();
    return part;
  });
  if (parts.slice(0, -1).some(({ sizeBytes }) => sizeBytes < PART_BYTES_MIN)) throw refusals.tooSmall();
  return parts;
}

function uploadOf({ exchange, bucket, key }: ObjectCall): Upload {
  const upload = bucket.uploads.get(exchange.query.get('uploadId') ?? '');
  if (upload === undefined || upload.key !== key) throw refusals.noUpload();
  return upload;
}

function partNumberOf({ exchange }: ObjectCall): number {
  const number = Number(exchange.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > PARTS_MAX)
    throw refusals.invalid('Part number must be an integer between 1 and 10000, inclusive');
  return number;
}
