import { abortedError, errorOfAnswer, StowageClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { withRetries } from './retry.ts';
import { sendByFetch } from './send-by-fetch.ts';
import type { HttpAnswer, HttpRequest, Send } from './transport.ts';

/** One call of the service. */
export interface Call {
  readonly method: string;
  /** Below the service, with its query: `/api/usage`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly signal: AbortSignal;
  /** How long the answer may take, in milliseconds; 30,000. */
  readonly answerMs?: number;
}

const ANSWER_MS = 30_000;

/** Calls the service and tries again as the settings say. @returns the JSON of the answer; undefined for 204. */
export async function callService<T>(settings: Settings, call: Call): Promise<T> {
  return await withRetries(settings.retry, call.signal, () => callOnce<T>(settings, call));
}

/** Calls the service once. */
export async function callOnce<T>(settings: Settings, call: Call): Promise<T> {
  const { method, json, signal, answerMs = ANSWER_MS } = call;
  const answer = await sendAuthorized(settings, sendByFetch(settings.fetch, { countsBody: false }), {
    method,
    url: settings.url + call.path,
    headers: json === undefined ? {} : { 'content-type': 'application/json' },
    body: json === undefined ? null : JSON.stringify(json),
    signal,
    stallMs: settings.stallMs,
    answerMs,
  });
  return jsonOf<T>(answer);
}

/** Sends a request with the token, once more with a new one when it was refused. */
export async function sendAuthorized(
  settings: Settings,
  send: Send,
  request: HttpRequest,
): Promise<HttpAnswer> {
  return await authorized(settings, request.signal, (authorization) =>
    send({ ...request, headers: { ...request.headers, authorization } }),
  );
}

/** Runs a request with the token. A token that was refused is asked for again, once. */
export async function authorized<Answer extends { readonly status: number }>(
  settings: Settings,
  signal: AbortSignal,
  run: (authorization: string) => Promise<Answer>,
): Promise<Answer> {
  if (signal.aborted) throw abortedError(signal);
  const token = await settings.token();
  const answer = await run(`Bearer ${token}`);
  if (answer.status !== 401 || !settings.canRenewToken) return answer;
  const renewed = await settings.token();
  return renewed === token ? answer : await run(`Bearer ${renewed}`);
}

/** @throws StowageClientError what the answer tells, when it is no success. */
export function jsonOf<T>(answer: HttpAnswer): T {
  if (answer.status < 200 || answer.status > 299) throw errorOfAnswer(answer);
  if (answer.status === 204) return undefined as T;
  try {
    return JSON.parse(answer.text) as T;
  } catch (cause) {
    throw new StowageClientError('unexpected_answer', 'The answer is no JSON.', {
      cause,
      status: answer.status,
    });
  }
}
