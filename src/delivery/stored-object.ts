import type { Asset, Catalog } from '../catalog/catalog.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import type { GetOptions, ObjectBody, StorageBackend } from '../storage/backend.ts';
import type { Stores } from '../storage/stores.ts';

/**
 * Opens the bytes of an asset on the backend that holds it. One that moved after its record was read is followed.
 *
 * @throws StowageError `not_found` when the asset is gone, `object_not_found` when only its bytes are, `object_corrupt`,
 *   `range_not_satisfiable`, `storage_unavailable`.
 */
export async function openStored(
  parts: {
    readonly stores: Pick<Stores<Pick<StorageBackend, 'get'>>, 'of'>;
    readonly catalog: Pick<Catalog, 'findAsset'>;
  },
  asset: Asset,
  options: GetOptions,
): Promise<ObjectBody> {
  const openOn = async ({ backend, key }: Asset) => (await parts.stores.of(backend)).get(key, options);
  try {
    return await openOn(asset);
  } catch (error) {
    if (isStowageError(error, 'object_corrupt')) throw damagedBytes(asset, error);
    if (!isStowageError(error, 'object_not_found')) throw error;
    const now = await parts.catalog.findAsset(asset.tenantId, asset.assetId);
    if (now === undefined) throw new StowageError('not_found', 'There is no such asset.', { cause: error });
    if (now.backend === asset.backend) throw error;
    return await openOn(now);
  }
}

/** The failure of an asset whose stored bytes are not those that were uploaded; it names the asset, for the log. */
export function damagedBytes(asset: Asset, cause?: unknown): StowageError {
  return new StowageError('object_corrupt', `The stored bytes of the asset ${asset.assetId} are damaged.`, {
    cause,
  });
}
