import { callOnce, callService } from './api.ts';
import { completeUpload } from './complete-upload.ts';
import { isClientError } from './errors.ts';
import type { Settings } from './options.ts';
import type { UploadState } from './upload-state.ts';

/** What is given up. */
type AbandonedUpload = Pick<UploadState, 'uploadId' | 'sizeBytes'>;

/** How long giving up may take, in milliseconds. What is left then expires at the service. */
const ABANDON_MS_MAX = 30_000;

/**
 * Removes what was sent of an upload that its caller no longer wants. When the service was faster and has made an asset
 * of it, that is deleted: nobody has been told of it. Never rejects.
 */
export async function abandonUpload(settings: Settings, upload: AbandonedUpload): Promise<void> {
  const signal = AbortSignal.timeout(ABANDON_MS_MAX);
  const path = `${settings.uploadsPath}/${encodeURIComponent(upload.uploadId)}`;
  try {
    await callService<undefined>(settings, { method: 'DELETE', path, signal });
  } catch (error) {
    if (!isClientError(error, 'conflict')) return;
    await removeAsset(settings, upload, signal).catch(() => {});
  }
}

async function removeAsset(settings: Settings, upload: AbandonedUpload, signal: AbortSignal): Promise<void> {
  const { asset_id: assetId } = await completeUpload(settings, upload, signal);
  await callOnce<undefined>(settings, { method: 'DELETE', path: `/api/assets/${assetId}`, signal });
}
