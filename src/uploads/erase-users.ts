import type { ClaimedErasure, UserErasures } from '../catalog/user-erasures.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import { removeAssetsOfUser, type UserRemovalOptions } from './remove-asset.ts';

/**
 * How long an erasure is held without a sign of life, in milliseconds; so long it waits after a crash. Should a batch take
 * longer, two may be at it, which is harmless: an asset goes once.
 */
const HOLD_MS = 15_000;
/** First wait after a failure, and the longest, in milliseconds. */
const RETRY_MS_MIN = 15_000;
const RETRY_MS_MAX = 10 * 60_000;
const DOUBLINGS_MAX = 6;

/** What erasing needs. */
export type ErasureOptions = UserRemovalOptions & { readonly catalog: UserErasures };

/** Carries out erasures, one after the other, until none is due. Never rejects: the outcome is in the log. */
export async function runErasures(options: ErasureOptions, signal: AbortSignal): Promise<void> {
  const { catalog, clock, log } = options;
  try {
    while (!signal.aborted) {
      const nowMs = clock.now();
      const claim = { claim: newUuid(), nowMs, untilMs: nowMs + HOLD_MS };
      const erasure = await catalog.claimErasure(claim);
      if (erasure === undefined) return;
      await carryOut(options, erasure, signal);
    }
  } catch (error) {
    log.warn({ err: error }, 'Erasures that wait could not be taken up; tried again soon.');
  }
}

async function carryOut(
  options: ErasureOptions,
  erasure: ClaimedErasure,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, clock, log } = options;
  const { tenantId, userId, requestedBy, requestId, ipAddress, userAgent } = erasure;
  const facts = { request_id: requestId, tenant_id: tenantId, user_id: userId };
  try {
    const removed = await removeAssetsOfUser(options, userId, {
      principal: { tenantId, userId: requestedBy, role: 'admin' },
      origin: { requestId, ipAddress, userAgent },
      signal,
      async keepHold() {
        if (await catalog.renewErasure(erasure, clock.now() + HOLD_MS)) return;
        throw new StowageError('aborted', 'Another process has taken the erasure up.');
      },
    });
    await catalog.endErasure(erasure);
    log.info({ ...facts, removed }, 'All assets of a user were erased.');
  } catch (error) {
    const isStopped = isStowageError(error, 'aborted');
    if (!isStopped) log.error({ ...facts, err: error }, 'The erasure of a user failed; it is tried again.');
    const waitMs = isStopped ? 0 : retryMs(erasure.attempts);
    // When this fails too, its hold ends by itself.
    await catalog.releaseErasure(erasure, clock.now() + waitMs).catch(() => undefined);
  }
}

function retryMs(attempts: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempts - 1, DOUBLINGS_MAX));
}
