import { BoundedMap } from '../core/bounded-map.ts';

/** Most issued URLs that are remembered. */
const REMEMBERED_MAX = 50_000;

/**
 * Remembers which URLs of list pages are in the access log already. Within a signing window the same reader gets the
 * same URL of the same asset again; writing that down once is the whole truth, and a page that is looked at again and
 * again does not fill the log.
 */
export class IssuedUrls {
  readonly #known = new BoundedMap<string, true>(REMEMBERED_MAX);

  isKnown(url: IssuedUrl): boolean {
    return this.#known.get(nameOf(url)) === true;
  }

  /** To be called when the entry is durable. */
  remember(url: IssuedUrl): void {
    this.#known.set(nameOf(url), true);
  }
}

/** What makes an issued URL the same. */
export interface IssuedUrl {
  readonly assetId: string;
  readonly userId: string;
  readonly expiresAtMs: number;
}

function nameOf(url: IssuedUrl): string {
  return `${url.assetId} ${url.expiresAtMs} ${url.userId}`;
}
