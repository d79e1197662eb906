/** Length of the window that signing times are rounded down to, so that the same question has the same answer. */
export const SIGNING_WINDOW_SECONDS = 300;

/** A validity period for a signed URL, in whole seconds since the epoch. */
export interface SigningPeriod {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/**
 * Rounds the signing time down to a window: 5 minutes, but never more than half the lifetime, so that a URL handed
 * out always has at least half its life before it. Asked again within the window, the period is the same, the
 * URL is the same, and a browser finds the bytes in its cache.
 *
 * @param nowMs milliseconds since the epoch.
 * @param lifetimeSeconds whole seconds, at least 60.
 */
export function signingPeriod(nowMs: number, lifetimeSeconds: number): SigningPeriod {
  const windowSeconds = Math.max(1, Math.min(SIGNING_WINDOW_SECONDS, Math.floor(lifetimeSeconds / 2)));
  const nowSeconds = Math.floor(nowMs / 1000);
  const startSeconds = nowSeconds - (nowSeconds % windowSeconds);
  return { startSeconds, endSeconds: startSeconds + lifetimeSeconds };
}
