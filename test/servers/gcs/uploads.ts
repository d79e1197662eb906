import { randomBytes } from 'node:crypto';
import { type Exchange, header, onlyParameters, refusals, sendJson } from './answers.ts';
import { type BucketState, mustBeAbsent, readDescription, type Session, storeObject } from './store.ts';

const GRAIN_BYTES = 256 * 1024;

/** `POST /upload/storage/v1/b/{bucket}/o`: an object in one request, or the opening of a session. */
export function answerUpload(exchange: Exchange, bucket: BucketState): void {
  if (exchange.method !== 'POST') throw refusals.notAllowed();
  const query = onlyParameters(exchange, 'uploadType', 'name', 'ifGenerationMatch');
  const name = query.get('name') ?? '';
  const absent = mustBeAbsent(query);
  switch (query.get('uploadType')) {
    case 'multipart': {
      const { text, bytes } = splitRelated(exchange);
      const description = readDescription(text);
      sendJson(exchange.response, storeObject(bucket, name, bytes, { description, absent }).resource);
      return;
    }
    case 'resumable': {
      if (absent && bucket.objects.has(name)) throw refusals.conditionNotMet();
      const id = randomBytes(24).toString('base64url');
      const description = readDescription(exchange.body.toString());
      const none = { stored: [], storedBytes: 0, finished: null };
      bucket.sessions.set(id, { name, description, mustBeAbsent: absent, ...none });
      const location = `http://${header(exchange, 'host')}${exchange.url.pathname}?uploadType=resumable&upload_id=${id}`;
      exchange.response.writeHead(200, { location, 'content-length': 0 }).end();
      return;
    }
    default:
      throw refusals.invalid('uploadType is wrong.');
  }
}

/** A request on an open session: its URL is its authority. */
export function answerSession(exchange: Exchange, bucket: BucketState): void {
  const id = onlyParameters(exchange, 'uploadType', 'upload_id').get('upload_id') ?? '';
  const session = bucket.sessions.get(id);
  if (session === undefined) throw refusals.noUpload();
  if (exchange.method === 'DELETE') {
    if (session.finished === null) bucket.sessions.delete(id);
    exchange.response.writeHead(499, { 'content-length': 0 }).end();
    return;
  }
  if (exchange.method !== 'PUT') throw refusals.notAllowed();
  if (session.finished !== null) {
    sendJson(exchange.response, session.finished.resource);
    return;
  }
  const range = readContentRange(exchange);
  if (range.first !== null) take(session, exchange, range.first, range.last);
  if (!exchange.isWhole) return;
  if (range.totalBytes !== session.storedBytes) {
    if (range.first !== null && range.totalBytes === null && exchange.body.byteLength % GRAIN_BYTES !== 0)
      throw refusals.invalid('A chunk that is not the last is a multiple of 256 KiB.');
    const { storedBytes } = session;
    exchange.response.writeHead(308, storedBytes > 0 ? { range: `bytes=0-${storedBytes - 1}` } : {}).end();
    return;
  }
  const md5Hash = /(?:^|,)md5=([^,]+)/.exec(header(exchange, 'x-goog-hash') ?? '')?.[1];
  session.finished = storeObject(bucket, session.name, Buffer.concat(session.stored), {
    description: { ...session.description, ...(md5Hash === undefined ? {} : { md5Hash }) },
    absent: session.mustBeAbsent,
  });
  session.stored = [];
  sendJson(exchange.response, session.finished.resource);
}

/** Keeps the bytes of a request that are new; of a broken one, whole grains of what arrived. */
function take(session: Session, exchange: Exchange, first: number, last: number): void {
  const { body, isWhole } = exchange;
  if (first > session.storedBytes) throw refusals.invalid('The chunk leaves a gap.');
  if (isWhole && body.byteLength !== last - first + 1) throw refusals.invalid('The chunk has another size.');
  const fresh = body.subarray(session.storedBytes - first);
  const kept = isWhole ? fresh : fresh.subarray(0, fresh.byteLength - (fresh.byteLength % GRAIN_BYTES));
  session.stored.push(Buffer.from(kept));
  session.storedBytes += kept.byteLength;
}

function readContentRange(exchange: Exchange): {
  first: number | null;
  last: number;
  totalBytes: number | null;
} {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header(exchange, 'content-range') ?? '');
  if (match === null) throw refusals.invalid('Content-Range is missing or wrong.');
  const [, first, last, total] = match;
  if (first === undefined && exchange.body.byteLength > 0) throw refusals.invalid('A question has no body.');
  return {
    first: first === undefined ? null : Number(first),
    last: Number(last ?? -1),
    totalBytes: total === '*' ? null : Number(total),
  };
}

/** RFC 2387: a description and the bytes. */
function splitRelated(exchange: Exchange): { text: string; bytes: Buffer } {
  const boundary = /^multipart\/related; boundary=([\w-]+)$/.exec(
    header(exchange, 'content-type') ?? '',
  )?.[1];
  const { body } = exchange;
  const open = Buffer.from(`--${boundary}\r\n`);
  const between = Buffer.from(`\r\n--${boundary}\r\n`);
  const close = Buffer.from(`\r\n--${boundary}--`);
  const second = body.indexOf(between);
  const end = body.lastIndexOf(close);
  if (boundary === undefined || !body.subarray(0, open.length).equals(open) || second < 0 || end < second)
    throw refusals.invalid('The body is no multipart/related.');
  const afterHead = (part: Buffer): Buffer => part.subarray(part.indexOf('\r\n\r\n') + 4);
  return {
    text: afterHead(body.subarray(open.length, second)).toString(),
    bytes: Buffer.from(afterHead(body.subarray(second + between.length, end))),
  };
}
