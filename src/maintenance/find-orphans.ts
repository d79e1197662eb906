import type { AssetTypes } from '../core/asset-type.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { ObjectKey } from '../core/key.ts';
import type { ListEntry } from '../storage/backend.ts';
import { INCOMING_PREFIX } from '../storage/incoming.ts';
import { STORE_OWNER_KEY } from './store-owner.ts';
import type { SweepOptions, SweepParts } from './sweep.ts';

/** Most orphans remembered for removal in one sweep, which bounds its memory; the next sweep finds the rest. */
export const ORPHANS_REMEMBERED_MAX = 100_000;
const PAGE_LIMIT = 1000;

export interface Orphans {
  /** Objects seen below our prefixes. */
  readonly objects: number;
  readonly found: number;
  readonly bytes: number;
  readonly keys: readonly ObjectKey[];
}

/**
 * Lists the objects below the prefixes of all asset types and asks, page by page and after the listing, which of the
 * old enough ones a row names. What lies elsewhere in the bucket is not ours to judge.
 */
export async function findOrphans(
  parts: Pick<SweepParts, 'bucket' | 'catalog' | 'assetTypes'>,
  options: Pick<SweepOptions, 'onProgress' | 'signal'> & { readonly beforeMs: number },
): Promise<Orphans> {
  const keys: ObjectKey[] = [];
  let objects = 0;
  let found = 0;
  let bytes = 0;
  for (const prefix of sweptPrefixes(parts.assetTypes)) {
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      throwIfAborted(options.signal);
      const page = await parts.bucket.list({
        prefix,
        cursor,
        limit: PAGE_LIMIT,
        ...withSignal(options.signal),
      });
      cursor = page.cursor;
      const entries = page.entries.filter((entry) => entry.key !== STORE_OWNER_KEY);
      objects += entries.length;
      for (const entry of await withoutRow(parts, entries, options.beforeMs)) {
        found += 1;
        bytes += entry.sizeBytes;
        if (keys.length < ORPHANS_REMEMBERED_MAX) keys.push(entry.key);
      }
      options.onProgress?.('objects compared', objects);
    }
  }
  return { objects, found, bytes, keys };
}

/**
 * The prefixes that hold our objects: the fixed beginnings of all key templates, without those inside another. A
 * template that begins with a placeholder makes the whole bucket ours.
 */
export function sweptPrefixes(assetTypes: AssetTypes): readonly string[] {
  const prefixes = new Set([INCOMING_PREFIX]);
  for (const { keyTemplate } of assetTypes.values()) {
    const fixed = keyTemplate.split('{', 1)[0] ?? '';
    prefixes.add(fixed.slice(0, fixed.lastIndexOf('/') + 1));
  }
  return [...prefixes]
    .filter((prefix) => ![...prefixes].some((other) => other !== prefix && prefix.startsWith(other)))
    .sort();
}

async function withoutRow(
  parts: Pick<SweepParts, 'catalog'>,
  entries: readonly ListEntry[],
  beforeMs: number,
): Promise<readonly ListEntry[]> {
  const old = entries.filter((entry) => entry.modifiedAtMs < beforeMs);
  if (old.length === 0) return [];
  const inUse = await parts.catalog.keysInUse(old.map((entry) => entry.key));
  return old.filter((entry) => !inUse.has(entry.key));
}

/** An options part with the signal, or nothing: optional properties are never undefined here. */
export function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
