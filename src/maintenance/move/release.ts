import type { Asset } from '../../catalog/catalog.ts';
import { isStowageError } from '../../core/errors.ts';
import { newUuid } from '../../core/ids.ts';
import type { MoveParts } from './move.ts';
import type { Problem } from './report.ts';
import { type Reading, verifyObject } from './verified-bytes.ts';

/** How long the removal of one object may take, in milliseconds. */
const REMOVE_MS_MAX = 30_000;
/** How long nobody else touches the copy, in milliseconds: the removal has ended long before. */
const LEASE_MS = 4 * REMOVE_MS_MAX;

/**
 * Removes the copy of an asset at the source, after all bytes of the one that is read have been compared.
 *
 * @param beforeMs assets that moved later keep their copies.
 * @returns `kept` when the asset moved or was removed meanwhile.
 */
export async function releaseCopy(
  parts: MoveParts,
  asset: Asset,
  beforeMs: number,
  reading: Reading,
): Promise<'removed' | 'kept' | Problem> {
  const { catalog, clock, source } = parts;
  const holder = await parts.stores.of(asset.backend);
  const verified = await verifyObject(holder, asset, reading);
  if (typeof verified === 'string') {
    const now = await catalog.findAsset(asset.tenantId, asset.assetId);
    if (now?.backend !== asset.backend) return 'kept';
    return verified === 'missing' ? 'target_missing' : 'target_mismatch';
  }
  const release = { backend: source.name, heldBy: asset.backend, beforeMs, claim: newUuid() };
  const nowMs = clock.now();
  if (!(await catalog.claimRelease(asset.assetId, release, { nowMs, untilMs: nowMs + LEASE_MS })))
    return 'kept';
  try {
    // Not the signal of the command: what has begun ends, so that the row is right.
    await source.delete(asset.key, { signal: AbortSignal.timeout(REMOVE_MS_MAX) });
  } catch (error) {
    // After any failure the object may be gone or not: it counts as a copy that may be there.
    await catalog.endRelease(asset.assetId, release, false);
    if (isStowageError(error)) return 'failed';
    throw error;
  }
  await catalog.endRelease(asset.assetId, release, true);
  return 'removed';
}
