/** What is left of a peak with each further upload: a half after 34. */
const PEAK_KEPT = 0.98;

/**
 * How many uploads are at work at once, each from the moment its first file is whole until intake is done with it: what is still
 * coming through a slow line is not counted. Stores are told the peak of a moment ago: clients who were answered together come
 * back together, and between the two nothing is in hand.
 */
export class UploadsInHand {
  #count = 0;
  #peak = 0;

  begin(): void {
    this.#count += 1;
    this.#peak = Math.max(this.#count, this.#peak * PEAK_KEPT);
  }

  end(): void {
    this.#count -= 1;
  }

  /** A whole number; Infinity while there is one at a time, which nobody else's work could go beside. */
  get recentPeak(): number {
    const peak = Math.round(this.#peak);
    return peak < 2 ? Number.POSITIVE_INFINITY : peak;
  }
}
