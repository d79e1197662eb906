import type { AccessAction, AccessEntry, Asset } from '../catalog/catalog.ts';
import type { BackendName } from '../core/backend-name.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { RequestOrigin } from '../core/principal.ts';

/** What an entry is made of. */
export interface EntryFacts {
  readonly action: AccessAction;
  /** Who did it. */
  readonly actor: { readonly tenantId: string; readonly userId: string };
  readonly origin: RequestOrigin;
  /** Where new files go: for entries about no asset. Others have the asset's own. */
  readonly backend: BackendName;
  readonly nowMs: number;
}

/** The access-log entry of something done to an asset. */
export function accessEntry(
  facts: EntryFacts,
  asset: Asset,
): AccessEntry & { readonly assetId: string; readonly tenantId: string } {
  return {
    ...commonFields(facts),
    storageBackend: asset.backend,
    outcome: 'ok',
    reason: null,
    assetId: asset.assetId,
    assetType: asset.assetType,
    key: asset.key,
  };
}

/** The access-log entry of what was done to everything below a key prefix at once. */
export function folderEntry(facts: EntryFacts, folder: string): AccessEntry {
  return {
    ...commonFields(facts),
    outcome: 'ok',
    reason: null,
    assetId: null,
    assetType: null,
    key: folder,
  };
}

/**
 * The access-log entry of something refused.
 *
 * @param asset what was asked for: all of it for a neighbour's asset, the bare id when the tenant has no such asset.
 */
export function refusalEntry(
  facts: EntryFacts,
  asset: Asset | { readonly assetId: string | null; readonly assetType: null; readonly key: string | null },
  reason: ErrorCode,
): AccessEntry {
  return {
    ...commonFields(facts),
    ...('backend' in asset && { storageBackend: asset.backend }),
    outcome: 'refused',
    reason,
    assetId: asset.assetId,
    assetType: asset.assetType,
    key: asset.key,
  };
}

function commonFields(facts: EntryFacts) {
  return {
    action: facts.action,
    tenantId: facts.actor.tenantId,
    userId: facts.actor.userId,
    ipAddress: facts.origin.ipAddress,
    userAgent: facts.origin.userAgent,
    storageBackend: facts.backend,
    requestId: facts.origin.requestId,
    atMs: facts.nowMs,
  };
}
