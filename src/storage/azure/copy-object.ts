import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { CopyOptions, ObjectInfo } from '../backend.ts';
import { mapBounded } from '../map-bounded.ts';
import { PARTS_IN_FLIGHT_MAX } from '../put-in-parts.ts';
import { blockId, commitBlocks, discardBlocks, headOf, newUploadId } from './blocks.ts';
import type { AzureClient } from './client.ts';
import { PART_BYTES_MAX } from './options.ts';

/** Life of the URL by which the store reads the source, in seconds. */
const SOURCE_LIFETIME_SECONDS = 3600;

/**
 * Copies inside the store: the source becomes blocks of the target, which one request makes an object with the type and
 * metadata given. The store's own copy would show the source's type first, and is bounded in size.
 */
export async function copyObject(
  client: AzureClient,
  copy: {
    readonly source: ObjectKey;
    readonly target: ObjectKey;
    readonly options: CopyOptions;
    /** Milliseconds since the epoch. */
    readonly now: () => number;
    /** Size of all blocks but the last; absent: the largest. */
    readonly blockBytes?: number;
  },
): Promise<ObjectInfo> {
  const { source, target, options, now } = copy;
  const { signal, mode, metadata, contentType, cacheControl } = options;
  const before = await headOf(client, source, signal);
  const uploadId = newUploadId();
  const blocks = blocksOf(uploadId, before.sizeBytes, copy.blockBytes ?? PART_BYTES_MAX);
  try {
    await mapBounded(blocks, PARTS_IN_FLIGHT_MAX, async ({ id, offset, count }) => {
      const { url } = await client.signer.signRead(source, {
        nowMs: now(),
        lifetimeSeconds: SOURCE_LIFETIME_SECONDS,
        contentDisposition: 'attachment',
        contentType: 'application/octet-stream',
        grant: null,
      });
      await client.call({ signal, sizeBytes: count }, (abortSignal) =>
        client.blob(target).stageBlockFromURL(id, url, offset, count, { abortSignal }),
      );
    });
    // The blocks were read one by one: they are one version when the source is still the same.
    if ((await headOf(client, source, signal)).version !== before.version)
      throw new StowageError('conflict', 'The object changed while it was copied.');
    return await commitBlocks(client, {
      key: target,
      blockIds: blocks.map(({ id }) => id),
      sizeBytes: before.sizeBytes,
      write: { contentType, cacheControl },
      metadata,
      mode,
      signal,
    });
  } catch (error) {
    await discardBlocks(client, target, uploadId, AbortSignal.timeout(10_000)).catch(() => undefined);
    throw error;
  }
}

function blocksOf(
  uploadId: string,
  sizeBytes: number,
  blockBytes: number,
): { id: string; offset: number; count: number }[] {
  return Array.from({ length: Math.ceil(sizeBytes / blockBytes) }, (_, index) => {
    const offset = index * blockBytes;
    return { id: blockId(uploadId, index + 1), offset, count: Math.min(blockBytes, sizeBytes - offset) };
  });
}
