import type { Asset } from '../catalog/catalog.ts';
import { StowageError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';

/**
 * Lets the owner and admins of the same tenant pass.
 *
 * @param asset what the catalog found; undefined when it found nothing.
 * @returns the asset.
 * @throws StowageError `not_found` when there is none or it is another tenant's: whether it exists is not theirs to know;
 *   `forbidden` when it is another user's of the same tenant.
 */
export function requireReachable<Found extends Pick<Asset, 'tenantId' | 'userId'>>(
  asset: Found | undefined,
  principal: Principal,
): Found {
  if (asset === undefined || asset.tenantId !== principal.tenantId) {
    throw new StowageError('not_found', 'There is no such asset.');
  }
  if (asset.userId !== principal.userId && principal.role !== 'admin') {
    throw new StowageError('forbidden', 'The asset belongs to another user.');
  }
  return asset;
}

/** Lets admins pass. @throws StowageError `forbidden`. */
export function requireAdmin(principal: Principal): void {
  if (principal.role !== 'admin') throw new StowageError('forbidden', 'Only an admin may do this.');
}
