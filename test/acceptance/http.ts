import assert from 'node:assert/strict';
import http from 'node:http';
import type { Readable } from 'node:stream';
import type { Problem } from './wire.ts';

/** What came back over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON, taken for what the test expects it to be. */
  json<T>(): T;
}

/** A request by its parts. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | Readable;
  readonly agent?: http.Agent;
  /** Milliseconds without any sign of life after which the request fails. */
  readonly timeoutMs?: number;
}

/** Sends one request and reads the whole answer. An answer that comes before the body is sent counts. */
export function send(method: string, url: string, options: RequestOptions = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = typeof options.body === 'string' ? Buffer.from(options.body) : options.body;
  const headers: Record<string, string> = { ...options.headers };
  if (Buffer.isBuffer(body)) headers['content-length'] ??= String(body.length);
  const request = http.request(url, {
    method,
    headers,
    ...(options.agent === undefined ? {} : { agent: options.agent }),
  });
  let answered = false;
  request.setTimeout(options.timeoutMs ?? 60_000, () =>
    request.destroy(new Error(`${method} ${url}: timeout`)),
  );
  request.on('error', (error) => {
    // A server that refuses early may close while we still write: its answer is what counts.
    if (!answered) reject(error);
  });
  request.on('response', (response) => {
    answered = true;
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () =>
      resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))),
    );
  });
  if (body === undefined || Buffer.isBuffer(body)) request.end(body);
  else body.pipe(request);
  return promise;
}

/** An answer from its parts. */
export function answerOf(status: number, headers: http.IncomingHttpHeaders, body: Buffer): Answer {
  const text = body.toString();
  return { status, headers, body, text, json: <T>() => JSON.parse(text) as T };
}

/** One part of a form. `filename` makes it a file; raw `headers` replace those made from the rest. */
export interface FormPart {
  readonly name: string;
  readonly body: Buffer | string;
  readonly filename?: string;
  readonly mediaType?: string | null;
  readonly headers?: string;
}

/** A form as browsers send it. */
export function form(
  parts: readonly FormPart[],
  boundary = '----stowage7d1f',
): { headers: Record<string, string>; body: Buffer } {
  const chunks: Buffer[] = [];
  for (const part of parts) {
    const head = part.headers ?? partHeaders(part);
    chunks.push(Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(part.body), Buffer.from('\r\n'));
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat(chunks),
  };
}

function partHeaders({ name, filename, mediaType }: FormPart): string {
  const quoted = (text: string) =>
    text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const disposition = `Content-Disposition: form-data; name="${quoted(name)}"`;
  if (filename === undefined) return disposition;
  const type = mediaType === null ? '' : `\r\nContent-Type: ${mediaType ?? 'application/octet-stream'}`;
  return `${disposition}; filename="${quoted(filename)}"${type}`;
}

/** What must never reach a client: paths of the machine, stacks, words of the database or the file system. */
const LEAKS =
  /\bat .+\.[jt]s:\d+|node_modules|ENOENT|EACCES|\/tmp\/|ECONNREFUSED|postgres|kysely|SELECT |INSERT /i;

/** Asserts that an answer is a problem document (RFC 9457) with one of these codes, and that it tells no secrets. */
export function assertProblem(answer: Answer, status: number, ...codes: readonly string[]): Problem {
  const shown = `${answer.status} ${answer.text.slice(0, 600)}`;
  assert.equal(answer.status, status, shown);
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json\b/, shown);
  const problem = answer.json<Problem>();
  for (const field of ['type', 'title', 'detail', 'code', 'request_id', 'error'] as const) {
    assert.equal(typeof problem[field], 'string', `${field} of ${shown}`);
  }
  assert.equal(problem.status, status, shown);
  assert.equal(problem.error, problem.title, shown);
  if (codes.length > 0)
    assert.ok(codes.includes(problem.code), `expected ${codes.join(' or ')}, got ${shown}`);
  assert.doesNotMatch(answer.text, LEAKS, shown);
  return problem;
}
