import type { UserDelegationKey } from '@azure/storage-blob';

const DAY_SECONDS = 24 * 3600;
/** Longest life of a delegated key, in seconds: the store's limit. */
const KEY_SECONDS_MAX = 7 * DAY_SECONDS;

/**
 * Keys that the owner of a token delegates for signing. Keys start at midnight UTC, so that the same question has the
 * same answer all day; only URLs that would outlive such a key get one that starts with their signing window. The two
 * latest keys are kept.
 */
export class DelegationKeys {
  readonly #fetchKey: (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>;
  readonly #kept = new Map<'day' | 'window', { startSeconds: number; key: Promise<UserDelegationKey> }>();

  constructor(fetchKey: (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>) {
    this.#fetchKey = fetchKey;
  }

  /** A key valid from the start of a signing period to its end, in seconds since the epoch. */
  async keyFor(startSeconds: number, endSeconds: number): Promise<UserDelegationKey> {
    const midnight = startSeconds - (startSeconds % DAY_SECONDS);
    if (endSeconds <= midnight + KEY_SECONDS_MAX) return this.#keptKey('day', midnight);
    return this.#keptKey('window', startSeconds);
  }

  async #keptKey(slot: 'day' | 'window', startSeconds: number): Promise<UserDelegationKey> {
    const kept = this.#kept.get(slot);
    if (kept?.startSeconds === startSeconds) return kept.key;
    const key = this.#fetchKey(
      new Date(startSeconds * 1000),
      new Date((startSeconds + KEY_SECONDS_MAX) * 1000),
    );
    const entry = { startSeconds, key };
    this.#kept.set(slot, entry);
    // A failure is not kept: the next question asks again.
    key.catch(() => this.#kept.get(slot) === entry && this.#kept.delete(slot));
    return key;
  }
}
