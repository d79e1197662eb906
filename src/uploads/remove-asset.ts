import type { PlacedAsset } from '../catalog/asset-moves.ts';
import type { AccessEntry, Asset, Catalog, TombstoneOptions } from '../catalog/catalog.ts';
import type { BackendName } from '../core/backend-name.ts';
import type { Clock } from '../core/clock.ts';
import { StowageError } from '../core/errors.ts';
import type { ObjectKey } from '../core/key.ts';
import type { Log } from '../core/log.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';
import type { DeleteFailure, StorageBackend } from '../storage/backend.ts';
import type { Stores } from '../storage/stores.ts';

/** What removing needs. */
export interface RemovalOptions {
  readonly stores: Pick<Stores<Pick<StorageBackend, 'deleteMany'>>, 'of'>;
  readonly catalog: Pick<Catalog, 'findAsset' | 'tombstoneAsset' | 'forgetAsset'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What removing all of a user's assets needs. */
export type UserRemovalOptions = RemovalOptions & {
  readonly catalog: Pick<Catalog, 'listAssetsOfUser' | 'listTombstonesOfUser'>;
};

/** Who asked for a removal, for the access log, and how it is done. */
export interface RemovalRequest extends TombstoneOptions {
  readonly principal: Principal;
  readonly origin: RequestOrigin;
}

/**
 * Removes one asset of the principal's tenant: tombstone and log entry in one transaction, then the bytes, then the
 * tombstone. Whether the principal may do so is the caller's question.
 *
 * Fulfilled once the tombstone is durable, for from then on nobody sees the asset. When the store fails after that,
 * the tombstone stays and the sweeper removes the bytes: telling the client of a failure would invite a repetition
 * that can only answer `not_found`.
 *
 * @throws StowageError `not_found` when there is none, or no longer; `conflict` when a record refers to it and its links
 *   are not to be cut; `database_unavailable`.
 */
export async function removeAsset(
  options: RemovalOptions,
  assetId: string,
  request: RemovalRequest,
): Promise<void> {
  const found = await options.catalog.findAsset(request.principal.tenantId, assetId);
  const asset = found && (await tombstone(options, found, request));
  if (asset === undefined) throw new StowageError('not_found', 'There is no such asset.');
  await removeBytes(options, [asset], request);
}

/**
 * Removes all assets of a user of the principal's tenant, in batches of bounded size, one log entry for each. Links do not
 * hold them: who has a right to be forgotten is not kept by a record that shows the file.
 *
 * @param request.keepHold called before each batch; throws when somebody else does it now.
 * @returns how many were removed. Repeating an erasure that was interrupted continues it.
 * @throws StowageError `aborted` between two batches; `database_unavailable`.
 */
export async function removeAssetsOfUser(
  options: UserRemovalOptions,
  userId: string,
  request: RemovalRequest & { readonly signal: AbortSignal; readonly keepHold?: () => Promise<void> },
): Promise<number> {
  const { catalog } = options;
  let removed = 0;
  for (;;) {
    if (request.signal.aborted) throw new StowageError('aborted', 'The erasure was stopped.');
    await request.keepHold?.();
    const listed = await catalog.listAssetsOfUser(request.principal.tenantId, userId, ERASURE_BATCH);
    if (listed.length === 0) {
      await finishTombstones(options, userId, request);
      return removed;
    }
    // The tombstones of a batch share transactions, see `Catalog.recordAccess`.
    const outcomes = await Promise.allSettled(
      listed.map((asset) => tombstone(options, asset, { ...request, cutLinks: true })),
    );
    const gone = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []));
    await removeBytes(options, gone, request);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    removed += gone.length;
  }
}

/** Takes the bytes that a crash left between a tombstone and its end: an erasure is not done while they are there. */
async function finishTombstones(
  options: UserRemovalOptions,
  userId: string,
  request: RemovalRequest & { readonly keepHold?: () => Promise<void> },
): Promise<void> {
  const owner = { tenantId: request.principal.tenantId, userId };
  let afterId: string | null = null;
  for (;;) {
    const page: readonly PlacedAsset[] = await options.catalog.listTombstonesOfUser(owner, {
      afterId,
      limit: ERASURE_BATCH,
    });
    if (page.length === 0) return;
    await request.keepHold?.();
    await removeBytes(options, page, request);
    afterId = page.at(-1)?.assetId ?? null;
  }
}

/** Assets removed at once: bounds memory and the load on the database. */
const ERASURE_BATCH = 50;
/** How long the store may take to remove one batch, in milliseconds. */
const REMOVAL_MS_MAX = 30_000;

function tombstone(
  { catalog, clock }: RemovalOptions,
  asset: Asset,
  { principal, origin, ...how }: RemovalRequest,
): Promise<PlacedAsset | undefined> {
  const entry: AccessEntry = {
    action: 'delete',
    outcome: 'ok',
    reason: null,
    tenantId: principal.tenantId,
    userId: principal.userId,
    assetId: asset.assetId,
    assetType: asset.assetType,
    key: asset.key,
    ipAddress: origin.ipAddress,
    userAgent: origin.userAgent,
    storageBackend: asset.backend,
    requestId: origin.requestId,
    atMs: clock.now(),
  };
  return catalog.tombstoneAsset(principal.tenantId, asset.assetId, entry, how);
}

/**
 * Removes the bytes of tombstones from all their places, then the tombstones. Never rejects: the sweeper finishes what
 * fails here.
 */
async function removeBytes(
  options: RemovalOptions,
  assets: readonly PlacedAsset[],
  { origin }: RemovalRequest,
): Promise<void> {
  const { catalog, log } = options;
  const facts = { request_id: origin.requestId };
  const signal = AbortSignal.timeout(REMOVAL_MS_MAX);
  const places = Map.groupBy(
    assets.flatMap((asset) => [asset.backend, ...asset.copies].map((backend) => ({ backend, asset }))),
    ({ backend }) => backend,
  );
  const left = new Set<string>();
  try {
    for (const [backend, held] of places) {
      const keys = held.map(({ asset }) => asset.key);
      for (const { key, error } of await removeFrom(options, backend, keys, signal)) {
        left.add(key);
        log.error({ ...facts, key, backend, err: error }, LEFT_BEHIND);
      }
    }
    const gone = assets.filter(({ key }) => !left.has(key));
    await Promise.all(gone.map(({ assetId }) => catalog.forgetAsset(assetId)));
  } catch (error) {
    log.error({ ...facts, keys: assets.map(({ key }) => key), err: error }, LEFT_BEHIND);
  }
}

/** Removes objects from one store; when it fails as a whole, all of them are left. */
async function removeFrom(
  { stores }: RemovalOptions,
  backend: BackendName,
  keys: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<readonly DeleteFailure[]> {
  try {
    return await (await stores.of(backend)).deleteMany(keys, { signal });
  } catch (error) {
    return keys.map((key) => ({ key, error }));
  }
}

const LEFT_BEHIND = 'The removal of bytes or of their tombstone was not finished; the sweeper will.';
