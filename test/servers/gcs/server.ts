import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Accounts, requireAccess, requireOperator } from './access.ts';
import { type Exchange, Refusal, refusals, sendRefusal } from './answers.ts';
import { answerBucket, answerPreflight, createBucket } from './bucket-api.ts';
import { answerJson } from './json-api.ts';
import { type BucketState, emptyBucket } from './store.ts';
import { answerSession, answerUpload } from './uploads.ts';
import { answerXml } from './xml-api.ts';

/** Something that goes wrong with one request. */
export interface Fault {
  /** Which requests it may befall. */
  readonly on: (request: IncomingMessage) => boolean;
  /**
   * `refuse`: an answer with a status and nothing done. `cut`: the connection ends after so many bytes of the body.
   * `mute`: all is done, but the connection ends before the answer.
   */
  readonly what:
    | { readonly refuse: number }
    | { readonly cutAfterBytes: number }
    | { readonly mute: true }
    /** The connection ends after so many bytes of the answer's body. */
    | { readonly cutAnswerAfterBytes: number };
  /** How many requests it befalls. */
  times: number;
}

/** A store on a free port of this machine. */
export interface GcsServer extends AsyncDisposable {
  readonly origin: string;
  readonly buckets: Map<string, BucketState>;
  readonly faults: Fault[];
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[];
}

export interface GcsServerOptions {
  readonly accounts: Accounts;
  /** Accounts that may change buckets; absent: all of them. */
  readonly operators?: readonly string[];
  readonly buckets: readonly string[];
  /** Milliseconds since the epoch; for tokens, signatures and times of objects. */
  readonly now?: () => number;
}

/** Starts a small store that speaks Google's JSON and XML APIs, as strictly as its README says. */
export async function startGcsServer(options: GcsServerOptions): Promise<GcsServer> {
  const now = options.now ?? Date.now;
  const buckets = new Map(options.buckets.map((name) => [name, emptyBucket(name, now)]));
  const faults: Fault[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const fault = faults.find((each) => each.times > 0 && each.on(request));
    if (fault !== undefined) fault.times -= 1;
    void answer(request, response, fault?.what, (exchange) => dispatch(exchange, buckets, options, now));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    buckets,
    faults,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What a refused request is told, where it is not the store's own failure. */
const REASONS: Readonly<Record<number, string>> = {
  401: 'authError',
  403: 'forbidden',
  410: 'gone',
  429: 'rateLimitExceeded',
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault['what'] | undefined,
  carryOut: (exchange: Exchange) => void,
): Promise<void> {
  const bytesMax =
    fault !== undefined && 'cutAfterBytes' in fault ? fault.cutAfterBytes : Number.POSITIVE_INFINITY;
  const { socket } = request; // a request that is given up forgets it
  const { body, isWhole } = await readBody(request, bytesMax);
  const url = new URL(request.url ?? '/', 'http://store');
  const exchange: Exchange = { request, response, method: request.method ?? '', url, body, isWhole };
  try {
    if (fault !== undefined && 'refuse' in fault)
      throw new Refusal(
        fault.refuse,
        REASONS[fault.refuse] ?? 'backendError',
        'InternalError',
        'By a fault.',
      );
    if (fault !== undefined && 'mute' in fault) socket.destroy();
    if (fault !== undefined && 'cutAnswerAfterBytes' in fault) cutAnswer(response, fault.cutAnswerAfterBytes);
    carryOut(exchange);
  } catch (error) {
    if (error instanceof Refusal) sendRefusal(exchange, error);
    else response.writeHead(500).end(String(error));
  } finally {
    if (!isWhole) socket.destroy();
  }
}

/** Lets only the first bytes of an answer out. */
function cutAnswer(response: ServerResponse, bytesMax: number): void {
  const cut = (body: Buffer): ServerResponse => {
    response.write(body.subarray(0, bytesMax), () => response.destroy());
    return response;
  };
  response.end = cut as typeof response.end;
}

async function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  let seenBytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      seenBytes += chunk.byteLength;
      if (seenBytes > bytesMax) return { body: Buffer.concat(chunks).subarray(0, bytesMax), isWhole: false };
    }
  } catch {
    return { body: Buffer.concat(chunks), isWhole: false };
  }
  return { body: Buffer.concat(chunks), isWhole: true };
}

function dispatch(
  exchange: Exchange,
  buckets: Map<string, BucketState>,
  { accounts, operators }: GcsServerOptions,
  now: () => number,
): void {
  const { url } = exchange;
  const nowMs = now();
  if (exchange.method === 'OPTIONS') {
    answerPreflight(exchange, bucketOf(buckets, url.pathname.split('/')[1]));
    return;
  }
  const ofBucket = /^\/storage\/v1\/b(?:\/([^/]+)(\/iam)?)?$/.exec(url.pathname);
  if (ofBucket !== null) {
    requireAccess(exchange, accounts, nowMs, 'json');
    requireOperator(exchange, operators);
    const [, name, rest = ''] = ofBucket;
    if (name === undefined) createBucket(exchange, buckets, now);
    else answerBucket(exchange, bucketOf(buckets, name), rest, buckets);
    return;
  }
  const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(url.pathname);
  if (upload !== null && url.searchParams.has('upload_id')) {
    answerSession(exchange, bucketOf(buckets, upload[1]));
    return;
  }
  // Only a session keeps a part of a body.
  if (!exchange.isWhole) return;
  if (upload !== null) {
    requireAccess(exchange, accounts, nowMs, 'json');
    answerUpload(exchange, bucketOf(buckets, upload[1]));
    return;
  }
  const json = /^\/storage\/v1\/b\/([^/]+)\/o(\/.*)?$/.exec(url.pathname);
  if (json !== null) {
    requireAccess(exchange, accounts, nowMs, 'json');
    answerJson(exchange, bucketOf(buckets, json[1]), json[2] ?? '');
    return;
  }
  const xml = /^\/([^/]+)\/(.+)$/.exec(url.pathname);
  if (xml === null) throw refusals.invalid('There is nothing here.');
  requireAccess(exchange, accounts, nowMs, 'xml');
  answerXml(exchange, bucketOf(buckets, xml[1]), decodeURIComponent(xml[2] ?? ''));
}

function bucketOf(buckets: ReadonlyMap<string, BucketState>, name: string | undefined): BucketState {
  const bucket = buckets.get(decodeURIComponent(name ?? ''));
  if (bucket === undefined) throw refusals.noBucket();
  return bucket;
}
