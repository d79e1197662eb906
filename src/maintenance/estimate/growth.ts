import type { MonthOfUse } from './estimate.ts';

/** What is stored, as the catalog knows it. */
export interface StoredNow {
  readonly files: number;
  readonly bytes: number;
}

/** How use is thought to go on. */
export interface Assumptions {
  /** Bytes that a month adds, or the share it adds to what is there. */
  readonly growth: { readonly bytes: number } | { readonly share: number };
  /** Downloads a month for each stored file. */
  readonly downloadsPerFile: number;
  /** Uploads this month, when nothing grows: null for what growth makes. */
  readonly uploads: number | null;
  /** Bytes of one download; null: the average file. */
  readonly downloadBytes: number | null;
  readonly cdnHitRate: number;
}

/**
 * A month's use: `months` after now. What is added are files of the average size; downloads grow with the files.
 *
 * @param months 0 for the running month.
 */
export function monthOfUse(stored: StoredNow, assumptions: Assumptions, months: number): MonthOfUse {
  const averageBytes = stored.files === 0 ? 0 : stored.bytes / stored.files;
  const storedBytes = grown(stored.bytes, assumptions.growth, months);
  const addedBytes = grown(stored.bytes, assumptions.growth, months + 1) - storedBytes;
  const files = averageBytes === 0 ? stored.files : storedBytes / averageBytes;
  const downloads = Math.round(files * assumptions.downloadsPerFile);
  return {
    storedBytes,
    uploads: Math.round(assumptions.uploads ?? (averageBytes === 0 ? 0 : addedBytes / averageBytes)),
    downloads,
    downloadedBytes: downloads * (assumptions.downloadBytes ?? averageBytes),
    cdnHitRate: assumptions.cdnHitRate,
  };
}

function grown(bytes: number, growth: Assumptions['growth'], months: number): number {
  return 'bytes' in growth ? bytes + growth.bytes * months : bytes * (1 + growth.share) ** months;
}
