import type { Asset, Catalog } from '../catalog/catalog.ts';
import { isStowageError } from '../core/errors.ts';
import type { GetOptions, ObjectBody, StorageBackend } from '../storage/backend.ts';
import type { Stores } from '../storage/stores.ts';

/**
 * Opens the bytes of an asset on the backend that holds it. One that moved after its record was read is followed.
 *
 * @throws StowageError `object_not_found`, `range_not_satisfiable`, `storage_unavailable`.
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
    if (!isStowageError(error, 'object_not_found')) throw error;
    const now = await parts.catalog.findAsset(asset.tenantId, asset.assetId);
    if (now === undefined || now.backend === asset.backend) throw error;
    return await openOn(now);
  }
}
