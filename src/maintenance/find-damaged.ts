import type { Asset } from '../catalog/catalog.ts';
import { isStowageError, throwIfAborted } from '../core/errors.ts';
import { mapBounded } from '../storage/map-bounded.ts';
import { withSignal } from './find-orphans.ts';
import type { DamagedAsset, SweepOptions, SweepParts } from './sweep.ts';

const PAGE_LIMIT = 1000;
const HEADS_AT_ONCE = 16;
const REPORTED_MAX = 100;

export interface Damaged {
  /** Stored assets of this backend. */
  readonly assets: number;
  readonly missing: number;
  readonly wrongSize: number;
  readonly unreadable: number;
  readonly first: readonly DamagedAsset[];
}

/** Asks the store for every stored asset of this backend whether its bytes are there, in the recorded size. */
export async function findDamaged(
  parts: Pick<SweepParts, 'bucket' | 'catalog'>,
  options: Pick<SweepOptions, 'onProgress' | 'signal'>,
): Promise<Damaged> {
  const first: DamagedAsset[] = [];
  let assets = 0;
  const counts = { missing: 0, wrong_size: 0, unreadable: 0 };
  for (let afterId: string | null = null; ; ) {
    throwIfAborted(options.signal);
    const page: readonly Asset[] = await parts.catalog.walkAssets({
      backend: parts.bucket.name,
      afterId,
      limit: PAGE_LIMIT,
    });
    const stored = page.filter((asset) => asset.state === 'stored');
    assets += stored.length;
    await mapBounded(stored, HEADS_AT_ONCE, async (asset) => {
      const problem = await judge(parts, asset, options.signal);
      if (problem === undefined) return;
      counts[problem] += 1;
      if (first.length < REPORTED_MAX) first.push({ asset_id: asset.assetId, key: asset.key, problem });
    });
    options.onProgress?.('assets checked', assets);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_LIMIT) break;
    afterId = last.assetId;
  }
  const { missing, wrong_size: wrongSize, unreadable } = counts;
  return { assets, missing, wrongSize, unreadable, first };
}

async function judge(
  parts: Pick<SweepParts, 'bucket' | 'catalog'>,
  asset: Asset,
  signal: AbortSignal | undefined,
): Promise<DamagedAsset['problem'] | undefined> {
  try {
    const info = await parts.bucket.head(asset.key, withSignal(signal));
    return info.sizeBytes === asset.sizeBytes ? undefined : 'wrong_size';
  } catch (error) {
    // One damaged file must not keep all others from being swept.
    if (isStowageError(error, 'object_corrupt')) return 'unreadable';
    if (!isStowageError(error, 'object_not_found')) throw error;
    // Looked at again after the bytes: a delete or a move may have come between the row and our question.
    const still = await parts.catalog.findAsset(asset.tenantId, asset.assetId);
    return still === undefined || still.backend !== asset.backend ? undefined : 'missing';
  }
}
