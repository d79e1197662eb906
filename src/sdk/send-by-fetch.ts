import { bytesOf } from './bytes-of.ts';
import type { Fetch, HttpRequest, Send } from './transport.ts';
import { Watch } from './watch.ts';

/** Bytes of a body that are counted at once. */
const CHUNK_BYTES = 256 * 1024;
/** The slowest connection that is waited for when nobody tells how much has left, in bytes per second. */
const BYTES_PER_SECOND_MIN = 16 * 1024;

/** @param options.countsBody whether this `fetch` sends a stream of known length with that length. */
export function sendByFetch(fetch: Fetch, { countsBody }: { readonly countsBody: boolean }): Send {
  return async (request) => {
    const { method, url, headers, body, signal, stallMs, answerMs, onSent } = request;
    const isCounted = countsBody && body instanceof Blob && body.size > 0;
    const sizeBytes = body instanceof Blob ? body.size : 0;
    const uncountedMs = answerMs + (sizeBytes / BYTES_PER_SECOND_MIN) * 1000;
    const watch = new Watch(signal, isCounted ? stallMs : uncountedMs);
    let unreadable: unknown;
    const onUnreadable = (error: unknown) => {
      unreadable = error;
    };
    try {
      const response = await fetch(url, {
        method,
        signal: watch.signal,
        credentials: 'omit',
        ...(isCounted
          ? countedBody(request, body, watch, onUnreadable)
          : { headers: { ...headers }, ...(body !== null && { body }) }),
      });
      watch.allow(answerMs);
      const text = await response.text();
      if (response.ok) onSent?.(sizeBytes);
      return { status: response.status, header: (name) => response.headers.get(name), text };
    } catch (error) {
      throw unreadable ?? watch.failure(error);
    } finally {
      watch.end();
    }
  };
}

/** The body as a stream that tells how far it was read. The connection holds it back, so that is about what has left. */
function countedBody(
  { headers, onSent, stallMs, answerMs }: HttpRequest,
  body: Blob,
  watch: Watch,
  onUnreadable: (error: unknown) => void,
) {
  let sentBytes = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = body.slice(sentBytes, sentBytes + CHUNK_BYTES);
        if (sentBytes > 0) onSent?.(sentBytes);
        if (chunk.size === 0) {
          watch.allow(answerMs);
          controller.close();
          return;
        }
        watch.allow(stallMs);
        try {
          controller.enqueue(await bytesOf(chunk));
        } catch (error) {
          onUnreadable(error);
          throw error;
        }
        sentBytes += chunk.size;
      },
    },
    { highWaterMark: 0 },
  );
  return {
    body: stream,
    duplex: 'half' as const,
    headers: { ...headers, 'content-length': String(body.size) },
  };
}
