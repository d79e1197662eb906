import type { Asset, Catalog } from '../catalog/catalog.ts';
import type { BackendName } from '../core/backend-name.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import type { ObjectKey } from '../core/key.ts';

/** Most assets whose facts are remembered. */
const REMEMBERED_MAX = 10_000;

/**
 * Remembers what the records of assets say. Everything in a record but its existence and its backend never changes, so
 * what is remembered is true for ever, except that the asset may be gone or have moved: whoever acts on it must prove
 * it, by `recordRead`, which writes nothing for an asset that is gone and tells where it is. That makes one round trip
 * of two.
 */
export class AssetFacts {
  readonly #catalog: Pick<Catalog, 'findAsset' | 'findAssetByKey'>;
  readonly #byId = new BoundedMap<string, Asset>(REMEMBERED_MAX);
  readonly #byKey = new BoundedMap<string, Asset>(REMEMBERED_MAX);

  constructor(catalog: Pick<Catalog, 'findAsset' | 'findAssetByKey'>) {
    this.#catalog = catalog;
  }

  /** An asset of the tenant that exists or has existed; undefined when there is none. */
  async byId(tenantId: string, assetId: string): Promise<Asset | undefined> {
    const known = this.#byId.get(assetId);
    if (known !== undefined) return known.tenantId === tenantId ? known : undefined;
    const found = await this.#catalog.findAsset(tenantId, assetId);
    if (found !== undefined) this.#byId.set(assetId, found);
    return found;
  }

  /** An asset that exists or has existed under the key; undefined when there is none. */
  async byKey(key: ObjectKey): Promise<Asset | undefined> {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const found = await this.#catalog.findAssetByKey(key);
    if (found !== undefined) this.#byKey.set(key, found);
    return found;
  }

  /** Notes that an asset has turned out to be on another backend. @returns the asset as it is now. */
  moved(asset: Asset, backend: BackendName): Asset {
    const current = { ...asset, backend };
    this.#byId.set(asset.assetId, current);
    this.#byKey.set(asset.key, current);
    return current;
  }

  /** Forgets an asset that has turned out to be gone. */
  forget(asset: Pick<Asset, 'assetId' | 'key'>): void {
    this.#byId.delete(asset.assetId);
    this.#byKey.delete(asset.key);
  }
}
