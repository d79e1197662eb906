import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { authenticate, type Realm, type S3User } from './access.ts';
import {
  type Exchange,
  header,
  newRequestId,
  Refusal,
  refusals,
  sendEmpty,
  sendRefusal,
  sendXml,
} from './answers.ts';
import * as buckets from './buckets.ts';
import { allowOrigin, answerPreflight } from './cors.ts';
import * as objects from './objects.ts';
import * as parts from './parts.ts';
import { onlyKnownHeaders } from './policy.ts';
import { postForm } from './post-form.ts';
import type { BucketState } from './store.ts';

export type { S3User };

/** A store on a port of this machine. */
export interface S3Server extends AsyncDisposable {
  readonly origin: string;
  readonly buckets: Map<string, BucketState>;
  /** Requests so far, as `METHOD /path?query`. */
  readonly requests: string[];
}

export interface S3ServerOptions {
  /** Whoever makes a bucket owns it, and nobody else may touch it. */
  readonly users: readonly S3User[];
  readonly region?: string;
  /** Milliseconds since the epoch: for signatures and for times of objects. */
  readonly now?: () => number;
}

/** Starts a small store that speaks the S3 API, as strictly as its README says. Its bytes are on disk until it ends. */
export async function startS3Server({
  users,
  region = 'us-east-1',
  now = Date.now,
}: S3ServerOptions): Promise<S3Server> {
  const directory = await mkdtemp(path.join(tmpdir(), 'stowage-s3-'));
  const state: State = { realm: { users, region, now }, buckets: new Map(), directory };
  const requests: string[] = [];
  // Someone who stops in the middle of a head is not waited for long: AWS waits 20 seconds.
  const patience = { headersTimeout: 3_000, connectionsCheckingInterval: 1_000, requestTimeout: 600_000 };
  const server = createServer(patience, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(request, response, state);
  });
  // Longer than clients keep theirs, so that none is closed under a request.
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    buckets: state.buckets,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

interface State {
  readonly realm: Realm;
  readonly buckets: Map<string, BucketState>;
  readonly directory: string;
}

async function answer(request: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  const [rawPath = '/', rawQuery = ''] = (request.url ?? '/').split(/\?(.*)/s);
  response.setHeader('x-amz-request-id', newRequestId());
  response.on('error', () => {});
  let exchange: Exchange = { request, response, method: request.method ?? '', rawPath, query: new Map() };
  try {
    exchange = { ...exchange, query: readQuery(rawQuery) };
    await dispatch(exchange, state);
  } catch (error) {
    const refusal =
      error instanceof Refusal
        ? error
        : new Refusal(500, 'InternalError', `A defect of this server: ${error}`);
    sendRefusal(exchange, refusal);
  } finally {
    // What of a refused body still comes is read to its end: a connection cut short would hide the answer.
    request.resume();
  }
}

function readQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of text === '' ? [] : text.split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map((each) => decode(each.replaceAll('+', ' ')));
    if (query.has(name)) throw refusals.invalid('A parameter is repeated.');
    query.set(name, value);
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusals.invalid('The URI is not encoded properly.');
  }
}

/** Parameters that say which call it is. */
const CALLS = ['uploads', 'uploadId', 'delete', 'policy', 'cors', 'location', 'list-type'];
const PARAMETERS = new Set([
  ...CALLS,
  ...['partNumber', 'part-number-marker', 'max-parts', 'prefix', 'delimiter', 'max-keys', 'start-after'],
  ...['continuation-token', 'encoding-type', 'fetch-owner', 'x-id'],
  // Headers that AWS's own signer moves into the query. They change nothing here.
  ...['x-amz-checksum-mode', 'x-amz-sdk-checksum-algorithm'],
]);

async function dispatch(exchange: Exchange, state: State): Promise<void> {
  const { method, query, rawPath } = exchange;
  const [, name = '', rawKey = ''] = /^\/([^/]*)\/?(.*)$/s.exec(rawPath) ?? [];
  const key = decode(rawKey);
  const known = state.buckets.get(name);
  if (method === 'OPTIONS') {
    if (known === undefined) throw refusals.noBucket();
    answerPreflight(exchange, known);
    return;
  }
  const isForm =
    method === 'POST' && key === '' && /^multipart\/form-data/i.test(header(exchange, 'content-type') ?? '');
  if (isForm) {
    if (known === undefined) throw refusals.noBucket();
    allowOrigin(exchange, known);
    return postForm(exchange, known, state.realm, state.directory);
  }
  const access = authenticate(exchange, state.realm);
  onlyKnownHeaders(exchange);
  for (const parameter of query.keys()) {
    if (!PARAMETERS.has(parameter) && !/^(?:X-Amz-|response-)/.test(parameter))
      throw refusals.notImplemented(`This server does not know ${parameter}.`);
  }
  if (name === '') throw refusals.notImplemented('This server does not list buckets.');
  const call = CALLS.find((each) => query.has(each)) ?? '';
  if (key === '' && method === 'PUT' && call === '')
    return buckets.createBucket(exchange, access, name, state.buckets);
  if (known === undefined) throw refusals.noBucket();
  if (known.owner !== access.user.name) throw refusals.denied();
  allowOrigin(exchange, known);
  if (key === '') return onBucket({ exchange, access, bucket: known }, call, state);
  const { directory, realm } = state;
  return onObject({ exchange, access, bucket: known, key, directory, now: realm.now }, call, state.buckets);
}

function onBucket(call: buckets.BucketCall, what: string, state: State): void | Promise<void> {
  const { exchange } = call;
  switch (`${exchange.method} ${what}`) {
    case 'HEAD ':
      return sendEmpty(exchange, 200, { 'x-amz-bucket-region': state.realm.region });
    case 'DELETE ':
      return buckets.deleteBucket(call, state.buckets);
    case 'GET ':
    case 'GET list-type':
      return buckets.listObjects(call);
    case 'GET uploads':
      return buckets.listUploads(call);
    case 'GET location':
      return sendXml(exchange, `<LocationConstraint>${state.realm.region}</LocationConstraint>`);
    case 'POST delete':
      return buckets.deleteObjects(call);
    case 'GET policy':
    case 'PUT policy':
    case 'DELETE policy':
      return buckets.answerPolicy(call);
    case 'GET cors':
    case 'PUT cors':
    case 'DELETE cors':
      return buckets.answerCors(call);
    default:
      throw refusals.notAllowed();
  }
}

function onObject(
  call: objects.ObjectCall,
  what: string,
  all: ReadonlyMap<string, BucketState>,
): void | Promise<void> {
  const isCopy = header(call.exchange, 'x-amz-copy-source') !== undefined;
  switch (`${call.exchange.method} ${what}`) {
    case 'PUT ':
      return isCopy ? objects.copyObject(call, all) : objects.putObject(call);
    case 'GET ':
    case 'HEAD ':
      return objects.getObject(call);
    case 'DELETE ':
      return objects.deleteObject(call);
    case 'POST uploads':
      return parts.beginUpload(call);
    case 'PUT uploadId':
      return isCopy ? parts.copyPart(call, all) : parts.putPart(call);
    case 'GET uploadId':
      return parts.listParts(call);
    case 'POST uploadId':
      return parts.completeUpload(call);
    case 'DELETE uploadId':
      return parts.abortUpload(call);
    default:
      throw refusals.notAllowed();
  }
}
