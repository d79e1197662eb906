import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ByteStream } from '../../core/bytes.ts';
import type { ByteRange, ObjectInfo } from '../backend.ts';
import type { ReadClaims } from './signed-urls.ts';

/** What an answer to a signed read is made of. */
export interface ObjectAnswer {
  readonly info: ObjectInfo;
  readonly claims: ReadClaims;
  /** What was asked for, as `parseRangeHeader` says it. */
  readonly range: ByteRange | null | 'unsatisfiable';
  readonly nowMs: number;
}

/**
 * Sends head and body. Type and disposition are the signed ones; nothing may run in a browser, and no shared cache may
 * keep it.
 *
 * @param body null to send the head alone.
 */
export async function sendObject(
  response: ServerResponse,
  answer: ObjectAnswer,
  body: ByteStream | null,
): Promise<void> {
  response.writeHead(statusOf(answer), headersOf(answer));
  if (body === null) {
    response.end();
    return;
  }
  let leftBytes = contentBytes(answer);
  for await (const chunk of body) {
    if (response.destroyed) return;
    leftBytes -= chunk.byteLength;
    if (!response.write(chunk)) await drained(response);
  }
  // Nobody may take a part for the whole, nor wait for bytes that never come.
  if (leftBytes === 0) response.end();
  else response.destroy();
}

function contentBytes({ info, range }: ObjectAnswer): number {
  if (range === 'unsatisfiable') return 0;
  return range === null ? info.sizeBytes : range.last - range.first + 1;
}

function statusOf({ range }: ObjectAnswer): number {
  if (range === 'unsatisfiable') return 416;
  return range === null ? 200 : 206;
}

function headersOf(answer: ObjectAnswer): Record<string, string | number> {
  const { info, claims, range } = answer;
  const headers: Record<string, string | number> = {
    'Content-Type': claims.contentType,
    'Content-Disposition': claims.contentDisposition,
    'Content-Length': contentBytes(answer),
    'Accept-Ranges': 'bytes',
    ETag: `"${info.version}"`,
    'Cache-Control': `private, max-age=${Math.max(0, Math.floor((claims.expiresAtMs - answer.nowMs) / 1000))}`,
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
  };
  if (range === 'unsatisfiable') {
    headers['Content-Range'] = `bytes */${info.sizeBytes}`;
  } else if (range !== null) {
    headers['Content-Range'] = `bytes ${range.first}-${range.last}/${info.sizeBytes}`;
  }
  return headers;
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const settled = new AbortController();
  try {
    await Promise.race([
      once(response, 'drain', { signal: settled.signal }),
      once(response, 'close', { signal: settled.signal }),
    ]);
  } finally {
    settled.abort();
  }
}
