import { errorOfStore } from './errors.ts';
import { formOf } from './form.ts';
import type { Settings } from './options.ts';
import type { ProgressMeter } from './progress.ts';
import { withRetries } from './retry.ts';
import type { Source } from './source.ts';
import { sendableHeaders } from './transport.ts';
import type { SingleRequest } from './upload-state.ts';

/** How long a store may take to answer when it has all bytes, in milliseconds. */
export const STORE_ANSWER_MS = 120_000;

/** Sends a file to the store in one request, from its beginning at each try. */
export async function sendSingle(
  settings: Settings,
  request: SingleRequest,
  job: {
    readonly source: Source;
    readonly signal: AbortSignal;
    readonly meter: ProgressMeter;
    readonly partSent: (partNumber: number) => void;
  },
): Promise<void> {
  const { source, signal, meter, partSent } = job;
  const bytes = await source.read(0, source.sizeBytes);
  await source.finish();
  const { body, headers } = bodyOf(request, bytes);
  meter.partSent(1, 0);
  await withRetries(settings.retry, signal, async () => {
    const answer = await settings.send({
      method: request.method === 'put' ? 'PUT' : 'POST',
      url: request.url,
      headers,
      body,
      signal,
      onSent: (sentBytes) => meter.partSent(1, Math.floor((sentBytes / body.size) * bytes.size)),
      stallMs: settings.stallMs,
      answerMs: Math.max(STORE_ANSWER_MS, settings.stallMs),
    });
    if (answer.status >= 200 && answer.status <= 299) return;
    meter.partSent(1, 0);
    throw errorOfStore(answer);
  });
  meter.partSent(1, bytes.size);
  partSent(1);
}

function bodyOf({ method, headers, fields }: SingleRequest, bytes: Blob) {
  if (method === 'put') return { body: bytes, headers: sendableHeaders(headers) };
  // The store reads the fields first and takes what follows the file for nothing.
  const parts = Object.entries(fields).map(([name, value]) => ({ name, value }));
  const form = formOf([...parts, { name: 'file', value: bytes, filename: 'file' }]);
  return { body: form.body, headers: { ...sendableHeaders(headers), 'content-type': form.contentType } };
}
