import type { TombstoneOptions } from '../catalog/catalog.ts';
import { StowageError } from '../core/errors.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';
import { type RemovalOptions, type RemovalRequest, removeAsset, removeAssetsOfUser } from './remove-asset.ts';

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
   * Accepts the erasure of all assets of a user of the principal's tenant; erasures run in the background, one after
   * the other. A user who is waiting already is not queued again. An erasure that fails or is cut off by a crash is
   * continued by asking again.
   *
   * @throws StowageError `conflict` when too many are waiting.
   */
  eraseUser(userId: string, principal: Principal, origin: RequestOrigin): void;
  /** Fulfilled when no erasure waits or runs. */
  idle(): Promise<void>;
  /** Takes no more erasures, stops after the batch that runs, and waits for it. */
  close(): Promise<void>;
}

/** Most erasures waiting at once. */
export const ERASURES_WAITING_MAX = 1000;

/** Makes what removes assets. Does nothing until it is asked to. */
export function createRemoval(options: RemovalOptions): Removal {
  const waiting = new Map<string, { readonly userId: string; readonly request: RemovalRequest }>();
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (;;) {
      const [next] = waiting;
      if (next === undefined || stop.signal.aborted) break;
      await erase(options, next[1].userId, { ...next[1].request, signal: stop.signal });
      waiting.delete(next[0]);
    }
    running = undefined;
  }

  return {
    removeAsset: (assetId, principal, origin, how) =>
      removeAsset(options, assetId, { ...how, principal, origin }),
    eraseUser(userId, principal, origin) {
      const id = JSON.stringify([principal.tenantId, userId]);
      if (waiting.has(id)) return;
      if (waiting.size >= ERASURES_WAITING_MAX || stop.signal.aborted) {
        throw new StowageError('conflict', 'Too many erasures are waiting: try again later.');
      }
      waiting.set(id, { userId, request: { principal, origin } });
      running ??= run();
    },
    idle: async () => running,
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** Never rejects: the outcome is in the log. */
async function erase(
  options: RemovalOptions,
  userId: string,
  request: RemovalRequest & { readonly signal: AbortSignal },
): Promise<void> {
  const { log } = options;
  const facts = {
    request_id: request.origin.requestId,
    tenant_id: request.principal.tenantId,
    user_id: userId,
  };
  try {
    const removed = await removeAssetsOfUser(options, userId, request);
    log.info({ ...facts, removed }, 'All assets of a user were erased.');
  } catch (error) {
    log.error({ ...facts, err: error }, 'The erasure of a user stopped: ask for it again.');
  }
}
