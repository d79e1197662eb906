import type { AssetJson } from '../protocol/index.ts';
import { callOnce } from './api.ts';
import { isClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { delayBefore, pause } from './retry.ts';
import type { UploadState } from './upload-state.ts';

/** Time for the service to judge even the smallest file, in milliseconds. */
const COMPLETE_MS = 180_000;
/** The slowest store that is waited for, in bytes per millisecond: each byte is read once and copied. */
const BYTES_PER_MS_MIN = 4096;
/** How often to ask while an earlier call is at it, in milliseconds. */
const BUSY_MS = 1000;

/**
 * Has the service judge what was sent. A lost answer is asked for again: it is the same asset.
 *
 * @throws StowageClientError the refusal; `conflict` when bytes are missing.
 */
export async function completeUpload(
  settings: Settings,
  { uploadId, sizeBytes }: Pick<UploadState, 'uploadId' | 'sizeBytes'>,
  signal: AbortSignal,
): Promise<AssetJson> {
  const answerMs = COMPLETE_MS + Math.ceil(sizeBytes / BYTES_PER_MS_MIN);
  const untilMs = Date.now() + answerMs;
  const path = `${settings.uploadsPath}/${encodeURIComponent(uploadId)}/complete`;
  for (let attempt = 1; ; ) {
    try {
      return await callOnce<AssetJson>(settings, { method: 'POST', path, signal, answerMs });
    } catch (error) {
      // With Retry-After the conflict is an earlier call of ours whose answer was lost: that is no failed try.
      const isBusy = isClientError(error, 'conflict') && error.retryAfterSeconds !== null;
      const delayMs = isBusy ? BUSY_MS : delayBefore(attempt, error, settings.retry);
      if (delayMs === null || Date.now() > untilMs) throw error;
      if (!isBusy) attempt += 1;
      await pause(delayMs, signal);
    }
  }
}
