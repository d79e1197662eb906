import type { IncomingMessage, ServerResponse } from 'node:http';

/** A body no longer than this, whose length is known, is read to its end and the connection lives on. */
const DISCARD_BYTES_MAX = 256 * 1024;
/** Most bytes discarded after an answer that came before the end of a body; then reading stops. */
const LINGER_BYTES_MAX = 64 * 1024 * 1024;
/** Longest time a connection stays open after such an answer, in milliseconds. */
const LINGER_MS = 2000;

/** Whether the answer comes while the client may still be sending a body that is not worth reading. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined) return true;
  return length !== undefined && Number(length) > DISCARD_BYTES_MAX;
}

/**
 * Answers a client that is still sending, so that the answer arrives.
 *
 * Closing a connection with unread bytes makes the kernel send a reset, which can overtake the answer. So the answer goes
 * out whole (its Content-Length says where it ends), what the client still sends is thrown away within a bound of
 * bytes and time, and only then the connection is closed.
 */
export function answerAndLinger(
  request: IncomingMessage,
  response: ServerResponse,
  answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer;
  },
): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    connection: 'close',
    'content-length': answer.body.byteLength,
  });
  response.write(answer.body);
  discard(request, () => response.end());
}

/** Throws away what arrives until the end of the body, or the bounds; then calls `done`, once. */
function discard(request: IncomingMessage, done: () => void): void {
  let discardedBytes = 0;
  const finish = () => {
    clearTimeout(timer);
    request.off('data', onData);
    request.off('end', finish);
    request.off('close', finish);
    done();
  };
  const onData = (chunk: Uint8Array) => {
    discardedBytes += chunk.byteLength;
    // The client is held back now and has the rest of the time to read the answer.
    if (discardedBytes > LINGER_BYTES_MAX) request.pause();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.on('data', onData);
  request.on('end', finish);
  request.on('close', finish);
  // Errors of a request that has its answer concern nobody; without a listener they would end the process.
  request.on('error', () => {});
  request.resume();
}
