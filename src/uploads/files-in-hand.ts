/** What is left of a peak with each further file: a half after 34. */
const PEAK_KEPT = 0.98;

/**
 * How many files of all uploads are under way, from their beginning to the answer. Stores are told the peak of a moment ago: clients
 * who were answered together come back together, and between the two nothing is in hand.
 */
export class FilesInHand {
  #count = 0;
  #peak = 0;

  /** Takes one more. @returns how many there have been at once, lately: at least 1. */
  take(): number {
    this.#count += 1;
    this.#peak = Math.max(this.#count, this.#peak * PEAK_KEPT);
    return this.#peak;
  }

  /** Gives files of an upload back that was answered. */
  give(count: number): void {
    this.#count -= count;
  }
}
