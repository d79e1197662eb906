import { Agent, type Dispatcher, request } from 'undici';
import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { withRetries } from '../retry.ts';
import { translateAnswer, translateFault } from './errors.ts';
import {
  ANSWER_TIMEOUT_MS,
  BODY_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  CONNECTIONS_MAX,
  type S3Options,
} from './options.ts';
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
  readonly #agent: Agent;
  #isClosed = false;
  #provider: (() => Promise<S3Credentials>) | undefined;

  constructor(options: S3Options) {
    this.#options = options;
    this.address = bucketAddress(options, options.endpoint);
    this.publicAddress = bucketAddress(options, options.publicEndpoint ?? options.endpoint);
    this.signer = new SigV4Signer(options.region);
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
      keepAliveTimeout: 20_000,
    });
  }

  /**
   * Makes a call, repeated on faults that pass. Every call of S3 may be repeated but a conditional write, whose first
   * try may have been carried out unheard.
   *
   * @returns the answer of a success (2xx); its body must be read or dumped.
   * @throws StowageError by `errors.ts`.
   */
  async call(call: S3Call): Promise<Dispatcher.ResponseData> {
    return withRetries(() => this.callOnce(call), { signal: call.signal });
  }

  /** Makes a call and reads its answer, a short text. */
  async callForText(call: S3Call): Promise<{ text: string; headers: Dispatcher.ResponseData['headers'] }> {
    const answer = await this.call(call);
    try {
      return { text: await answer.body.text(), headers: answer.headers };
    } catch (error) {
      throw translateFault(error, call.signal);
    }
  }

  /** The credentials to use now; temporary ones are renewed before they expire. */
  async credentials(): Promise<S3Credentials> {
    if (this.#isClosed) throw new StowageError('storage_unavailable', 'The store is closed.');
    if (this.#options.credentials !== null) return this.#options.credentials;
    if (this.#provider === undefined) {
      const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
      this.#provider = defaultProvider() as () => Promise<S3Credentials>;
    }
    try {
      return await this.#provider();
    } catch (error) {
      throw translateFault(error, undefined);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#agent.destroy();
  }

  /** Makes a call once. */
  async callOnce(call: S3Call): Promise<Dispatcher.ResponseData> {
    const path = this.address.basePath + (call.key === null ? '' : encodeKey(call.key));
    const query = call.query ?? {};
    const headers = this.signer.signHeaders(
      { method: call.method, host: this.address.host, path, query, headers: call.headers ?? {} },
      call.payloadHash ?? EMPTY_SHA256,
      await this.credentials(),
      this.#options.clock.now(),
    );
    const encoded = encodeQuery(query);
    try {
      const answer = await request(`${this.address.origin}${path}${encoded === '' ? '' : `?${encoded}`}`, {
        dispatcher: this.#agent,
        method: call.method,
        headers,
        body: bodyOf(call.body),
        signal: call.signal ?? null,
      });
      if (answer.statusCode < 300) return answer;
      const text = await answer.body.text();
      throw translateAnswer(answer.statusCode, text, headerOf(answer.headers, 'x-amz-request-id'));
    } catch (error) {
      throw translateFault(error, call.signal);
    }
  }
}

function bodyOf(chunks: readonly Uint8Array[] | undefined): Buffer | null {
  if (chunks === undefined) return null;
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined)
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  return Buffer.concat(chunks);
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
