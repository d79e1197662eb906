import { Agent, type Dispatcher, request } from 'undici';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { translateFault } from '../faults.ts';
import { answerDeadlineMs, DEFAULT_PATIENCE, type Patience } from '../patience.ts';
import { withRetries } from '../retry.ts';
import { type CredentialSource, fixedCredentials, machineCredentials } from './credentials.ts';
import { isExpiry, translateAnswer } from './errors.ts';
import { CONNECTIONS_MAX, type S3Options, SEEN_MS, TEXT_BYTES_MAX } from './options.ts';
import { joined } from './payload.ts';
import { EMPTY_SHA256, encodeKey, encodeQuery, type S3Credentials, SigV4Signer } from './sign.ts';

/** One call to the store. The body is held in memory, so that the call can be repeated. */
export interface S3Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Null for a call on the bucket itself. */
  readonly key: ObjectKey | null;
  readonly query?: Readonly<Record<string, string>>;
  /** Headers to send and sign, in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  /** SHA-256 of the body, hex; required with a body. */
  readonly payloadHash?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Where requests go: host and path of the bucket by the addressing style. */
export interface BucketAddress {
  readonly origin: string;
  readonly host: string;
  /** Encoded path before the key, ending in a slash. */
  readonly basePath: string;
}

/** Signed requests to one bucket over pooled connections. */
export class S3Client {
  readonly address: BucketAddress;
  readonly publicAddress: BucketAddress;
  readonly signer: SigV4Signer;
  readonly #options: S3Options;
  readonly #patience: Patience;
  readonly #agent: Agent;
  readonly #credentials: CredentialSource;
  #isClosed = false;
  #seenAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: S3Options) {
    this.#options = options;
    this.#patience = options.patience ?? DEFAULT_PATIENCE;
    this.address = bucketAddress(options, options.endpoint);
    this.publicAddress = bucketAddress(options, options.publicEndpoint ?? options.endpoint);
    this.signer = new SigV4Signer(options.region);
    this.#credentials =
      options.credentials === null ? machineCredentials() : fixedCredentials(options.credentials);
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      connect: { timeout: this.#patience.connectMs },
      headersTimeout: this.#patience.answerMs,
      bodyTimeout: this.#patience.silenceMs,
      keepAliveTimeout: 20_000,
    });
  }

  /**
   * Makes a call, repeated on faults that pass. Every call of S3 may be repeated but those that fail when they are
   * carried out twice: a conditional write and the joining of parts, whose first try may have been carried out unheard.
   *
   * @returns the answer of a success (2xx); its body must be read or dumped.
   * @throws StowageError by `errors.ts`.
   */
  async call(call: S3Call): Promise<Dispatcher.ResponseData> {
    return this.repeat(() => this.callOnce(call), call.signal);
  }

  /** Makes a call and reads its answer, a short text; one that is cut off is asked for again. */
  async callForText(call: S3Call): Promise<TextAnswer> {
    return this.repeat(() => this.textOnce(call), call.signal);
  }

  /** Repeats what is safe to repeat; each fault is a line of the log. */
  async repeat<Result>(
    operation: (attempt: number) => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    return withRetries(operation, { signal, log: this.#options.log });
  }

  /** Makes a call once and reads its answer, XML or nothing. */
  async textOnce(call: S3Call): Promise<TextAnswer> {
    const answer = await this.callOnce(call);
    try {
      const text = await textOf(answer, TEXT_BYTES_MAX);
      const root = rootOf(text);
      // Copying and joining may fail after their 200 was sent; the error is then in the body.
      if (root === 'Error')
        throw translateAnswer(500, text, { storeRequestId: headerOf(answer.headers, 'x-amz-request-id') });
      return { text, headers: answer.headers };
    } catch (error) {
      throw translateFault(error, call.signal);
    }
  }

  /** The credentials to use now; temporary ones are renewed before they expire. */
  async credentials(): Promise<S3Credentials> {
    if (this.#isClosed) throw new StowageError('storage_unavailable', 'The store is closed.');
    return this.#credentials.current();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#agent.destroy();
  }

  /** Makes a call once, or twice when the store took the credentials for expired and there are newer ones. */
  async callOnce(call: S3Call): Promise<Dispatcher.ResponseData> {
    const credentials = await this.credentials();
    try {
      return await this.#send(call, credentials);
    } catch (error) {
      if (!isExpiry(error) || !(await this.#credentials.replace(credentials))) throw error;
    }
    return this.#send(call, await this.credentials());
  }

  async #send(call: S3Call, credentials: S3Credentials): Promise<Dispatcher.ResponseData> {
    const path = this.address.basePath + (call.key === null ? '' : encodeKey(call.key));
    const query = call.query ?? {};
    const headers = this.signer.signHeaders(
      { method: call.method, host: this.address.host, path, query, headers: call.headers ?? {} },
      call.payloadHash ?? EMPTY_SHA256,
      credentials,
      this.#options.clock.now(),
    );
    const encoded = encodeQuery(query);
    const body = call.body === undefined ? null : joined(call.body);
    try {
      const answer = await request(`${this.address.origin}${path}${encoded === '' ? '' : `?${encoded}`}`, {
        dispatcher: this.#agent,
        method: call.method,
        headers,
        body,
        headersTimeout: answerDeadlineMs(this.#patience, body?.byteLength ?? 0),
        signal: call.signal ?? null,
      });
      if (answer.statusCode < 300) {
        this.#seenAtMs = this.#options.clock.now();
        return answer;
      }
      const text = await textOf(answer, TEXT_BYTES_MAX);
      const storeRequestId = headerOf(answer.headers, 'x-amz-request-id');
      const failure = translateAnswer(answer.statusCode, text, {
        storeRequestId,
        date: headerOf(answer.headers, 'date'),
      });
      if (call.method === 'HEAD' && answer.statusCode === 404) await this.#assertBucket(call, credentials);
      throw failure;
    } catch (error) {
      throw translateFault(error, call.signal);
    }
  }

  /**
   * A HEAD has no body that says whether the object is missing or the whole bucket: unless the bucket has just been
   * seen, it is asked for.
   *
   * @throws StowageError `storage_denied` when it is gone.
   */
  async #assertBucket({ key, signal }: S3Call, credentials: S3Credentials): Promise<void> {
    if (key === null || this.#options.clock.now() - this.#seenAtMs < SEEN_MS) return;
    try {
      const answer = await this.#send({ method: 'HEAD', key: null, signal }, credentials);
      await answer.body.dump();
    } catch (error) {
      if (isStowageError(error, 'object_not_found'))
        throw new StowageError('storage_denied', 'The bucket does not exist.', { cause: error.cause });
    }
  }
}

/** An answer that is a short text. */
export interface TextAnswer {
  readonly text: string;
  readonly headers: Dispatcher.ResponseData['headers'];
}

/** The body of an answer as a text; what is longer than `bytesMax` is no answer of a store. */
async function textOf(answer: Dispatcher.ResponseData, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    seenBytes += chunk.byteLength;
    if (seenBytes > bytesMax) throw new Error('The answer is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The name of a document's outermost element; null when there is nothing at all, which is a whole answer too.
 *
 * @throws Error when the document does not end as it began.
 */
function rootOf(text: string): string | null {
  const root = /<([A-Za-z][\w:]*)[^>]*?(\/?)>/.exec(text);
  const name = root?.[1] ?? null;
  if (name === null && text.trim() === '') return null;
  if (name !== null && (root?.[2] === '/' || text.trimEnd().endsWith(`</${name}>`))) return name;
  throw new Error('The answer was cut off.');
}

/** One header of an answer; null when absent. */
export function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function bucketAddress(options: S3Options, endpoint: string | null): BucketAddress {
  const base = new URL(endpoint ?? `https://s3.${options.region}.amazonaws.com`);
  if (options.forcePathStyle)
    return { origin: base.origin, host: base.host, basePath: `/${options.bucket}/` };
  const host = `${options.bucket}.${base.host}`;
  return { origin: `${base.protocol}//${host}`, host, basePath: '/' };
}
