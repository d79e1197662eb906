import type { AccessEntry, Asset, Catalog } from './catalog.ts';

/** What has become durable in the catalog. */
export type CatalogEvent =
  | { readonly type: 'stored'; readonly asset: Asset; readonly entry: AccessEntry }
  | { readonly type: 'deleted'; readonly asset: Asset; readonly entry: AccessEntry }
  | { readonly type: 'read' | 'url_issued' | 'refused'; readonly entry: AccessEntry };

/**
 * The same catalog, which tells what it has recorded. All doors of this process write through it, so none is forgotten;
 * what other processes record is not seen.
 *
 * @param tell called after the transaction is durable; must not throw.
 */
export function watchedCatalog(catalog: Catalog, tell: (event: CatalogEvent) => void): Catalog {
  const tellEntry = (entry: AccessEntry): void => {
    if (entry.outcome === 'refused') tell({ type: 'refused', entry });
    else if (entry.action === 'download') tell({ type: 'read', entry });
    else if (entry.action === 'generate_url') tell({ type: 'url_issued', entry });
  };
  return {
    ...catalog,
    async commitUpload(upload, within) {
      const outcome = await catalog.commitUpload(upload, within);
      if (outcome.outcome !== 'recorded') return outcome;
      for (const [index, asset] of upload.assets.entries()) {
        const entry = upload.entries[index];
        if (entry !== undefined) tell({ type: 'stored', asset: { ...asset, state: 'stored' }, entry });
      }
      return outcome;
    },
    async tombstoneAsset(tenantId, assetId, entry, options) {
      const asset = await catalog.tombstoneAsset(tenantId, assetId, entry, options);
      if (asset !== undefined) tell({ type: 'deleted', asset, entry });
      return asset;
    },
    async recordAccess(entry) {
      await catalog.recordAccess(entry);
      tellEntry(entry);
    },
    async recordRead(entry) {
      const backend = await catalog.recordRead(entry);
      if (backend !== undefined) tellEntry(entry);
      return backend;
    },
  };
}
