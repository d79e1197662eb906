import type { PlacedAsset } from '../catalog/asset-moves.ts';
import type { AccessEntry, Asset } from '../catalog/catalog.ts';
import { throwIfAborted } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import type { ObjectKey } from '../core/key.ts';
import { withSignal } from './find-orphans.ts';
import type { SweepCount, SweepOptions, SweepParts } from './sweep.ts';

const BATCH = 500;
/** Most tombstones and unused assets per sweep and kind; the next sweep goes on. */
const REMOVED_MAX = 100_000;
const DAY_MS = 86_400_000;

/** What was removed of one kind. */
export interface Removed {
  readonly found: number;
  readonly count: SweepCount;
  readonly failures: number;
}

/** Removes orphans, asking once more, right before, whether a row names them. */
export async function removeOrphans(
  parts: Pick<SweepParts, 'bucket' | 'catalog' | 'log'>,
  keys: readonly ObjectKey[],
  options: Pick<SweepOptions, 'onProgress' | 'signal'>,
): Promise<{ readonly removed: number; readonly failures: number }> {
  let removed = 0;
  let failures = 0;
  for (let start = 0; start < keys.length; start += BATCH) {
    throwIfAborted(options.signal);
    const batch = keys.slice(start, start + BATCH);
    const inUse = await parts.catalog.keysInUse(batch);
    const dead = batch.filter((key) => !inUse.has(key));
    const failed = await parts.bucket.deleteMany(dead, withSignal(options.signal));
    for (const { key, error } of failed)
      parts.log.warn({ key, err: error }, 'An orphan could not be removed.');
    removed += dead.length - failed.length;
    failures += failed.length;
    options.onProgress?.('orphans removed', removed);
  }
  return { removed, failures };
}

/** Finishes deletes that were interrupted: removes the bytes, then the tombstone. Repeating both is harmless. */
export async function finishTombstones(
  parts: Pick<SweepParts, 'bucket' | 'stores' | 'catalog' | 'clock' | 'log'>,
  options: Pick<SweepOptions, 'apply' | 'signal'>,
): Promise<Removed> {
  const query = { backend: parts.bucket.name, beforeMs: parts.clock.now() + 1, limit: BATCH };
  const tally = newTally();
  for (let afterId: string | null = null; tally.found < REMOVED_MAX; ) {
    throwIfAborted(options.signal);
    const page: readonly PlacedAsset[] = await parts.catalog.listTombstones({ ...query, afterId });
    for (const asset of page) {
      tally.seen(asset);
      if (options.apply)
        await tally.attempt(parts, asset, () => removeBytesAndRow(parts, asset, options.signal));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < BATCH) break;
    // What could not be removed is left behind too: the others must not wait for it.
    afterId = last.assetId;
  }
  return tally.result();
}

/** Removes the assets of types with a retention that nobody has read, or got a URL for, for that long. */
export async function removeUnused(
  parts: Pick<SweepParts, 'bucket' | 'stores' | 'catalog' | 'clock' | 'log' | 'assetTypes'>,
  options: Pick<SweepOptions, 'apply' | 'onProgress' | 'signal'>,
): Promise<Removed> {
  const nowMs = parts.clock.now();
  const tally = newTally();
  for (const { name, unusedDaysMax } of parts.assetTypes.values()) {
    if (unusedDaysMax === null) continue;
    const beforeMs = nowMs - unusedDaysMax * DAY_MS;
    const query = { assetType: name, backend: parts.bucket.name, beforeMs, limit: BATCH };
    for (let after: Asset | null = null; tally.found < REMOVED_MAX; ) {
      throwIfAborted(options.signal);
      const page: readonly Asset[] = await parts.catalog.listUnused({ ...query, after });
      for (const asset of page) {
        tally.seen(asset);
        if (options.apply) await tally.attempt(parts, asset, () => removeAsset(parts, asset, options.signal));
      }
      options.onProgress?.('unused assets', tally.found);
      const last = page.at(-1);
      if (last === undefined || page.length < BATCH) break;
      after = last;
    }
  }
  return tally.result();
}

async function removeAsset(
  parts: Pick<SweepParts, 'stores' | 'catalog' | 'clock'>,
  asset: Asset,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry: AccessEntry = {
    action: 'delete',
    outcome: 'ok',
    reason: null,
    tenantId: asset.tenantId,
    userId: null,
    assetId: asset.assetId,
    assetType: asset.assetType,
    key: asset.key,
    ipAddress: '127.0.0.1',
    userAgent: 'stowage sweep (retention)',
    storageBackend: asset.backend,
    requestId: newUuid(),
    atMs: parts.clock.now(),
  };
  const tombstone = await parts.catalog.tombstoneAsset(asset.tenantId, asset.assetId, entry);
  if (tombstone !== undefined) await removeBytesAndRow(parts, tombstone, signal);
}

async function removeBytesAndRow(
  parts: Pick<SweepParts, 'stores' | 'catalog'>,
  asset: PlacedAsset,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const backend of [asset.backend, ...asset.copies]) {
    await (await parts.stores.of(backend)).delete(asset.key, withSignal(signal));
  }
  await parts.catalog.forgetAsset(asset.assetId);
}

function newTally() {
  let found = 0;
  let bytes = 0;
  let removed = 0;
  let failures = 0;
  return {
    get found() {
      return found;
    },
    seen(asset: Asset): void {
      found += 1;
      bytes += asset.sizeBytes;
    },
    async attempt(parts: Pick<SweepParts, 'log'>, asset: Asset, remove: () => Promise<void>): Promise<void> {
      try {
        await remove();
        removed += 1;
      } catch (error) {
        failures += 1;
        parts.log.warn({ asset_id: asset.assetId, err: error }, 'An asset could not be removed.');
      }
    },
    result: (): Removed => ({ found, count: { found, bytes, removed }, failures }),
  };
}
