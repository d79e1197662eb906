import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What happens to one request on its way. One of: an answer of our own, silence, a cut, a lie. */
export interface Fault {
  /** Answers instead of the server. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The request is taken and never answered. */
  readonly hang?: boolean;
  /** The connection is reset after so many bytes of the request's body; the server gets no more of it either. */
  readonly cutRequestAfterBytes?: number;
  /** The server gets the request, its answer is lost and the connection cut. */
  readonly loseAnswer?: boolean;
  /** The connection is reset after so many bytes of the answer's body. */
  readonly cutAfterBytes?: number;
  /** The answer falls silent after so many bytes of its body. */
  readonly stallAfterBytes?: number;
  /** The answer ends after so many bytes of its body and says that this was all. */
  readonly shortenToBytes?: number;
}

/** A way to a server on loopback that breaks as the test says. */
export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** Requests seen so far. */
  readonly seen: readonly { readonly method: string; readonly url: string }[];
  /** Answers that were left before their end by the client. */
  leftEarly: number;
  /** Asked for each request; null lets it pass. */
  fault: (incoming: IncomingMessage) => Fault | null | Promise<Fault | null>;
}

/** Listens on a port that the system picks and passes everything on to `targetPort`, the Host header included. */
export async function startFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  const seen: { method: string; url: string }[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push({ method: incoming.method ?? '', url: incoming.url ?? '' });
    incoming.on('error', () => {});
    outgoing.on('error', () => {});
    void pass(incoming, outgoing);
  });
  server.on('checkContinue', (incoming, outgoing) => {
    outgoing.writeContinue();
    server.emit('request', incoming, outgoing);
  });
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const fault = await proxy.fault(incoming);
    if (fault?.hang) {
      incoming.resume();
      return;
    }
    if (fault?.status !== undefined) {
      // Stores read a body before they refuse it; a client that is still sending would see a reset instead.
      incoming
        .resume()
        .once('end', () => outgoing.writeHead(fault.status ?? 500, fault.headers).end(fault.body));
      return;
    }
    const { method, headers, url: path, socket } = incoming;
    const onward = request({ host: '127.0.0.1', port: targetPort, method, headers, path, agent: false });
    onward.on('error', () => outgoing.destroy());
    onward.on('response', (answer) => {
      sendAnswer(answer, outgoing, fault, socket);
      outgoing.once('close', () => {
        if (!outgoing.writableFinished && fault === null) proxy.leftEarly += 1;
        answer.destroy();
      });
    });
    outgoing.once('close', () => !outgoing.writableFinished && onward.destroy());
    if (fault?.cutRequestAfterBytes === undefined) incoming.pipe(onward);
    else cutRequest(incoming, onward, fault.cutRequestAfterBytes);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  const proxy: FaultyProxy = {
    port: address.port,
    seen,
    leftEarly: 0,
    fault: () => null,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return proxy;
}

function sendAnswer(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | null,
  socket: Socket,
): void {
  answer.on('error', () => outgoing.destroy());
  if (fault?.loseAnswer) {
    answer.resume().once('end', () => socket.resetAndDestroy());
    return;
  }
  const { cutAfterBytes, stallAfterBytes, shortenToBytes } = fault ?? {};
  const bytesMax = cutAfterBytes ?? stallAfterBytes ?? shortenToBytes ?? Number.POSITIVE_INFINITY;
  const headers = { ...answer.headers };
  if (shortenToBytes !== undefined) headers['content-length'] = String(shortenToBytes);
  outgoing.writeHead(answer.statusCode ?? 500, headers);
  outgoing.flushHeaders();
  let sentBytes = 0;
  answer.on('data', (chunk: Buffer) => {
    const rest = chunk.subarray(0, bytesMax - sentBytes);
    sentBytes += rest.byteLength;
    if (rest.byteLength > 0) outgoing.write(rest);
    if (sentBytes < bytesMax) return;
    answer.pause();
    if (cutAfterBytes !== undefined) setImmediate(() => socket.resetAndDestroy());
    if (shortenToBytes !== undefined) outgoing.end();
  });
  answer.once('end', () => {
    if (stallAfterBytes === undefined) outgoing.end();
  });
}

/** Passes the first bytes of a request's body on and resets both connections. */
function cutRequest(
  incoming: IncomingMessage,
  onward: ReturnType<typeof request>,
  cutAfterBytes: number,
): void {
  let seenBytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    onward.write(chunk.subarray(0, cutAfterBytes - seenBytes));
    seenBytes += chunk.byteLength;
    if (seenBytes < cutAfterBytes) return;
    incoming.pause();
    onward.destroy();
    incoming.socket.resetAndDestroy();
  });
}
