import type { ServerResponse } from 'node:http';
import { type ByteStream, isRecycling } from '../core/bytes.ts';
import type { HeaderFields } from './headers.ts';

/** A body whose first bytes have arrived: from here on a failure can only cut the connection. */
export interface OpenedBody {
  readonly first: Uint8Array | null;
  readonly rest: AsyncIterator<Uint8Array>;
  /** Gives a chunk that has left back to its source; null when the source takes none. */
  readonly recycle: ((chunk: Uint8Array) => void) | null;
}

/** What is sent. */
export interface SendPlan {
  readonly status: number;
  readonly headers: HeaderFields;
  /** Exactly how many bytes the body must have. */
  readonly contentBytes: number;
}

/** Waits for the first bytes, so that a store that fails at once is still answered with a proper error. */
export async function openBody(body: ByteStream): Promise<OpenedBody> {
  const rest = body[Symbol.asyncIterator]();
  const step = await rest.next();
  const recycle = isRecycling(body) ? (chunk: Uint8Array) => body.recycle(chunk) : null;
  return { first: step.done ? null : step.value, rest, recycle };
}

/**
 * Sends a body to a client as fast as the client takes it.
 *
 * An own loop over the stream's chunks: half the cost of `pipe`. Bytes that fit in one chunk leave with the head in one
 * write. The source is released in every case: at its end, when the client is gone, when it fails. A body of another
 * length than announced cuts the connection, so that nobody takes a part for the whole.
 *
 * @throws what the source throws; the connection is then cut already.
 */
export async function sendBody(response: ServerResponse, plan: SendPlan, body: OpenedBody): Promise<void> {
  try {
    if (response.destroyed) return;
    response.writeHead(plan.status, { ...plan.headers, 'content-length': plan.contentBytes });
    await sendChunks(response, plan.contentBytes, body);
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    await body.rest.return?.();
  }
}

const LONGER = 'The stored object is longer than its record says.';

async function sendChunks(
  response: ServerResponse,
  contentBytes: number,
  { first, rest, recycle }: OpenedBody,
): Promise<void> {
  let sentBytes = 0;
  let chunk = first;
  while (chunk !== null) {
    sentBytes += chunk.byteLength;
    if (sentBytes >= contentBytes) {
      // The last bytes wait until the source says that there are no more.
      if (sentBytes > contentBytes || !(await rest.next()).done) throw new Error(LONGER);
      response.end(chunk);
      return;
    }
    if (!write(response, chunk, recycle)) await drained(response);
    if (response.destroyed) return;
    const step = await rest.next();
    chunk = step.done ? null : step.value;
  }
  throw new Error('The stored object is shorter than its record says.');
}

/** Writes a chunk; when the system has taken all of it, its memory is free again. */
function write(response: ServerResponse, chunk: Uint8Array, recycle: OpenedBody['recycle']): boolean {
  if (recycle === null) return response.write(chunk);
  return response.write(chunk, (error) => {
    if (!error) recycle(chunk);
  });
}

/** Fulfilled when the client has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
