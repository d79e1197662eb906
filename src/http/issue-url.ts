import type { Asset } from '../catalog/catalog.ts';
import type { Deps } from './deps.ts';
import { entryFacts, recordRead } from './reach.ts';
import type { Call } from './route.ts';

/**
 * Makes a URL for an asset and writes it into the access log before anybody gets it. The URL leads to the backend that
 * held the asset when that was written.
 *
 * @throws StowageError `not_found` when the asset is gone; what `make` throws, and nothing is written then.
 */
export async function issueUrl<Url>(
  deps: Deps,
  call: Call<unknown>,
  asset: Asset,
  make: (asset: Asset) => Promise<Url>,
): Promise<{ readonly asset: Asset; readonly url: Url }> {
  const url = await make(asset);
  const current = await recordRead(deps, asset, entryFacts(deps, call, 'generate_url'));
  return current === asset ? { asset, url } : { asset: current, url: await make(current) };
}
