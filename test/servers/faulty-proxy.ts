import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What happens to one request on its way. */
export interface Fault {
  /** Answers instead of the server. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The server gets the request, its answer is lost and the connection cut. */
  readonly loseAnswer?: boolean;
  /** The connection is cut after so many bytes of the answer's body. */
  readonly cutAfterBytes?: number;
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
    void pass(incoming, outgoing);
  });
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const fault = await proxy.fault(incoming);
    if (fault?.status !== undefined) {
      incoming.resume();
      outgoing.writeHead(fault.status, fault.headers ?? {}).end();
      return;
    }
    const { method, headers, url: path } = incoming;
    const onward = request({ host: '127.0.0.1', port: targetPort, method, headers, path, agent: false });
    onward.on('error', () => outgoing.destroy());
    onward.on('response', (answer) => {
      if (fault?.loseAnswer) {
        answer.resume().once('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      let sentBytes = 0;
      answer.on('data', (chunk: Buffer) => {
        sentBytes += chunk.byteLength;
        outgoing.write(chunk);
        if (fault?.cutAfterBytes !== undefined && sentBytes >= fault.cutAfterBytes) outgoing.destroy();
      });
      answer.once('end', () => outgoing.end());
      outgoing.once('close', () => {
        if (!outgoing.writableFinished && fault === null) proxy.leftEarly += 1;
        answer.destroy();
      });
    });
    incoming.pipe(onward);
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
