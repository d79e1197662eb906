import { sendByFetch } from './send-by-fetch.ts';
import { type RequestConstructor, sendByXhr } from './send-by-xhr.ts';

/** One request, as every way of sending takes it. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob | string | null;
  readonly signal: AbortSignal;
  /** Called with the bytes of the body that have left so far, as often as that is known. */
  readonly onSent?: (sentBytes: number) => void;
  /** Ends the request when nothing has left for so long, in milliseconds. */
  readonly stallMs: number;
  /** Ends the request when the whole body has left and no answer came for so long, in milliseconds. */
  readonly answerMs: number;
}

/** One answer, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  /** The value of a header; null when it is absent, or hidden by the rules for other origins. */
  header(name: string): string | null;
  readonly text: string;
}

/**
 * Sends one request, once.
 *
 * @throws StowageClientError `network_error` without an answer; `aborted`.
 */
export type Send = (request: HttpRequest) => Promise<HttpAnswer>;

/** What the client needs of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * The way bodies are sent: XMLHttpRequest in browsers, the only thing there that tells how much has left; `fetch`
 * elsewhere, and wherever the application brought its own.
 */
export function chooseSend(ownFetch: Fetch | undefined): Send {
  if (ownFetch !== undefined) return sendByFetch(ownFetch, { countsBody: false });
  const { XMLHttpRequest } = globalThis as { XMLHttpRequest?: RequestConstructor };
  if (XMLHttpRequest !== undefined) return sendByXhr(XMLHttpRequest);
  return sendByFetch(globalFetch, { countsBody: isNode() });
}

/** The `fetch` of the moment: an application may replace it after this module was loaded. */
export const globalFetch: Fetch = (url, init) => globalThis.fetch(url, init);

/** Whether a body may be a stream of a known length: Node's `fetch` sends the length along, no browser does. */
function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string; bun?: string } } };
  return process?.versions?.node !== undefined && process.versions.bun === undefined;
}

/** Headers without those that no program may set, because whoever sends the body sets them. */
export function sendableHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(content-length|host|connection)$/i.test(name)),
  );
}
