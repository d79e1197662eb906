import type { AssetJson, UploadInstructionsJson } from '../protocol/index.ts';
import { abandonUpload } from './abandon-upload.ts';
import { announcementOf, beginUpload } from './begin-upload.ts';
import { completeUpload } from './complete-upload.ts';
import { digestOf } from './digest.ts';
import { abortedError, isClientError, StowageClientError, withUpload } from './errors.ts';
import type { Settings } from './options.ts';
import { ProgressMeter } from './progress.ts';
import { sendParts } from './send-parts.ts';
import { sendSingle } from './send-single.ts';
import type { Source } from './source.ts';
import { tell } from './tell.ts';
import type { AssetFacts, TransferOptions, UploadOptions } from './upload.ts';
import { firstState, parseUploadState, partCountOf, partRange, type UploadState } from './upload-state.ts';

/** Sends a file straight to the store. */
export async function uploadDirectly(
  settings: Settings,
  source: Source,
  options: AssetFacts &
    TransferOptions &
    Required<Pick<UploadOptions, 'filename' | 'mediaType'>> &
    UploadOptions,
): Promise<AssetJson> {
  const signal = options.signal ?? new AbortController().signal;
  const { filename, assetType } = options;
  const known = source.blob === null ? null : await digestOf(source.blob, settings.digestBytesMax);
  const announced = announcementOf(source, options, options.sha256 ?? known);
  // Read before anything is reserved: a file that can't be read leaves nothing behind.
  const facts = { filename, assetType, sizeBytes: source.sizeBytes, sample: await source.sample() };
  const instructions = await beginUpload(settings, announced, signal);
  const state = firstState(instructions, facts);
  tell(options.onState, state);
  return await finishUpload(
    settings,
    { state, source, instructions, isResumed: false },
    { ...options, signal },
  );
}

/**
 * Goes on with an upload that was begun in this or another process.
 *
 * @param kept what `onState` or an error told, as an object or as JSON.
 * @throws StowageClientError `invalid_state`, `source_changed` when the file is another one.
 */
export async function resumeUpload(
  settings: Settings,
  kept: unknown,
  open: (state: UploadState) => Promise<Source>,
  options: TransferOptions,
): Promise<AssetJson> {
  const state = parseUploadState(kept);
  const source = await open(state);
  try {
    const sample = state.sample === null ? null : await source.sample();
    if (source.sizeBytes !== state.sizeBytes || (sample !== null && sample !== state.sample)) {
      throw new StowageClientError(
        'source_changed',
        'The file is not the one that the upload was begun with.',
        {
          upload: state,
        },
      );
    }
    const signal = options.signal ?? new AbortController().signal;
    const job = { state, source, instructions: null, isResumed: true };
    return await finishUpload(settings, job, { ...options, signal });
  } finally {
    await source.close();
  }
}

/** An upload whose bytes are to be sent. */
interface UploadJob {
  readonly state: UploadState;
  readonly source: Source;
  /** What the service has just answered; null when it must be asked. */
  readonly instructions: UploadInstructionsJson | null;
  readonly isResumed: boolean;
}

async function finishUpload(
  settings: Settings,
  job: UploadJob,
  options: TransferOptions & { readonly signal: AbortSignal },
): Promise<AssetJson> {
  const { signal, whenAborted = 'abandon', onState } = options;
  let { state } = job;
  const meter = new ProgressMeter(state.sizeBytes, options.onProgress);
  for (const number of state.sentParts) meter.partSent(number, partRange(state, number).sizeBytes);
  const partSent = (partNumber: number) => {
    state = { ...state, sentParts: [...state.sentParts, partNumber] };
    tell(onState, state);
  };
  try {
    await sendMissing(settings, job, { signal, meter, partSent, options });
    meter.phase('completing');
    const asset = await completeUpload(settings, state, signal);
    meter.phase('done');
    return asset;
  } catch (error) {
    // What can't be read again ends here; what the network or the store broke can be resumed.
    const isLost = isClientError(error, 'source_changed') || isClientError(error, 'source_unreadable');
    if (isLost || (signal.aborted && whenAborted === 'abandon')) {
      await abandonUpload(settings, state);
      throw isLost ? error : abortedError(signal);
    }
    throw isEnded(error) ? error : withUpload(error, state);
  }
}

/** Whether the service has ended the upload with this answer: it refused the file, or knows no such upload any more. */
function isEnded(error: unknown): boolean {
  if (!isClientError(error) || error.code === 'store_refused') return false;
  return error.status !== null && [400, 404, 410, 413].includes(error.status);
}

/** Codes by which the store or the service say that they want no more bytes of an upload. */
const WANTS_NO_BYTES = ['conflict', 'expired', 'forbidden', 'not_found', 'store_refused'];

async function sendMissing(
  settings: Settings,
  { state, source, instructions, isResumed }: UploadJob,
  sending: {
    readonly signal: AbortSignal;
    readonly meter: ProgressMeter;
    readonly partSent: (partNumber: number) => void;
    readonly options: TransferOptions;
  },
): Promise<void> {
  if (state.sentParts.length >= partCountOf(state)) return;
  const { options, ...rest } = sending;
  try {
    if (state.request === null) {
      const partsInFlight = options.partsInFlight ?? settings.partsInFlight;
      await sendParts(settings, { ...rest, state, source, parts: instructions?.parts ?? [], partsInFlight });
    } else {
      await sendSingle(settings, state.request, { ...rest, source });
    }
  } catch (error) {
    // What was kept may be older than what happened: perhaps everything has arrived, and completion will tell.
    if (isResumed && isClientError(error) && !error.isRetryable && WANTS_NO_BYTES.includes(error.code))
      return;
    throw error;
  }
}
