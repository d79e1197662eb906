import type { UploadPartJson } from '../protocol/index.ts';
import { abortedError, errorOfStore, isClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { PartUrls } from './part-urls.ts';
import type { ProgressMeter } from './progress.ts';
import { withRetries } from './retry.ts';
import { STORE_ANSWER_MS } from './send-single.ts';
import type { Source } from './source.ts';
import { sendableHeaders } from './transport.ts';
import { partCountOf, partRange, type UploadState } from './upload-state.ts';

/** The parts of an upload that are to be sent. */
export interface PartsJob {
  readonly state: UploadState;
  readonly source: Source;
  /** URLs that are known already. */
  readonly parts: readonly UploadPartJson[];
  readonly partsInFlight: number;
  readonly signal: AbortSignal;
  readonly meter: ProgressMeter;
  readonly partSent: (partNumber: number) => void;
}

/**
 * Sends the parts that are missing, several side by side. Of a stream at most as many parts are in memory.
 *
 * @throws the first failure, when everything that was under way has ended.
 */
export async function sendParts(settings: Settings, job: PartsJob): Promise<void> {
  const { state, source, parts } = job;
  const done = new Set(state.sentParts);
  const missing = Array.from({ length: partCountOf(state) }, (_, index) => index + 1).filter(
    (number) => !done.has(number),
  );
  const urls = new PartUrls(settings, { uploadId: state.uploadId, missing, parts });
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  const next = readerOf(source, state, missing);
  const sendAll = async (): Promise<void> => {
    try {
      for (let piece = await next(); piece !== null; piece = await next()) {
        if (signal.aborted) return;
        await sendPart(settings, { ...job, signal }, urls, piece);
      }
    } catch (error) {
      // The first failure is the reason; what the others report is that they were stopped.
      if (!stop.signal.aborted) stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: Math.min(job.partsInFlight, missing.length) }, sendAll));
  if (stop.signal.aborted) throw stop.signal.reason;
  if (job.signal.aborted) throw abortedError(job.signal);
  await source.finish();
}

interface Piece {
  readonly partNumber: number;
  readonly bytes: Blob;
}

/** Reads the parts one after another, whoever asks: a stream has only one order. */
function readerOf(
  source: Source,
  state: UploadState,
  missing: readonly number[],
): () => Promise<Piece | null> {
  let index = 0;
  let reading: Promise<Piece | null> = Promise.resolve(null);
  return () => {
    reading = reading.then(async () => {
      const partNumber = missing[index];
      if (partNumber === undefined) return null;
      index += 1;
      const { offset, sizeBytes } = partRange(state, partNumber);
      return { partNumber, bytes: await source.read(offset, sizeBytes) };
    });
    return reading;
  };
}

async function sendPart(
  settings: Settings,
  { signal, meter, partSent }: PartsJob,
  urls: PartUrls,
  { partNumber, bytes }: Piece,
): Promise<void> {
  let isFresh = false;
  const send = async (): Promise<void> => {
    const part = await urls.take(partNumber, signal);
    meter.partSent(partNumber, 0);
    const answer = await settings.send({
      method: 'PUT',
      url: part.url,
      headers: sendableHeaders(part.headers),
      body: bytes,
      signal,
      onSent: (sentBytes) => meter.partSent(partNumber, Math.min(sentBytes, bytes.size)),
      stallMs: settings.stallMs,
      answerMs: Math.max(STORE_ANSWER_MS, settings.stallMs),
    });
    if (answer.status >= 200 && answer.status <= 299) return;
    const error = errorOfStore(answer);
    if (error.isRetryable || isFresh) throw error;
    // The URL may have expired, by the store's clock. With a fresh one it is refused for good.
    isFresh = true;
    urls.drop(partNumber);
    await send();
  };
  try {
    await withRetries(settings.retry, signal, send);
  } catch (error) {
    if (!isClientError(error, 'aborted')) meter.partSent(partNumber, 0);
    throw error;
  }
  meter.partSent(partNumber, bytes.size);
  partSent(partNumber);
}
