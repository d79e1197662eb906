import type { Asset } from '../../catalog/catalog.ts';
import type { Difference, MoveCount, Problem } from './report.ts';

const LISTED_MAX = 100;

/** Counts what becomes of the assets of a move. */
export class MoveTally {
  #moved = { files: 0, bytes: 0 };
  #removed = { files: 0, bytes: 0 };
  reused = 0;
  gone = 0;
  readonly #differences = new Map<Problem, number>();
  readonly #differing: Difference[] = [];

  moved(asset: Asset, reused: boolean): void {
    this.#moved = plus(this.#moved, asset);
    if (reused) this.reused += 1;
  }

  removed(asset: Asset): void {
    this.#removed = plus(this.#removed, asset);
  }

  differs({ assetId, key }: Asset, problem: Problem): void {
    this.#differences.set(problem, (this.#differences.get(problem) ?? 0) + 1);
    if (this.#differing.length < LISTED_MAX) this.#differing.push({ asset_id: assetId, key, problem });
  }

  result(): {
    readonly moved: MoveCount;
    readonly reused: number;
    readonly gone: number;
    readonly removed: MoveCount;
    readonly differences: Readonly<Partial<Record<Problem, number>>>;
    readonly differing: readonly Difference[];
  } {
    return {
      moved: this.#moved,
      reused: this.reused,
      gone: this.gone,
      removed: this.#removed,
      differences: Object.fromEntries(this.#differences),
      differing: this.#differing,
    };
  }
}

function plus(count: MoveCount, asset: Asset): MoveCount {
  return { files: count.files + 1, bytes: count.bytes + asset.sizeBytes };
}
