import type { BackendName } from '../core/backend-name.ts';
import type { Asset, Usage } from './catalog.ts';

/**
 * The part of the catalog about moving assets between backends. All a move knows is in the rows, so that it can end at any
 * moment and be taken up by anybody: the backend that holds an asset, and the others that may hold its bytes too.
 */
export interface AssetMoves {
  /** Files and bytes of the stored assets on a backend. */
  usageOfBackend(backend: BackendName): Promise<Usage>;

  /**
   * Notes that somebody is about to make a copy: to be called before its first byte, so that a delete finds it. A later
   * claim takes the place of this one.
   *
   * @returns whether the asset is stored on `source` and no copy of it is being removed from `target`.
   */
  claimCopy(assetId: string, copy: CopyClaim, nowMs: number): Promise<boolean>;

  /**
   * Names `target` as the backend that holds the asset, and `source` as one that holds a copy.
   *
   * @returns false when it is not the claim's asset any more: removed, moved, claimed by another, its copy removed.
   */
  switchBackend(assetId: string, copy: CopyClaim, nowMs: number): Promise<boolean>;

  /** Stored assets with a copy on `backend` that they have not been on since `beforeMs`, in id order. */
  listCopies(query: {
    readonly backend: BackendName;
    readonly beforeMs: number;
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<readonly Asset[]>;

  /** How many stored assets have a copy on `backend`. */
  countCopies(backend: BackendName): Promise<Usage>;

  /**
   * Takes a copy that is to be removed, until `untilMs`: meanwhile the row can't name its backend, and nobody else removes it.
   *
   * @returns whether it may be removed: the asset is stored where the claim says, and has not moved since `beforeMs`.
   */
  claimRelease(
    assetId: string,
    release: ReleaseClaim,
    time: { readonly nowMs: number; readonly untilMs: number },
  ): Promise<boolean>;

  /** Ends what `claimRelease` began. @param removed whether the copy is gone; when false it is a copy as before. */
  endRelease(assetId: string, release: ReleaseClaim, removed: boolean): Promise<void>;
}

export interface CopyClaim {
  readonly source: BackendName;
  readonly target: BackendName;
  /** A UUID of the claimant's own. */
  readonly claim: string;
}

export interface ReleaseClaim {
  /** Where the copy is. */
  readonly backend: BackendName;
  /** What holds the asset. */
  readonly heldBy: BackendName;
  /** The copy stays when the asset has moved since. */
  readonly beforeMs: number;
  /** A UUID of the claimant's own. */
  readonly claim: string;
}

/** An asset with all the places of its bytes. */
export interface PlacedAsset extends Asset {
  /** Other backends that may hold its bytes too. */
  readonly copies: readonly BackendName[];
}
