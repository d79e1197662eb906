import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { StowageError } from '../core/errors.ts';

/** What Node waits for before it reads a body; anything else that is expected is refused. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/**
 * Refuses what HTTP/1.1 forbids or this server can't do, in the one shape of errors: Node itself would answer without a
 * body. Wants `requireHostHeader: false`.
 */
export function checkProtocol(app: FastifyInstance): void {
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', (request, reply, done) => {
    const problem = request.raw.httpVersion === '1.1' ? problemOf(request.raw) : undefined;
    if (problem === undefined) {
      done();
      return;
    }
    reply.header('connection', 'close');
    done(new StowageError('malformed_request', problem));
  });
}

function problemOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  if (headers.host === undefined) return 'The request has no Host header.';
  // RFC 9112 §3.2. Node takes the first; a proxy may have taken the other.
  if (isGivenTwice('host', rawHeaders)) return 'The request has more than one Host header.';
  // RFC 9112 §6.1: what a coding before `chunked` did to the body would not be undone.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    return 'The request has a Transfer-Encoding that this server does not know: it takes chunked alone.';
  }
  if (headers.expect === undefined || CONTINUE.test(headers.expect)) return undefined;
  return 'The request expects what this server does not do: the only expectation it meets is 100-continue.';
}

/** @param rawHeaders names and values, by turns. */
function isGivenTwice(name: string, rawHeaders: readonly string[]): boolean {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at];
    if (given?.length === name.length && given.toLowerCase() === name) seen += 1;
  }
  return seen > 1;
}
