import { BoundedMap } from '../core/bounded-map.ts';

/** Most URLs that are remembered. */
const REMEMBERED_MAX = 50_000;
/** How long one entry speaks for a URL, in milliseconds: what goes on for days is in the log on each of them. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

/**
 * Remembers what of signed URLs is in the access log already. What comes again and again in one form (a list page that
 * hands the same URL to the same reader within a signing window, a client that keeps asking by a URL that has expired) is
 * written down once: that is the whole truth, and nobody can fill the log with it.
 */
export class LoggedUrls {
  readonly #known = new BoundedMap<string, Known>(REMEMBERED_MAX);

  /**
   * Writes the entry unless it is in the log. Of several that come at once the first writes, and the others wait for it. An
   * entry that could not be written is not remembered: the next one tries again.
   *
   * @returns nothing when the entry is durable already: most are, and a list page asks up to 200 times.
   * @throws what `write` rejects with, as a rejection, to all who waited for it.
   */
  once(url: LoggedUrl, nowMs: number, write: () => Promise<unknown>): Promise<void> | undefined {
    const name = nameOf(url);
    const known = this.#known.get(name);
    // In both directions: a clock that was far ahead for a while must not silence a URL until it gets there again.
    if (known !== undefined && Math.abs(nowMs - known.sinceMs) < REMEMBERED_MS) return known.writing;
    const begun: Known = { sinceMs: nowMs, writing: undefined };
    begun.writing = write().then(
      () => {
        begun.writing = undefined;
      },
      (error: unknown) => {
        if (this.#known.get(name) === begun) this.#known.delete(name);
        throw error;
      },
    );
    this.#known.set(name, begun);
    return begun.writing;
  }
}

interface Known {
  readonly sinceMs: number;
  /** While the entry is being written. */
  writing: Promise<void> | undefined;
}

/** What makes the use of a URL the same. The URL itself does not: it can be spelled in many ways. */
export interface LoggedUrl {
  readonly assetId: string;
  /** Whom it was issued to. */
  readonly userId: string;
  readonly expiresAtMs: number;
  /** Who came with it, see `clientNetwork`; null where its reader is meant. */
  readonly client: string | null;
}

function nameOf({ assetId, expiresAtMs, client, userId }: LoggedUrl): string {
  // The user's id stands last: nothing else can hold a blank.
  return `${assetId} ${expiresAtMs} ${client ?? '-'} ${userId}`;
}
