import { Agent, type Dispatcher, request } from 'undici';
import type { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { Log } from '../../core/log.ts';
import { StoreFailure, storeError, translateFault } from '../faults.ts';
import { answerDeadlineMs, DEFAULT_PATIENCE, type Patience } from '../patience.ts';
import { withRetries } from '../retry.ts';
import { translateAnswer } from './errors.ts';
import { type Identity, openIdentity } from './identity.ts';
import { CONNECTIONS_MAX, type GcsOptions, GOOGLE_ENDPOINT } from './options.ts';
import { encodeKey, encodePart, encodeQuery, V4Signer } from './sign.ts';

/** One call to the store. The body is held in memory, so that the call can be repeated. */
export interface GcsCall {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Encoded path, from the first slash: one of the client's `…Path`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  readonly signal?: AbortSignal | undefined;
}

/** A call by a URL that is its own authority, as that of a resumable session; answers up to 308 are no failures. */
export interface BareCall {
  readonly method: 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  readonly signal?: AbortSignal | undefined;
}

export type Answer = Dispatcher.ResponseData;

/** Calls with a token to one bucket over pooled connections. */
export class GcsClient {
  readonly signer: V4Signer;
  readonly origin: string;
  readonly host: string;
  readonly log: Log;
  readonly #bucket: string;
  readonly #identity: Identity;
  readonly #patience: Patience;
  readonly #agent: Agent;
  #isClosed = false;

  constructor(options: GcsOptions, identity: Identity = openIdentity(options)) {
    const endpoint = new URL(options.endpoint ?? GOOGLE_ENDPOINT);
    this.origin = endpoint.origin;
    this.host = endpoint.host;
    this.log = options.log;
    this.#bucket = options.bucket;
    this.#identity = identity;
    this.signer = new V4Signer(identity);
    this.#patience = options.patience ?? DEFAULT_PATIENCE;
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      connect: { timeout: this.#patience.connectMs },
      headersTimeout: this.#patience.answerMs,
      bodyTimeout: this.#patience.silenceMs,
      keepAliveTimeout: 20_000,
    });
  }

  /** All objects, in the JSON API. */
  get objectsPath(): string {
    return `/storage/v1/b/${encodePart(this.#bucket)}/o`;
  }

  /** Where objects are sent to, in the JSON API. */
  get uploadPath(): string {
    return `/upload/storage/v1/b/${encodePart(this.#bucket)}/o`;
  }

  /** One object, in the JSON API. */
  objectPath(key: ObjectKey): string {
    return `${this.objectsPath}/${encodePart(key)}`;
  }

  /** A rewrite of one object to another, in the JSON API. */
  rewritePath(source: ObjectKey, target: ObjectKey): string {
    return `${this.objectPath(source)}/rewriteTo/b/${encodePart(this.#bucket)}/o/${encodePart(target)}`;
  }

  /** One object, in the XML API: what signed URLs name. */
  xmlPath(key: ObjectKey): string {
    return `/${encodePart(this.#bucket)}/${encodeKey(key)}`;
  }

  /**
   * Makes a call, repeated on faults that pass. Only for what is safe to repeat.
   *
   * @returns the answer of a success (2xx); its body must be read or dumped.
   * @throws StowageError by `errors.ts`.
   */
  async call(call: GcsCall): Promise<Answer> {
    this.assertOpen();
    return withRetries(() => this.callOnce(call), { signal: call.signal, log: this.log });
  }

  /** Makes a call and reads its answer, a short text; a text that is cut off is asked for again. */
  async callForText(call: GcsCall): Promise<string> {
    this.assertOpen();
    return withRetries(async () => textOf(await this.callOnce(call), call.signal), {
      signal: call.signal,
      log: this.log,
    });
  }

  /** Makes a call and reads its answer, JSON; one that is cut off is asked for again. */
  async callForJson<Result>(call: GcsCall): Promise<Result> {
    this.assertOpen();
    const once = async () => parseJson<Result>(await textOf(await this.callOnce(call), call.signal));
    return withRetries(once, { signal: call.signal, log: this.log });
  }

  /** Makes a call once; a token that the store refuses is replaced once. */
  async callOnce(call: GcsCall): Promise<Answer> {
    const query = encodeQuery(call.query ?? {});
    const url = `${this.origin}${call.path}${query === '' ? '' : `?${query}`}`;
    const body = call.body === undefined ? null : Buffer.concat(call.body);
    for (let attempt = 0; ; attempt++) {
      this.assertOpen();
      const token = await this.#identity.token();
      const headers = { ...call.headers, authorization: `Bearer ${token}` };
      const answer = await this.#send(url, call.method, headers, body, call.signal);
      if (answer.statusCode < 300) return answer;
      const failure = await failureOf(answer, call.signal);
      if (answer.statusCode !== 401 || attempt > 0) throw failure;
      this.#identity.forgetToken(token);
    }
  }

  /** Makes a call without a token, once. */
  async callBare(call: BareCall): Promise<Answer> {
    this.assertOpen();
    const answer = await this.#send(call.url, call.method, call.headers, call.body, call.signal);
    if (answer.statusCode <= 308) return answer;
    throw await failureOf(answer, call.signal);
  }

  /** @throws StowageError after `close`. */
  assertOpen(): void {
    if (this.#isClosed) throw storeError('storage_unavailable', new Error('The store was closed.'));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#agent.destroy();
  }

  async #send(
    url: string,
    method: Dispatcher.HttpMethod,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | null,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    try {
      return await request(url, {
        dispatcher: this.#agent,
        method,
        headers,
        body,
        headersTimeout: answerDeadlineMs(this.#patience, body?.byteLength ?? 0),
        signal: signal ?? null,
      });
    } catch (error) {
      throw translateFault(error, signal);
    }
  }
}

async function failureOf(answer: Answer, signal: AbortSignal | undefined): Promise<StowageError> {
  const storeRequestId = headerOf(answer.headers, 'x-guploader-uploadid');
  return translateAnswer(answer.statusCode, await textOf(answer, signal), storeRequestId);
}

/** The body of a short answer. */
export async function textOf(answer: Answer, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await answer.body.text();
  } catch (error) {
    throw translateFault(error, signal);
  }
}

/** @throws StowageError `storage_unavailable` when it is no JSON: something between us and the store answered. */
export function parseJson<Result>(text: string): Result {
  try {
    return JSON.parse(text) as Result;
  } catch {
    // The parser's message quotes the text: nothing of it may get into the log.
    throw storeError('storage_unavailable', new StoreFailure(200, 'SyntaxError', 'The answer is no JSON.'));
  }
}

/** One header of an answer; null when absent. */
export function headerOf(headers: Answer['headers'], name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
