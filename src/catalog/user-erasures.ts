/**
 * The part of the catalog about erasing users: what was accepted and is not finished. Whoever takes an erasure up holds it
 * for a while, so that one node at a time works on it and another goes on when that one is gone.
 */
export interface UserErasures {
  /**
   * Notes that a user's assets are to go. One that waits already stays as it is. One that is being carried out is taken
   * from its holder and begun again: the holder may have seen the last asset already, and more may have come since.
   *
   * @returns false when `waitingMax` others are waiting; nothing was written.
   */
  requestErasure(erasure: Erasure, waitingMax: number): Promise<boolean>;

  /** Takes up the erasure that has been due longest, until `untilMs`; undefined when none is due. */
  claimErasure(claim: ErasureClaim): Promise<ClaimedErasure | undefined>;

  /** Holds it longer. @returns false when it was not held any more. */
  renewErasure(held: HeldErasure, untilMs: number): Promise<boolean>;

  /** Gives it back, to be taken up again from `dueMs` on. */
  releaseErasure(held: HeldErasure, dueMs: number): Promise<void>;

  /** Forgets it: the user has no asset left. */
  endErasure(held: HeldErasure): Promise<void>;
}

/** An erasure as it was asked for. */
export interface Erasure {
  readonly tenantId: string;
  /** Whose assets go. */
  readonly userId: string;
  /** Who asked, and how: for the access log. */
  readonly requestedBy: string;
  readonly requestId: string;
  readonly ipAddress: string;
  readonly userAgent: string | null;
  readonly requestedAtMs: number;
}

export interface ErasureClaim {
  /** A UUID of the claimant's own. */
  readonly claim: string;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** An erasure that somebody is carrying out. */
export interface ClaimedErasure extends Erasure {
  readonly claim: string;
  /** This one included. */
  readonly attempts: number;
}

export type HeldErasure = Pick<ClaimedErasure, 'tenantId' | 'userId' | 'claim'>;
