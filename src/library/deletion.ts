import type { Asset } from '../catalog/catalog.ts';
import type { Deps } from '../http/deps.ts';
import { loggedRefusal } from '../http/reach.ts';
import type { Reach } from './assets.ts';
import { type Caller, originOf, principalOf } from './callers.ts';
import type { LinkRules, RecordRef } from './record-links.ts';
import type { InTransaction, Transaction, Transactions } from './transactions.ts';

/** How an asset is deleted. */
export interface DeleteOptions<Rules extends LinkRules> {
  /** Take it out of the records that it is linked to first; their rules hold. Default: a linked asset stays. */
  readonly unlink?: boolean;
  /** Changes rows of the application in the transaction that deletes the asset. */
  readonly inTransaction?: InTransaction<Rules, [asset: Asset]>;
}

/** Deletes an asset; see `Stowage.delete`. */
export type Delete<Rules extends LinkRules> = (
  assetId: string,
  user: Caller,
  options?: DeleteOptions<Rules>,
) => Promise<void>;

export function createDelete<Rules extends LinkRules>(
  deps: Deps,
  reach: Reach,
  transactions: Transactions<Rules>,
): Delete<Rules> {
  return async (assetId, user, options = {}) => {
    const { unlink = false, inTransaction } = options;
    const asset = await reach.asset(assetId, user, 'delete');
    const work = async (tx: Transaction<Rules>): Promise<void> => {
      await inTransaction?.(tx, asset);
      if (unlink) await unlinkEverywhere(deps, tx, asset);
    };
    const shared = unlink || inTransaction !== undefined;
    deps.facts.forget(asset);
    deps.bodies.forget(asset.key);
    const how = shared ? { within: transactions.within(work, []) } : {};
    try {
      await deps.removal.removeAsset(asset.assetId, principalOf(user), originOf(user), how);
    } catch (error) {
      // Somebody else was first, or a record refers to it.
      throw await loggedRefusal(deps, reach.factsOf('delete', user), asset, error);
    }
  };
}

/** Always in the same order of records, so that two deletes never wait for each other's. */
async function unlinkEverywhere<Rules extends LinkRules>(
  { catalog }: Deps,
  tx: Transaction<Rules>,
  { tenantId, userId, assetId }: Asset,
): Promise<void> {
  for (const { recordType, recordId } of await catalog.listLinks(tenantId, assetId)) {
    // Names that are in the catalog have been checked against the rules.
    const record = { recordType, recordId, assetId } as RecordRef<Rules> & { readonly assetId: string };
    await tx.unlink(record, { tenantId, userId });
  }
}
