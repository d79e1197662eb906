import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ByteStream } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import { type ErrorFields, isStowageError, StowageError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { StorageBackend } from '../backend.ts';
import { exactly } from '../exact-size.ts';
import { parseRangeHeader } from './range-header.ts';
import { sendObject } from './send-object.ts';
import type { ReadClaims, SignedUrls, WriteClaims } from './signed-urls.ts';

/** Answers one request of a plain node:http server. Never rejects. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Stores what a signed URL for writing brings, whole or one part of it.
 *
 * @returns headers for the answer, which is 200 without a body.
 * @throws StowageError `forbidden`, `expired`, `file_too_large`, `malformed_request`, `digest_mismatch`, or what the store
 *   throws. The body may not have been read to its end then, and nothing of it is stored.
 */
export type SignedReceiver = (request: IncomingMessage, signal: AbortSignal) => Promise<AnswerHeaders>;

type AnswerHeaders = Readonly<Record<string, string>>;

export interface ServeOptions {
  readonly backend: StorageBackend;
  readonly urls: SignedUrls;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Answers signed URLs of any backend without a record or a log: what the law book drives, and enough for whoever
 * embeds the storage alone. The service has its own route with the access log, over the same parts.
 */
export function serveSignedUrls(options: ServeOptions): RequestHandler {
  return async (request, response) => {
    try {
      const target = request.url ?? '';
      if (request.method === 'GET' || request.method === 'HEAD') {
        await answerRead(options, options.urls.verifyRead(target, options.clock.now()), request, response);
      } else if (request.method === 'PUT') {
        using cut = cutSignal(response);
        const headers = await receive(options, request, cut.signal);
        response.writeHead(200, { ...headers, 'Content-Length': 0 }).end();
      } else {
        throw new StowageError('forbidden', 'The URL does not allow this method.');
      }
    } catch (error) {
      refuse(options.log, error, request, response);
    }
  };
}

async function answerRead(
  options: ServeOptions,
  claims: ReadClaims,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  using cut = cutSignal(response);
  const info = await options.backend.head(claims.key, { signal: cut.signal });
  const range = parseRangeHeader(request.headers.range, info.sizeBytes);
  const facts = { info, claims, range, nowMs: options.clock.now() };
  if (request.method === 'HEAD' || range === 'unsatisfiable' || info.sizeBytes === 0) {
    await sendObject(response, facts, null);
    return;
  }
  const part = range === null ? {} : { range };
  const opened = await options.backend.get(claims.key, { ...part, signal: cut.signal });
  await sendObject(response, { ...facts, info: opened.info }, opened.body);
}

/** The part of {@link serveSignedUrls} that takes bytes, for servers that answer in their own words. */
export function receiveSigned(options: ServeOptions): SignedReceiver {
  return (request, signal) => receive(options, request, signal);
}

async function receive(
  options: ServeOptions,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<AnswerHeaders> {
  const target = request.url ?? '';
  const nowMs = options.clock.now();
  if (new URLSearchParams(target.slice(target.indexOf('?') + 1)).has('part')) {
    const part = options.urls.verifyPart(target, nowMs);
    requireLength(request, part.sizeBytes);
    const upload = options.backend.resumeMultipart(part.key, part.uploadId, PART_OPTIONS);
    const body = exactly(bodyOf(request), part.sizeBytes);
    const { receipt } = await upload.putPart(part.partNumber, body, { sizeBytes: part.sizeBytes, signal });
    return { ETag: `"${receipt}"` };
  }
  const claims = options.urls.verifyWrite(target, nowMs);
  requireLength(request, claims.sizeBytes);
  if (request.headers['content-type'] !== claims.contentType) {
    throw new StowageError('forbidden', 'The content type is not the one that was signed.');
  }
  await options.backend.put(claims.key, signedBody(bodyOf(request), claims), {
    mode: 'replace',
    contentType: claims.contentType,
    cacheControl: claims.cacheControl,
    metadata: claims.metadata,
    sizeBytes: claims.sizeBytes,
    signal,
  });
  return {};
}

/** The request's body. Leaving it early must not cut the connection that the refusal goes out on. */
function bodyOf(request: IncomingMessage): ByteStream {
  return request.iterator({ destroyOnReturn: false });
}

/** Headers of the object come with `complete`, not with a part. */
const PART_OPTIONS = { contentType: '', cacheControl: '', metadata: {} } as const;

/** The request's body, refused when its size or digest is not the signed one. */
export async function* signedBody(
  body: ByteStream,
  claims: Pick<WriteClaims, 'sizeBytes' | 'sha256'>,
): ByteStream & AsyncGenerator<Uint8Array> {
  const hash = claims.sha256 === null ? null : createHash('sha256');
  for await (const chunk of exactly(body, claims.sizeBytes)) {
    hash?.update(chunk);
    yield chunk;
  }
  if (hash !== null && claims.sha256?.equals(hash.digest()) === false) {
    throw new StowageError('digest_mismatch', 'The content does not have the signed digest.');
  }
}

/** Refuses a wrong length before the body is read, when the client announces one. */
function requireLength(request: IncomingMessage, sizeBytes: number): void {
  const announced = request.headers['content-length'];
  if (announced === undefined || Number(announced) === sizeBytes) return;
  throw Number(announced) > sizeBytes
    ? new StowageError('file_too_large', `The URL takes ${sizeBytes} bytes.`, {
        fields: { limit_bytes: sizeBytes },
      })
    : new StowageError('malformed_request', `The URL takes ${sizeBytes} bytes.`);
}

/** A signal that fires when the client goes away before it has its answer. */
function cutSignal(response: ServerResponse): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  response.on('close', onClose);
  return { signal: controller.signal, [Symbol.dispose]: () => response.off('close', onClose) };
}

function refuse(log: Log, error: unknown, request: IncomingMessage, response: ServerResponse): void {
  const known = isStowageError(error) ? error : null;
  if (known === null || known.traits.httpStatus >= 500) log.error({ err: error }, 'A signed URL failed.');
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // What is left of the body is not read: the connection ends with the answer.
  if (!request.complete) response.setHeader('Connection', 'close');
  const status = known?.traits.httpStatus ?? 500;
  const fields: ErrorFields = known?.fields ?? {};
  const code = known === null ? 'internal_error' : (known.traits.publicCode ?? known.code);
  const title = known?.traits.title ?? 'Internal error';
  response.writeHead(status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify({ type: 'about:blank', title, status, code, ...fields }));
}
