import { connect, type Socket } from 'node:net';
import { type Answer, answerOf } from './http.ts';

/** A connection on which a test writes what no client library would. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): Buffer;
  /** Writes and waits until the system took the bytes; false when the other side is gone. */
  write(bytes: Buffer | string): Promise<boolean>;
  /** Waits for the head and, by its length, the body of an answer. */
  answer(seconds?: number): Promise<Answer>;
  /** Whether at least the head of an answer is here. */
  answered(): boolean;
  /** Cuts the connection without a goodbye. */
  cut(): void;
}

/** Opens a connection to a service. */
export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  const received = () => Buffer.concat(chunks);
  const answered = () => received().includes('\r\n\r\n');
  return {
    socket,
    received,
    answered,
    write(bytes) {
      if (closed || socket.destroyed || !socket.writable) return Promise.resolve(false);
      return new Promise((resolve) => {
        const done = (error?: Error | null) => {
          socket.off('close', gone);
          resolve(error === undefined || error === null);
        };
        const gone = () => resolve(false);
        socket.once('close', gone);
        socket.write(bytes, done);
      });
    },
    async answer(seconds = 10) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const answer = parseAnswer(received(), closed);
        if (answer !== undefined) return answer;
        if (closed)
          throw new Error(`The connection closed without an answer: ${received().toString('latin1')}`);
        if (Date.now() > deadline) throw new Error(`No answer in ${seconds} s.`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    cut: () => socket.resetAndDestroy(),
  };
}

/** The first final answer in what was received; undefined while it is incomplete. */
function parseAnswer(bytes: Buffer, closed: boolean): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  if (status === 100) return parseAnswer(bytes.subarray(end + 4), closed);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = bytes.subarray(end + 4);
  const length = headers['content-length'];
  if (length !== undefined && body.length < Number(length) && !closed) return undefined;
  if (length === undefined && headers['transfer-encoding'] === 'chunked') {
    if (!body.includes('0\r\n\r\n') && !closed) return undefined;
    return answerOf(status, headers, unchunked(body));
  }
  return answerOf(status, headers, body);
}

function unchunked(body: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (lineEnd < 0 || !(size > 0)) return Buffer.concat(chunks);
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
