/**
 * The part of the catalog about caches in front of the assets: what they must forget. A delete asks for the purge in its
 * own transaction, whoever deletes.
 */
export interface CdnPurges {
  /** Says which caches serve our assets: from now on deletes ask for a purge; with none they don't. */
  noteCaches(urls: readonly string[], nowMs: number): Promise<void>;

  /**
   * Takes up to `limit` purges that are due, oldest first; nobody else gets them before their next attempt is due. An
   * attempt that is never reported, because the process ended, has failed.
   */
  claimPurges(limit: number, nowMs: number): Promise<readonly ClaimedPurge[]>;

  /**
   * Notes that the cache has forgotten a key, with what it calls the purge. Does nothing when the purge has been asked for
   * again meanwhile. Purges that ended a month ago are forgotten.
   */
  endPurge(purge: ClaimedPurge, receipt: string | null, nowMs: number): Promise<void>;

  /** Notes why an attempt failed; the next one is due already. */
  notePurgeProblem(purge: ClaimedPurge, problem: string): Promise<void>;

  /** Purges that wait: how many, and since when. */
  purgeBacklog(): Promise<PurgeBacklog>;
}

/** A purge that somebody is carrying out. */
export interface ClaimedPurge {
  readonly key: string;
  readonly generation: number;
  /** This one included. */
  readonly attempts: number;
}

export interface PurgeBacklog {
  readonly waiting: number;
  /** When the oldest was asked for; null when none waits. */
  readonly oldestMs: number | null;
  /** The last problem of the oldest; null when it has none. */
  readonly problem: string | null;
}
