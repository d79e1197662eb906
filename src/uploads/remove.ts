import type { TombstoneOptions } from '../catalog/catalog.ts';
import { StowageError } from '../core/errors.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';
import { type ErasureOptions, runErasures } from './erase-users.ts';
import { removeAsset } from './remove-asset.ts';

/** Removes assets and their bytes. Whether the caller may do so is the caller's question. */
export interface Removal {
  /** Removes one asset of the principal's tenant, see {@link removeAsset}. @throws StowageError `not_found`, `conflict`. */
  removeAsset(
    assetId: string,
    principal: Principal,
    origin: RequestOrigin,
    how?: TombstoneOptions,
  ): Promise<void>;
  /**
   * Accepts the erasure of all assets of a user of the principal's tenant. Fulfilled when that is durable: from then on it
   * is carried out in the background, one erasure after the other, and again after a failure or a crash, by this process
   * or another of the same catalog. A user who is waiting already is not queued again.
   *
   * @throws StowageError `conflict` when too many are waiting; `database_unavailable`.
   */
  eraseUser(userId: string, principal: Principal, origin: RequestOrigin): Promise<void>;
  /** Takes up erasures that are due: those of other processes that are gone, and those that failed. Never rejects. */
  resumeErasures(): Promise<void>;
  /** Fulfilled when this process carries out no erasure. */
  idle(): Promise<void>;
  /** Stops after the batch that runs, and waits for it; what is left is taken up by another process or the next start. */
  close(): Promise<void>;
}

/** Most erasures waiting at once, over all tenants. */
export const ERASURES_WAITING_MAX = 1000;

/** Makes what removes assets. Does nothing until it is asked to. */
export function createRemoval(options: ErasureOptions): Removal {
  const { catalog, clock } = options;
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  let isAskedAgain = false;

  function resume(): Promise<void> {
    isAskedAgain = true;
    running ??= (async () => {
      // Asked for while the last look found nothing more: looked for once more.
      while (isAskedAgain && !stop.signal.aborted) {
        isAskedAgain = false;
        await runErasures(options, stop.signal);
      }
      running = undefined;
    })();
    return running;
  }

  return {
    removeAsset: (assetId, principal, origin, how) =>
      removeAsset(options, assetId, { ...how, principal, origin }),
    async eraseUser(userId, principal, origin) {
      const erasure = {
        ...{ tenantId: principal.tenantId, userId, requestedBy: principal.userId },
        ...origin,
        requestedAtMs: clock.now(),
      };
      if (!(await catalog.requestErasure(erasure, ERASURES_WAITING_MAX))) {
        throw new StowageError('conflict', 'Too many erasures are waiting: try again later.');
      }
      void resume();
    },
    resumeErasures: resume,
    idle: async () => running,
    async close() {
      stop.abort();
      await running;
    },
  };
}
