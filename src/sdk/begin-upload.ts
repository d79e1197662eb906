import type { BeginUploadJson, UploadInstructionsJson } from '../protocol/index.ts';
import { abandonUpload } from './abandon-upload.ts';
import { callOnce } from './api.ts';
import { abortedError } from './errors.ts';
import type { Settings } from './options.ts';
import { withRetries } from './retry.ts';
import type { Source } from './source.ts';
import type { AssetFacts } from './upload.ts';

/** What the service is told of a file, and what its key needs. */
type Announcement = BeginUploadJson & Readonly<Record<string, unknown>>;

/** Reserves an upload. One whose answer is lost on the way expires by itself, and so does no harm when it is repeated. */
export async function beginUpload(
  settings: Settings,
  announced: Announcement,
  signal: AbortSignal,
): Promise<UploadInstructionsJson> {
  return await withRetries(settings.retry, signal, async () => {
    // Not ended by the caller's signal: only the answer tells what is to be given up.
    const call = callOnce<UploadInstructionsJson>(settings, {
      method: 'POST',
      path: settings.uploadsPath,
      json: announced,
      signal: new AbortController().signal,
    });
    return await unlessAborted(call, signal, ({ upload_id: uploadId }) => {
      void abandonUpload(settings, { uploadId, sizeBytes: announced.size_bytes });
    });
  });
}

/** The body that announces a file. */
export function announcementOf(
  { sizeBytes }: Pick<Source, 'sizeBytes'>,
  options: AssetFacts & { readonly filename: string; readonly mediaType: string },
  sha256: string | null,
): Announcement {
  const { filename, mediaType, assetType, fields = {}, metadata } = options;
  return {
    ...fields,
    filename,
    size_bytes: sizeBytes,
    mime_type: mediaType === '' ? null : mediaType,
    asset_type: assetType,
    ...(sha256 !== null && { sha256 }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** Waits for a result or the signal, whichever is first. A result that comes too late is handed to `undo`. */
async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  undo: (result: T) => void,
): Promise<T> {
  if (signal.aborted) {
    work.then(undo, () => {});
    throw abortedError(signal);
  }
  return await new Promise<T>((resolve, reject) => {
    const stop = () => {
      work.then(undo, () => {});
      reject(abortedError(signal));
    };
    signal.addEventListener('abort', stop, { once: true });
    work
      .then((result) => {
        if (!signal.aborted) resolve(result);
      }, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
