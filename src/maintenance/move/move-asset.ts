import { isDeepStrictEqual } from 'node:util';
import type { Asset } from '../../catalog/catalog.ts';
import { isStowageError } from '../../core/errors.ts';
import { newUuid } from '../../core/ids.ts';
import type { ObjectInfo } from '../../storage/backend.ts';
import type { MoveParts } from './move.ts';
import type { Problem } from './report.ts';
import { type Reading, verifiedBytes, verifyObject } from './verified-bytes.ts';

/** What became of an asset: it is on the target, it is not there any more, or it stays where it is for a reason. */
export type Outcome = 'moved' | 'reused' | 'gone' | Problem;

/**
 * Moves one asset: its row names the target as a place of its bytes, then the bytes are copied and compared on the way, then
 * the row names the target as the place that is read. Whatever is interrupted is done again by the next call.
 *
 * @throws StowageError what a store or the catalog throws; the asset is still on the source then.
 */
export async function moveAsset(parts: MoveParts, asset: Asset, reading: Reading): Promise<Outcome> {
  const { catalog, clock, source, target } = parts;
  const copy = { source: source.name, target: target.name, claim: newUuid() };
  if (!(await catalog.claimCopy(asset.assetId, copy, clock.now()))) return await whatHappened(parts, asset);
  const copied = await copyBytes(parts, asset, reading);
  if (copied === 'missing' || copied === 'hash_mismatch') {
    const happened = await whatHappened(parts, asset);
    return happened === 'busy' ? copied : happened;
  }
  if (await catalog.switchBackend(asset.assetId, copy, clock.now())) return copied;
  return await whatHappened(parts, asset);
}

/** Sees to it that the target has the bytes, with the type and the facts that the source has. */
async function copyBytes(
  parts: MoveParts,
  asset: Asset,
  reading: Reading,
  isAgain = false,
): Promise<'moved' | 'reused' | 'missing' | 'hash_mismatch'> {
  const { source, target } = parts;
  const { signal } = reading;
  const found = await headOf(target, asset, signal);
  if (found !== null && (await isGoodCopy(parts, asset, found, reading))) return 'reused';
  try {
    const { info, body } = await source.get(asset.key, { signal });
    const { contentType, cacheControl, metadata } = info;
    await target.put(asset.key, verifiedBytes(asset, body, reading), {
      // A key that was free is taken by nobody else: two who move the same asset bring the same bytes.
      mode: found === null ? 'create' : 'replace',
      ...{ contentType, cacheControl, metadata, signal },
      ...(asset.sizeBytes <= target.capabilities.singlePutBytesMax && { sizeBytes: asset.sizeBytes }),
    });
    return 'moved';
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return 'missing';
    // Somebody who moves the same asset was faster: theirs is looked at.
    if (isStowageError(error, 'object_exists') && !isAgain) {
      return await copyBytes(parts, asset, reading, true);
    }
    if (isStowageError(error, 'object_corrupt') || isStowageError(error, 'malformed_request')) {
      return 'hash_mismatch';
    }
    throw error;
  }
}

/** Whether what lies at the target is the file, with all that belongs to it: left by a move that was interrupted. */
async function isGoodCopy(
  { source, target }: MoveParts,
  asset: Asset,
  found: ObjectInfo,
  reading: Reading,
): Promise<boolean> {
  if (found.sizeBytes !== asset.sizeBytes) return false;
  const original = await headOf(source, asset, reading.signal);
  // Without an original there is nothing better to be had.
  if (original !== null && !hasSameFacts(found, original)) return false;
  return typeof (await verifyObject(target, asset, reading)) !== 'string';
}

function hasSameFacts(one: ObjectInfo, other: ObjectInfo): boolean {
  return (
    one.contentType === other.contentType &&
    one.cacheControl === other.cacheControl &&
    isDeepStrictEqual({ ...one.metadata }, { ...other.metadata })
  );
}

async function headOf(
  store: MoveParts['source'],
  { key }: Asset,
  signal: AbortSignal,
): Promise<ObjectInfo | null> {
  try {
    return await store.head(key, { signal });
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return null;
    throw error;
  }
}

/** Why an asset can't be moved on: it was removed, it has moved, or somebody else is at it. */
async function whatHappened(parts: MoveParts, asset: Asset): Promise<'gone' | 'busy'> {
  const now = await parts.catalog.findAsset(asset.tenantId, asset.assetId);
  if (now !== undefined) return now.backend === asset.backend ? 'busy' : 'gone';
  // The delete may have come before our bytes did. No other asset will ever have this key.
  await parts.target.delete(asset.key, {});
  return 'gone';
}
