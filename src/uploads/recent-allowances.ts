import type { Owner, UploadAllowance } from '../catalog/catalog.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import { ownerName } from '../core/principal.ts';

/** How long what a commit said about an owner saves asking again, in milliseconds. */
const RECENT_MS = 1_000;
/** Most owners remembered; the one longest not heard of goes first. */
const OWNERS_MAX = 10_000;

interface Seen {
  readonly allowance: UploadAllowance;
  readonly atMs: number;
}

/**
 * What the last commits left to their owners. The look at the allowance before an upload is read only spares reading
 * what would be refused: the commit decides. So an owner who had plenty a moment ago need not be looked up.
 */
export class RecentAllowances {
  readonly #seen = new BoundedMap<string, Seen>(OWNERS_MAX);

  note(owner: Owner, allowance: UploadAllowance, atMs: number): void {
    this.#seen.set(ownerName(owner), { allowance, atMs });
  }

  /** Whether the owner had at least half of the limit left within the last second. */
  hasPlenty(owner: Owner, nowMs: number): boolean {
    const seen = this.#seen.get(ownerName(owner));
    if (seen === undefined || Math.abs(nowMs - seen.atMs) > RECENT_MS) return false;
    return seen.allowance.remaining > seen.allowance.limit / 2;
  }
}
