import { removeIncoming } from '../../storage/incoming.ts';
import { atStoreOf, beingCompleted, claim, reachUpload, release, requireWaiting } from './claims.ts';
import type { DirectRequest, DirectUploadOptions } from './direct-uploads.ts';

/** How long the removal of what had arrived may take, in milliseconds. */
const REMOVE_MS_MAX = 30_000;

/** Gives an open upload up: bytes and parts first, then the reservation, so that a crash between leaves it open. */
export async function abandonUpload(
  options: DirectUploadOptions,
  uploadId: string,
  request: DirectRequest,
): Promise<void> {
  const upload = await reachUpload(options, uploadId, request);
  requireWaiting(upload, options.clock.now());
  const { bucket } = await atStoreOf(options, upload);
  const held = await claim(options, upload);
  if (held === null) throw beingCompleted();
  try {
    await removeIncoming(bucket, upload, AbortSignal.timeout(REMOVE_MS_MAX));
    await options.catalog.endUpload(held, 'abandoned', null);
  } catch (error) {
    await release(options, held);
    throw error;
  }
  options.log.info(
    { request_id: request.origin.requestId, upload_id: upload.uploadId },
    'Direct upload abandoned.',
  );
}
