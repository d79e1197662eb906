import type { Send } from './transport.ts';
import { Watch } from './watch.ts';

/** What is used of XMLHttpRequest, so that the package needs no types of a browser. */
export interface XhrLike {
  readonly status: number;
  readonly responseText: string;
  readonly upload: {
    onprogress: ((event: { readonly loaded: number }) => void) | null;
    onload: (() => void) | null;
  };
  onload: (() => void) | null;
  onprogress: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: Blob | string | null): void;
  abort(): void;
}
export type RequestConstructor = new () => XhrLike;

/** Sends by XMLHttpRequest, which tells how much of the body has left. */
export function sendByXhr(XMLHttpRequest: RequestConstructor): Send {
  return ({ method, url, headers, body, signal, onSent, stallMs, answerMs }) =>
    new Promise((resolve, reject) => {
      const watch = new Watch(signal, stallMs);
      const xhr = new XMLHttpRequest();
      const stop = () => xhr.abort();
      const end = (settle: () => void) => {
        watch.end();
        watch.signal.removeEventListener('abort', stop);
        settle();
      };
      const fail = () => end(() => reject(watch.failure(undefined)));
      xhr.upload.onprogress = ({ loaded }) => {
        watch.allow(stallMs);
        // A form counts with what surrounds its file; the body is what was asked to be sent.
        onSent?.(loaded);
      };
      xhr.upload.onload = () => watch.allow(answerMs);
      xhr.onprogress = () => watch.allow(answerMs);
      xhr.onerror = fail;
      xhr.onabort = fail;
      xhr.onload = () =>
        end(() =>
          resolve({
            status: xhr.status,
            header: (name) => xhr.getResponseHeader(name),
            text: xhr.responseText,
          }),
        );
      if (signal.aborted) {
        fail();
        return;
      }
      watch.signal.addEventListener('abort', stop, { once: true });
      xhr.open(method, url);
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      xhr.send(body);
    });
}
