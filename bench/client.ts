import { connect, type Socket } from 'node:net';

/** An answer of the raw client: the status and, for small bodies, the text. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly bodyBytes: number;
  readonly body: string;
}

/**
 * A keep-alive HTTP/1.1 client over one socket that costs next to nothing, so that the two cores of a bench belong to
 * the server. It sends prepared bytes and reads one answer at a time.
 */
export class RawClient {
  readonly #origin: URL;
  #socket: Socket | undefined;

  constructor(origin: string) {
    this.#origin = new URL(origin);
  }

  /** Sends a request, given as chunks in order, and reads its answer. Bodies over 64 KiB are counted, not kept. */
  async send(chunks: Iterable<Uint8Array>): Promise<RawAnswer> {
    const socket = await this.#open();
    const answer = this.#readAnswer(socket);
    for (const chunk of chunks) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    const result = await answer;
    if (/\r\nconnection: close/i.test(result.head)) this.close();
    return result;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#socket.destroyed) return this.#socket;
    const socket = connect(Number(this.#origin.port), this.#origin.hostname);
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    this.#socket = socket;
    return socket;
  }

  #readAnswer(socket: Socket): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      let head: string | undefined;
      let pending = Buffer.alloc(0);
      let bodyBytes = 0;
      let expectedBytes: number | undefined;
      const kept: Buffer[] = [];
      const finish = (): void => {
        socket.off('data', onData).off('error', reject).off('close', onClose);
        const body = Buffer.concat(kept).toString();
        resolve({ status: Number(head?.slice(9, 12)), head: head ?? '', bodyBytes, body });
      };
      const onClose = (): void => reject(new Error('The connection was closed before the answer was whole.'));
      const onData = (data: Buffer): void => {
        let body = data;
        if (head === undefined) {
          pending = Buffer.concat([pending, data]);
          const end = pending.indexOf('\r\n\r\n');
          if (end < 0) return;
          head = pending.toString('latin1', 0, end);
          body = pending.subarray(end + 4);
          const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
          if (length !== undefined) expectedBytes = Number(length);
          else if (!/\r\ntransfer-encoding: chunked/i.test(head)) expectedBytes = 0;
        }
        bodyBytes += body.length;
        if (bodyBytes <= 65_536) kept.push(body);
        const isWhole = expectedBytes === undefined ? body.includes('0\r\n\r\n') : bodyBytes >= expectedBytes;
        if (isWhole) finish();
      };
      socket.on('data', onData).once('error', reject).once('close', onClose);
    });
  }
}

/**
 * Keeps `clients` connections busy with the same request for `seconds`.
 *
 * @returns answered requests per second. Any answer of another status than `expected` ends the run with an error.
 */
export async function hammer(
  origin: string,
  request: readonly Uint8Array[],
  options: { clients: number; seconds: number; expected: readonly number[] },
): Promise<number> {
  const end = performance.now() + options.seconds * 1000;
  const started = performance.now();
  let answered = 0;
  await Promise.all(
    Array.from({ length: options.clients }, async () => {
      const client = new RawClient(origin);
      while (performance.now() < end) {
        const answer = await client.send(request);
        if (!options.expected.includes(answer.status))
          throw new Error(`Status ${answer.status}: ${answer.body}`);
        answered++;
      }
      client.close();
    }),
  );
  return answered / ((performance.now() - started) / 1000);
}

const BOUNDARY = 'bench-boundary-7f3a9c';

/** The bytes of a POST of one file in a form, with the fields Stowage needs; other servers ignore them. */
export function formPost(
  path: string,
  file: { name: string; type: string; sizeBytes: number; assetType: string; fields?: Record<string, string> },
  authorization: string,
): { head: Buffer; tail: Buffer } {
  const fields = Object.entries({ asset_type: file.assetType, ...file.fields })
    .map(
      ([name, value]) =>
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join('');
  const before = `${fields}--${BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="${file.name}"\r\nContent-Type: ${file.type}\r\n\r\n`;
  const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
  const length = Buffer.byteLength(before) + file.sizeBytes + tail.length;
  const head = Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${authorization}\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${length}\r\n\r\n${before}`,
  );
  return { head, tail };
}

/** What stands between one file of {@link formPost} and the next. */
export function nextFile(name: string, type: string): Buffer {
  return Buffer.from(
    `\r\n--${BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n`,
  );
}

/** The bytes of a GET. */
export function get(path: string, authorization?: string): Buffer {
  const bearer = authorization === undefined ? '' : `Authorization: Bearer ${authorization}\r\n`;
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench\r\n${bearer}\r\n`);
}
