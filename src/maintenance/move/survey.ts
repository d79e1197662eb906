import type { Asset } from '../../catalog/catalog.ts';
import { isStowageError } from '../../core/errors.ts';
import type { MoveParts } from './move.ts';

/** Looks whether an asset can be moved: by the size of its object, without reading it. */
export async function surveyAsset(
  { source, catalog }: MoveParts,
  asset: Asset,
  signal: AbortSignal,
): Promise<'fits' | 'gone' | 'missing' | 'hash_mismatch'> {
  try {
    const info = await source.head(asset.key, { signal });
    return info.sizeBytes === asset.sizeBytes ? 'fits' : 'hash_mismatch';
  } catch (error) {
    if (isStowageError(error, 'object_corrupt')) return 'hash_mismatch';
    if (!isStowageError(error, 'object_not_found')) throw error;
    const now = await catalog.findAsset(asset.tenantId, asset.assetId);
    return now?.backend === asset.backend ? 'missing' : 'gone';
  }
}
