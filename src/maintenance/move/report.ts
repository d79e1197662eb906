import type { BackendName } from '../../core/backend-name.ts';

/** Files and their bytes. */
export interface MoveCount {
  readonly files: number;
  readonly bytes: number;
}

/** Something about one asset that somebody should look at. Nothing of it was changed. */
export interface Difference {
  readonly asset_id: string;
  readonly key: string;
  readonly problem: Problem;
}

/**
 * - `missing`: the source has no such object, and the target has not either
 * - `hash_mismatch`: the bytes are not those that were uploaded, by their SHA-256
 * - `target_missing`, `target_mismatch`: a copy at the source is the only good one, and stays
 * - `busy`: somebody else moves it, or removes its copy at the target
 * - `failed`: a store or the database did not do what was asked, again and again
 */
export type Problem = 'missing' | 'hash_mismatch' | 'target_missing' | 'target_mismatch' | 'busy' | 'failed';

/** What a move found and did. Names are those of `stowage move --json`. */
export interface MoveReport {
  readonly from: BackendName;
  readonly to: BackendName;
  readonly applied: boolean;
  /** Assets on the source when it began. */
  readonly found: MoveCount;
  /** Those that are on the target now. */
  readonly moved: MoveCount;
  /** Of `moved`, those whose bytes lay at the target already, verified. */
  readonly reused: number;
  /** Removed by their users, or moved by somebody else, meanwhile. */
  readonly gone: number;
  /** Assets on the source when it ended. */
  readonly left: MoveCount;
  /** Copies at the source of assets that are elsewhere. */
  readonly copies: {
    /** When it ended. */
    readonly left: MoveCount;
    readonly removed: MoveCount;
  };
  /** How many assets differ, by problem. */
  readonly differences: Readonly<Partial<Record<Problem, number>>>;
  /** The first of them; at most 100. */
  readonly differing: readonly Difference[];
  /** Why nothing is moved, or would be; null otherwise. */
  readonly stopped: string | null;
}

/** Whether something is left that somebody should look at. */
export function hasMoveFindings(report: MoveReport): boolean {
  return (
    report.stopped !== null ||
    Object.keys(report.differences).length > 0 ||
    (report.applied && report.left.files > 0)
  );
}
