import { authorized } from './api.ts';
import { errorOfAnswer, isClientError, StowageClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { withRetries } from './retry.ts';
import { SteadyBody } from './steady-body.ts';
import type { CallOptions } from './upload.ts';
import { Watch } from './watch.ts';

/** What is read of an asset. */
export interface DownloadOptions extends CallOptions {
  /** The first byte wanted, from 0. */
  readonly firstByte?: number;
  /** The last byte wanted, itself included; else the last one of the file. */
  readonly lastByte?: number;
}

/** The content of an asset, on its way. */
export interface Download {
  /** The bytes. A connection that is cut is taken up again where it broke. Cancel it when it is not read to its end. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes that `body` has. */
  readonly sizeBytes: number;
  /** Size of the whole asset, in bytes. */
  readonly totalBytes: number;
  readonly mediaType: string;
  /** The validator of the content: its SHA-256, as an ETag. */
  readonly etag: string | null;
  /** Reads all of `body` into memory. */
  blob(): Promise<Blob>;
}

/** How long the first byte may take, in milliseconds. */
const ANSWER_MS = 60_000;

/** An answer whose body is still to be read. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly watch: Watch;
}

/** Opens the content of an asset through the service. */
export async function downloadAsset(
  settings: Settings,
  assetId: string,
  options: DownloadOptions,
): Promise<Download> {
  const signal = options.signal ?? new AbortController().signal;
  const url = `${settings.url}/api/assets/${encodeURIComponent(assetId)}/download`;
  const open = (headers: Record<string, string>) => openContent(settings, { url, headers, signal });
  const answer = await open(rangeHeader(options));
  const extent = extentOf(answer);
  const etag = answer.headers.get('etag');
  const mediaType = answer.headers.get('content-type') ?? 'application/octet-stream';
  const body = new SteadyBody(answer, {
    ...extent,
    stallMs: settings.stallMs,
    // Only the same content may go on where the first answer ended.
    reopen: etag === null ? null : (headers) => open({ ...headers, 'if-range': etag }),
  }).stream();
  const blob = async () => {
    const bytes = await new Response(body).arrayBuffer();
    return new Blob([bytes], { type: mediaType });
  };
  return { body, sizeBytes: extent.sizeBytes, totalBytes: extent.totalBytes, mediaType, etag, blob };
}

async function openContent(
  settings: Settings,
  request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
): Promise<OpenAnswer> {
  const { url, signal } = request;
  return await withRetries(settings.retry, signal, async () => {
    const watch = new Watch(signal, ANSWER_MS);
    try {
      const response = await authorized(settings, signal, (authorization) =>
        settings.fetch(url, {
          headers: { ...request.headers, authorization },
          signal: watch.signal,
          credentials: 'omit',
          // What a browser keeps under the address may be another range.
          cache: 'no-store',
        }),
      );
      const { status, headers, body } = response;
      if (status === 200 || status === 206) return { status, headers, body, watch };
      const text = await response.text();
      throw errorOfAnswer({ status, text, header: (name) => headers.get(name) });
    } catch (error) {
      throw isClientError(error) ? error : watch.failure(error);
    } finally {
      watch.stop();
    }
  });
}

function rangeHeader({ firstByte, lastByte }: DownloadOptions): Record<string, string> {
  if (firstByte === undefined && lastByte === undefined) return {};
  return { range: `bytes=${firstByte ?? 0}-${lastByte ?? ''}` };
}

function extentOf({ status, headers }: OpenAnswer) {
  if (status === 200) {
    const totalBytes = Number(headers.get('content-length') ?? Number.NaN);
    if (Number.isSafeInteger(totalBytes)) return { firstByte: 0, sizeBytes: totalBytes, totalBytes };
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '');
  if (range === null) throw new StowageClientError('unexpected_answer', 'The answer does not tell its size.');
  const [firstByte, lastByte, totalBytes] = range.slice(1).map(Number) as [number, number, number];
  return { firstByte, sizeBytes: lastByte - firstByte + 1, totalBytes };
}
