import type { Socket } from 'node:net';
import { StowageError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import { PROBLEM_MEDIA_TYPE } from '../protocol/index.ts';
import type { AnswersInFlight } from './answers-in-flight.ts';
import { problemOf } from './problem.ts';

/** A connection on which nothing moves for this long is cut, in milliseconds. */
export const IDLE_MS = 60_000;
/** A connection that is kept for a next request is closed after this, in milliseconds: more than balancers keep it. */
export const KEEP_ALIVE_MS = 65_000;
/** Longest time the headers of a request may take, in milliseconds. */
export const HEADERS_MS = 20_000;
/** Largest headers of a request, in bytes: signed URLs carry a key and a disposition. */
export const HEADERS_BYTES_MAX = 32 * 1024;

/**
 * Node's settings for connections. There is no limit on the whole time of a request: large uploads take
 * as long, as long as they do not trickle (`slow-bodies.ts`).
 */
export const SERVER_SETTINGS = {
  headersTimeout: HEADERS_MS,
  requestTimeout: 0,
  maxHeaderSize: HEADERS_BYTES_MAX,
  connectionsCheckingInterval: 5000,
  // Checked by `checkProtocol`, which says what is wrong.
  requireHostHeader: false,
} as const;

/**
 * Answers what is no HTTP request, in the one shape of errors, and closes. In the middle of another answer it only closes:
 * what it writes there would be taken for content.
 */
export function connectionRefusal(answers: Pick<AnswersInFlight, 'isAnswering'>) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (answers.isAnswering(socket)) {
      socket.destroySoon(); // what was written of that answer still goes out
      return;
    }
    const problem = problemOf(meaningOf(error.code), newUuid());
    const body = JSON.stringify(problem.body);
    socket.end(
      `HTTP/1.1 ${problem.status} ${problem.body.title}\r\nConnection: close\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  };
}

function meaningOf(code: string | undefined): StowageError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new StowageError('request_too_large', 'The headers of the request are too large.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new StowageError('malformed_request', 'The request did not arrive in time.');
  }
  return new StowageError('malformed_request', 'The request is not well-formed HTTP.');
}
