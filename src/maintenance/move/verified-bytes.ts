import { createHash } from 'node:crypto';
import type { Asset } from '../../catalog/catalog.ts';
import type { ByteStream } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectInfo, StorageBackend } from '../../storage/backend.ts';
import type { Pace } from './pace.ts';

/** What reading and comparing needs besides a store. */
export interface Reading {
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/**
 * Passes the bytes of an asset through, hashing them.
 *
 * @throws StowageError `object_corrupt` at the end, when they are not those of the record: whoever stores them stores
 *   nothing then.
 */
export async function* verifiedBytes(
  asset: Pick<Asset, 'sizeBytes' | 'contentHash'>,
  body: ByteStream,
  { pace, signal }: Reading,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let seenBytes = 0;
  for await (const chunk of body) {
    await pace.pass(chunk.byteLength, signal);
    seenBytes += chunk.byteLength;
    if (seenBytes > asset.sizeBytes) throw corrupt();
    hash.update(chunk);
    yield chunk;
  }
  if (seenBytes !== asset.sizeBytes || hash.digest('hex') !== asset.contentHash) throw corrupt();
}

/**
 * Reads an object to its end and compares it with the record.
 *
 * @returns its facts when it is what the record says; else what is wrong with it.
 */
export async function verifyObject(
  store: Pick<StorageBackend, 'get'>,
  asset: Asset,
  reading: Reading,
): Promise<ObjectInfo | 'missing' | 'mismatch'> {
  try {
    const { info, body } = await store.get(asset.key, { signal: reading.signal });
    for await (const _ of verifiedBytes(asset, body, reading));
    return info;
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return 'missing';
    if (isStowageError(error, 'object_corrupt')) return 'mismatch';
    throw error;
  }
}

function corrupt(): StowageError {
  return new StowageError('object_corrupt', 'The stored bytes are not those that were uploaded.');
}
