import { accessEntry, type EntryFacts, refusalEntry } from '../access/entries.ts';
import { requireReachable } from '../access/ownership.ts';
import type { AccessAction, Asset } from '../catalog/catalog.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import type { Principal } from '../core/principal.ts';
import type { AssetJson } from '../protocol/index.ts';
import type { Deps } from './deps.ts';
import { renderAsset } from './render.ts';
import { originOf } from './request-context.ts';
import type { Call } from './route.ts';

/**
 * The asset that a path names, for whoever may reach it.
 *
 * It exists or has existed: what is done with it must go through {@link recordRead} or another call that proves it still does.
 * A refusal is in the access log before it is answered.
 *
 * @throws StowageError `not_found`, `forbidden`.
 */
export async function reachAsset(deps: Deps, call: Call<unknown>, action: AccessAction): Promise<Asset> {
  return await admit(deps, call, action, await deps.facts.byId(call.principal.tenantId, assetIdOf(call)));
}

/**
 * The same for reads that leave no trace in the log: the asset is asked of the catalog, and exists.
 *
 * @param refusedAs the action that a refusal is logged as; null where the log has no word for what was asked.
 */
export async function reachStoredAsset(
  deps: Deps,
  call: Call<unknown>,
  refusedAs: AccessAction | null,
): Promise<Asset> {
  const found = await deps.catalog.findAsset(call.principal.tenantId, assetIdOf(call));
  return refusedAs === null
    ? requireReachable(found, call.principal)
    : await admit(deps, call, refusedAs, found);
}

async function admit(
  deps: Deps,
  call: Call<unknown>,
  action: AccessAction,
  found: Asset | undefined,
): Promise<Asset> {
  try {
    return requireReachable(found, call.principal);
  } catch (error) {
    const asked = found ?? { assetId: assetIdOf(call), assetType: null, key: null };
    throw await loggedRefusal(deps, entryFacts(deps, call, action), asked, error);
  }
}

/**
 * Writes a refusal into the access log; a failure of ours is none.
 *
 * @returns the error, for the caller to throw.
 */
export async function loggedRefusal(
  { catalog }: Pick<Deps, 'catalog'>,
  facts: EntryFacts,
  asked: Parameters<typeof refusalEntry>[1],
  error: unknown,
): Promise<unknown> {
  if (isStowageError(error) && error.traits.httpStatus < 500) {
    await catalog.recordAccess(refusalEntry(facts, asked, error.code));
  }
  return error;
}

/**
 * Appends a read to the access log, durably; a refusal when the asset is gone.
 *
 * @returns the asset as it is: on another backend, when it has moved.
 * @throws StowageError `not_found` when the asset is gone.
 */
export async function recordRead(
  deps: Pick<Deps, 'catalog' | 'facts' | 'bodies'>,
  asset: Asset,
  facts: EntryFacts,
): Promise<Asset> {
  const backend = await deps.catalog.recordRead(accessEntry(facts, asset));
  if (backend === asset.backend) return asset;
  if (backend !== undefined) return deps.facts.moved(asset, backend);
  deps.facts.forget(asset);
  deps.bodies.forget(asset.key);
  throw await loggedRefusal(deps, facts, asset, new StowageError('not_found', 'There is no such asset.'));
}

/**
 * An asset of a list, with the URL that reads it. That the URL was issued is in the access log once.
 *
 * @param facts of the entry, asked for only when it may have to be written.
 */
export async function renderWithUrl(
  { catalog, clock, issued, urls }: Pick<Deps, 'catalog' | 'clock' | 'issued' | 'urls'>,
  asset: Asset,
  principal: Principal,
  facts: () => EntryFacts,
): Promise<AssetJson> {
  const url = await urls.forRecord(asset, principal);
  if (url.expiresAtMs !== null) {
    const { assetId } = asset;
    const { userId } = principal;
    const use = { assetId, userId, expiresAtMs: url.expiresAtMs, client: null };
    const writing = issued.once(use, clock.now(), () => catalog.recordAccess(accessEntry(facts(), asset)));
    if (writing) await writing;
  }
  return renderAsset(asset, url);
}

/** The facts of an entry about what a caller does. */
export function entryFacts(deps: Deps, call: Call<unknown>, action: AccessAction): EntryFacts {
  return {
    action,
    actor: call.principal,
    origin: originOf(call.request, deps.isTrustedProxy),
    backend: deps.stores.main.name,
    nowMs: deps.clock.now(),
  };
}

/** What is no id names no asset. Ids are compared in lower case, whatever the URL has. */
function assetIdOf(call: Call<unknown>): string {
  const id = call.params.asset_id ?? '';
  if (!isUuid(id)) throw new StowageError('not_found', 'There is no such asset.');
  return id.toLowerCase();
}
