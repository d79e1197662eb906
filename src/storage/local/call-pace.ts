/** Longest that a call may hold the event loop, in milliseconds, before its kind leaves it for a while. */
export const BRIEF_MS_MAX = 20;
/** Cost of a call, in milliseconds, above which the thread pool is the cheaper way. */
export const DEAR_MS = 0.2;
/** How long a kind of call goes through the thread pool after one that held the event loop too long, in milliseconds. */
export const STALL_DETOUR_MS = 5_000;
/** The same, when most calls were dear. */
export const DEAR_DETOUR_MS = 1_000;

/** Share of the last calls, some sixteen, that are dear when the kind is. */
const DEAR_SHARE_MAX = 0.5;
/** Share of its time that dear calls may hold a thread on which others wait. */
const HELD_SHARE_MAX = 0.25;
/** How far they may be ahead of that share, in milliseconds. */
const HELD_MS_MAX = 200;

/** Tells from how one kind of call has been doing whether the next one is made at once or by the thread pool. */
export class CallPace {
  /** Not the mean of their times: on a busy machine one call that was interrupted would decide it for many. */
  #dearShare = 0;
  #heldMs = 0;
  #notedMs = 0;
  #detourUntilMs = 0;

  /** @param nowMs by a clock that only runs forward. */
  isDetour(nowMs: number): boolean {
    return nowMs < this.#detourUntilMs;
  }

  /**
   * Takes note of a call made at once.
   *
   * @param holdsOthers whether others wait for this thread, so that one long call is too much.
   */
  note(startedMs: number, endedMs: number, holdsOthers: boolean): void {
    const tookMs = endedMs - startedMs;
    const isDear = tookMs > DEAR_MS;
    this.#dearShare += ((isDear ? 1 : 0) - this.#dearShare) / 16;
    this.#heldMs =
      Math.max(0, this.#heldMs - (endedMs - this.#notedMs) * HELD_SHARE_MAX) + (isDear ? tookMs : 0);
    this.#notedMs = endedMs;
    // Not all calls of a kind need be slow: making a name can be where closing a file is not.
    const holdsLong = holdsOthers && this.#heldMs > HELD_MS_MAX;
    if (holdsOthers && tookMs > BRIEF_MS_MAX) this.#detourUntilMs = endedMs + STALL_DETOUR_MS;
    else if (holdsLong || this.#dearShare > DEAR_SHARE_MAX) this.#detourUntilMs = endedMs + DEAR_DETOUR_MS;
    else return;
    this.#dearShare = 0;
    this.#heldMs = 0;
  }
}
