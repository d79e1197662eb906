import type { IncomingMessage, Server, ServerResponse } from 'node:http';

const WAITING: unique symbol = Symbol('waits for 100 Continue');

interface WaitingRequest extends IncomingMessage {
  [WAITING]?: boolean;
}

/**
 * Sends `100 Continue` when somebody starts to read the body, not before: a client that asks first (RFC 9110
 * §10.1.1, curl does for large uploads) gets its refusal without having sent a byte.
 */
export function continueOnFirstRead(server: Server): void {
  server.on('checkContinue', (request: WaitingRequest, response: ServerResponse) => {
    request[WAITING] = true;
    const read = request._read;
    // The stream calls `_read` when its first consumer arrives, whichever way it reads.
    request._read = function continueAndRead(size: number): void {
      request._read = read;
      request[WAITING] = false;
      if (!response.headersSent && !response.destroyed) response.writeContinue();
      read.call(request, size);
    };
    server.emit('request', request, response);
  });
}

/** Whether the client waits for `100 Continue` and so has sent nothing of its body. */
export function waitsForContinue(request: IncomingMessage): boolean {
  return (request as WaitingRequest)[WAITING] === true;
}
