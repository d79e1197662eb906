import type { ObjectKey } from '../core/key.ts';
import { parseObjectKey } from '../core/key.ts';
import type { StorageBackend, WriteOptions } from './backend.ts';

/** Keys below this prefix are never served; only they can be written by a signed URL. */
export const INCOMING_PREFIX = 'incoming/';

/** What an object of a direct upload carries until it is judged: nothing that means anything. */
export const INCOMING_WRITE = {
  contentType: 'application/octet-stream',
  cacheControl: '',
  metadata: {},
} as const satisfies WriteOptions;

/** Where the bytes of an upload arrive. */
export function incomingKey(uploadId: string): ObjectKey {
  return parseObjectKey(`${INCOMING_PREFIX}${uploadId}`);
}

/** A key beside an incoming one that no URL writes to. */
export function sealedKey(incoming: ObjectKey): ObjectKey {
  return parseObjectKey(`${incoming}.sealed`);
}

/**
 * Removes all that a direct upload has brought: its parts first, for they could still become the object. Repeating it is
 * harmless.
 *
 * @throws what the store throws; the rest is still there then.
 */
export async function removeIncoming(
  bucket: Pick<StorageBackend, 'deleteMany' | 'resumeMultipart'>,
  upload: { readonly incomingKey: ObjectKey; readonly storeUploadId: string | null },
  signal: AbortSignal,
): Promise<void> {
  const { incomingKey: key, storeUploadId } = upload;
  if (storeUploadId !== null)
    await bucket.resumeMultipart(key, storeUploadId, INCOMING_WRITE).abort({ signal });
  const [failure] = await bucket.deleteMany([key, sealedKey(key)], { signal });
  if (failure !== undefined) throw failure.error;
}
