import type { BackendName } from '../core/backend-name.ts';
import type { ObjectKey } from '../core/key.ts';
import type { AssetLinks } from './asset-links.ts';
import type { AssetMoves, PlacedAsset } from './asset-moves.ts';
import type { CdnPurges } from './cdn-purges.ts';
import type { StoredUsage } from './stored-usage.ts';
import type { Within } from './transaction.ts';
import type { HeldUpload, UploadsInProgress } from './uploads-in-progress.ts';
import type { UserErasures } from './user-erasures.ts';

/**
 * The database of assets and the access log: what uploads, delivery, maintenance and HTTP ask of PostgreSQL.
 *
 * Every promise is fulfilled after its transaction is durable. Failures are StowageErrors: `database_unavailable`
 * when the server can't be reached, is shutting down or too slow; anything else is a bug and stays what it is.
 * Every method that names a tenant sees only that tenant.
 */
export interface Catalog extends UploadsInProgress, AssetMoves, AssetLinks, CdnPurges, UserErasures {
  /**
   * Records finished uploads, whose bytes are durable: per upload its assets, their access-log entries, the owner in
   * `users`, the count against the rate limit and the idempotency answer, in one transaction; all of one upload or nothing.
   * Uploads that arrive together may share a transaction.
   *
   * @param within the transaction to write in, which fails with the upload; without it the catalog has its own.
   * @returns `recorded`, or `rate_limited` with nothing written when the limit would be passed.
   * @throws StowageError `conflict` when a key is already recorded, or the reservation is not held any more; nothing was
   *   written. After `database_unavailable` it is not known whether the upload was recorded (the connection may have
   *   broken after the commit): its bytes must stay for the sweeper to judge. In a transaction of somebody else,
   *   `isEndUnknown` tells the two apart.
   */
  commitUpload(upload: UploadCommit, within?: Within): Promise<CommitOutcome>;

  /** What is left of the owner's uploads in the running window, for refusing before bytes are read. Writes nothing. */
  uploadAllowance(owner: Owner, limit: UploadLimit, nowMs: number): Promise<UploadAllowance>;

  /** One stored asset of the tenant; undefined when there is none. A deleted one is none. */
  findAsset(tenantId: string, assetId: string): Promise<Asset | undefined>;

  /** One stored asset by its key, whatever its tenant: for signed and public URLs, which name only the key. */
  findAssetByKey(key: ObjectKey): Promise<Asset | undefined>;

  /** One page of an owner's assets, newest first. */
  listAssets(query: AssetQuery): Promise<Page<Asset>>;

  /** Files and bytes of a user, or of the whole tenant when `userId` is null. */
  usage(tenantId: string, userId: string | null): Promise<Usage>;

  /** What is stored by asset type and backend, over all tenants: for estimates. Looks at every asset. */
  storedUsage(): Promise<readonly StoredUsage[]>;

  /** Appends entries to the access log. Entries that arrive together may share a transaction. */
  recordAccess(entry: AccessEntry): Promise<void>;

  /**
   * Appends the entry if the asset is still stored; as its backend the entry has the one that holds the asset.
   *
   * @returns that backend; undefined when the asset is not there, and nothing was written.
   */
  recordRead(
    entry: AccessEntry & { readonly assetId: string; readonly tenantId: string },
  ): Promise<BackendName | undefined>;

  /** One page of the access log, newest first. */
  listAccess(query: AccessQuery): Promise<Page<StoredAccessEntry>>;

  /**
   * Turns a stored asset into a tombstone and appends the entry, in one transaction.
   *
   * @returns the asset as it was, with all the places of its bytes; undefined when there is none (nothing is written).
   * @throws StowageError `conflict` when a record refers to it, unless its links are cut; `not_found` instead of
   *   undefined, in a transaction of somebody else.
   */
  tombstoneAsset(
    tenantId: string,
    assetId: string,
    entry: AccessEntry,
    options?: TombstoneOptions,
  ): Promise<PlacedAsset | undefined>;

  /** Removes a tombstone, after its bytes are gone everywhere. Removing what is not there succeeds. */
  forgetAsset(assetId: string): Promise<void>;

  /** Pages over the tombstones of a backend that are older than `beforeMs`, in id order: deletes that a crash interrupted. */
  listTombstones(query: {
    readonly backend: BackendName;
    readonly beforeMs: number;
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<readonly PlacedAsset[]>;

  /** The same of one user, on any backend, whatever their age. */
  listTombstonesOfUser(
    owner: Owner,
    page: { readonly afterId: string | null; readonly limit: number },
  ): Promise<readonly PlacedAsset[]>;

  /** Of these keys, those that an asset (stored or tombstone, on any backend) or an open direct upload names: the sweeper's proof. At most 1,000. */
  keysInUse(keys: readonly ObjectKey[]): Promise<ReadonlySet<string>>;

  /** Pages over all assets of a backend in id order: for `sweep` (rows without bytes) and moves. */
  walkAssets(query: {
    readonly backend: BackendName | null;
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<readonly Asset[]>;

  /**
   * Pages over the stored assets of a type on a backend that nobody read, or got a URL for, since `beforeMs`, that are
   * older than that and that no record refers to; oldest first.
   */
  listUnused(query: {
    readonly assetType: string;
    readonly backend: BackendName;
    readonly beforeMs: number;
    /** The last asset of the page before. */
    readonly after: Pick<Asset, 'assetId' | 'createdAtMs'> | null;
    readonly limit: number;
  }): Promise<readonly Asset[]>;

  /** Stored assets of one user, for erasure, in id order. */
  listAssetsOfUser(tenantId: string, userId: string, limit: number): Promise<readonly Asset[]>;

  /**
   * Claims an idempotency key for a request that is starting.
   *
   * @returns `new` (this caller runs the request), `running` (another does), `mismatch` (used for another request), or
   *   `done` with the stored answer.
   */
  claimIdempotencyKey(claim: IdempotencyClaim): Promise<IdempotencyState>;

  /**
   * Keeps a claim for another minute.
   *
   * @returns whether it was still held; when false another request may have it.
   */
  renewIdempotencyKey(claim: HeldClaim, nowMs: number): Promise<boolean>;

  /** Gives up a claim whose request failed, so that it can be tried again. Does nothing when it is not held any more. */
  releaseIdempotencyKey(claim: HeldClaim): Promise<void>;

  /** Removes idempotency answers and rate windows that have expired, and what is left of direct uploads that ended. */
  removeExpired(nowMs: number): Promise<void>;

  /** Seals the entries that are final into the hash chain. @returns how many entries were sealed. */
  sealAccessLog(signal?: AbortSignal): Promise<number>;

  /** Recomputes the chain from its start. */
  verifyAccessLog(options: {
    readonly onProgress?: (checked: number) => void;
    readonly signal?: AbortSignal;
  }): Promise<AuditReport>;

  /** All entries, oldest first, with their seals, for `audit export`; bounded memory. */
  exportAccessLog(
    signal?: AbortSignal,
  ): AsyncIterable<StoredAccessEntry & { readonly entryHash: string; readonly sealId: number | null }>;

  /** Which catalog this is, a UUID: made with the catalog, and moved with an export. */
  catalogId(): Promise<string>;

  /** Round trip of a trivial query, in milliseconds. */
  ping(signal?: AbortSignal): Promise<number>;

  close(): Promise<void>;
}

export interface Owner {
  readonly tenantId: string;
  readonly userId: string;
}

/** A stored file and its record. */
export interface Asset {
  readonly assetId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly assetType: string;
  readonly key: ObjectKey;
  readonly backend: BackendName;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** SHA-256 of the content, lower-case hex. */
  readonly contentHash: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
  readonly state: 'stored' | 'deleted';
}

export type AccessAction = 'upload' | 'download' | 'generate_url' | 'delete';

/** What happened, by whom, to what. */
export interface AccessEntry {
  readonly action: AccessAction;
  readonly outcome: 'ok' | 'refused';
  /** The error code of a refusal; null when ok. */
  readonly reason: string | null;
  readonly tenantId: string;
  /** Null when nobody could be identified. */
  readonly userId: string | null;
  readonly assetId: string | null;
  readonly assetType: string | null;
  readonly key: string | null;
  readonly ipAddress: string;
  readonly userAgent: string | null;
  readonly storageBackend: BackendName;
  readonly requestId: string;
  readonly atMs: number;
}

export interface StoredAccessEntry extends AccessEntry {
  /** Position in the log: grows, may have gaps. */
  readonly entryId: string;
}

export interface UploadCommit {
  readonly owner: Owner;
  /** What the owner's token said; kept in `users`. */
  readonly role?: 'user' | 'admin';
  readonly assets: readonly Omit<Asset, 'state'>[];
  /** One per asset, action `upload`, outcome `ok`. */
  readonly entries: readonly AccessEntry[];
  readonly limit: UploadLimit;
  /** The direct upload that becomes the one asset: it was counted when it was reserved, and is done with the commit. */
  readonly reservation?: HeldUpload;
  /** The claimed key and the answer to keep under it; null without Idempotency-Key. */
  readonly idempotency: { readonly key: string; readonly response: unknown } | null;
}

/** How an asset goes. */
export interface TombstoneOptions {
  /** Remove it from the records that refer to it, instead of refusing. Default: false. */
  readonly cutLinks?: boolean;
  /** The transaction to write in; without it the catalog has its own. */
  readonly within?: Within;
}

/** Accepted files per owner and window. */
export interface UploadLimit {
  readonly filesMax: number;
  readonly windowSeconds: number;
}

export interface UploadAllowance {
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the window ends, at least 1. */
  readonly resetSeconds: number;
}

export type CommitOutcome =
  | { readonly outcome: 'recorded'; readonly allowance: UploadAllowance }
  | { readonly outcome: 'rate_limited'; readonly allowance: UploadAllowance };

export interface AssetQuery extends Owner {
  readonly assetType: string | null;
  readonly limit: number;
  /** `cursor` of the page before, opaque; null for the first. @throws StowageError `invalid_parameter` when forged. */
  readonly cursor: string | null;
}

export interface AccessQuery {
  readonly tenantId: string;
  readonly userId: string | null;
  readonly assetId: string | null;
  readonly action: AccessAction | null;
  /** Entries at this time and later. */
  readonly fromMs: number | null;
  /** Entries before this time. */
  readonly toMs: number | null;
  readonly limit: number;
  readonly cursor: string | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface Usage {
  readonly files: number;
  readonly bytes: number;
}

export interface IdempotencyClaim extends Owner {
  readonly key: string;
  /** What makes it the same request: method, path, query and content length, hashed. */
  readonly fingerprint: string;
  readonly nowMs: number;
}

/**
 * A claim as its holder knows it: `nowMs` is that of the claim or of its last renewal. It tells holders apart, for a
 * claim is taken over only when it has not been renewed for a minute.
 */
export type HeldClaim = Omit<IdempotencyClaim, 'fingerprint'>;

export type IdempotencyState =
  | { readonly state: 'new' | 'running' | 'mismatch' }
  | { readonly state: 'done'; readonly response: unknown };

export interface AuditReport {
  readonly entries: number;
  readonly sealed: number;
  readonly seals: number;
  /** Hash of the last seal, hex; null when nothing is sealed. Keep it elsewhere to notice a cut-off end. */
  readonly head: string | null;
  /** The first broken place; null when all is well. */
  readonly broken: {
    readonly entryId: string | null;
    readonly sealId: number | null;
    readonly problem: string;
  } | null;
}
