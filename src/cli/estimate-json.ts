import type { StoredUsage } from '../catalog/stored-usage.ts';
import type { MonthOfUse, ProviderEstimate } from '../maintenance/estimate/estimate.ts';
import type { Assumptions } from '../maintenance/estimate/growth.ts';

/** What an estimate starts from and comes to. */
export interface Estimated {
  readonly stored: { readonly files: number; readonly bytes: number };
  readonly usage: readonly StoredUsage[];
  readonly assumptions: Assumptions;
  readonly months: readonly {
    readonly month: number;
    readonly use: MonthOfUse;
    readonly providers: readonly ProviderEstimate[];
  }[];
}

/** What `estimate --json` prints of it. */
export function estimateJson({ stored, usage, assumptions, months }: Estimated): object {
  return {
    stored,
    usage: usage.map(({ assetType, backend, files, bytes }) => ({
      asset_type: assetType,
      backend,
      files,
      bytes,
    })),
    assumptions: {
      growth: assumptions.growth,
      downloads_per_file: assumptions.downloadsPerFile,
      uploads: assumptions.uploads,
      download_bytes: assumptions.downloadBytes,
      cdn_hit_rate: assumptions.cdnHitRate,
    },
    months: months.map(({ month, use, providers }) => ({
      month,
      use: useJson(use),
      providers: providers.map(providerJson),
    })),
  };
}

function useJson(use: MonthOfUse): object {
  return {
    stored_bytes: use.storedBytes,
    uploads: use.uploads,
    downloads: use.downloads,
    downloaded_bytes: use.downloadedBytes,
    cdn_hit_rate: use.cdnHitRate,
  };
}

function providerJson({ provider, name, place, direct, viaCdn, classes }: ProviderEstimate): object {
  return {
    provider,
    name,
    place,
    direct: { lines: direct.lines, dollars: direct.dollars },
    via_cdn: viaCdn,
    classes: classes.map((each) => ({
      name: each.name,
      days_min: each.daysMin,
      lines: each.lines,
      dollars: each.dollars,
    })),
  };
}
