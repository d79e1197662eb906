import type { AccessEntry, Asset, UploadAllowance, UploadCommit } from '../catalog/catalog.ts';
import { isEndUnknown } from '../catalog/transaction.ts';
import type { AssetType } from '../core/asset-type.ts';
import { isStowageError } from '../core/errors.ts';
import { newTimeOrderedUuid } from '../core/ids.ts';
import { rateLimitedError } from './allowance.ts';
import { answerToKeep, type KeyFields } from './idempotency.ts';
import type { UploadMetadata } from './metadata.ts';
import type { PutTalk, StoredFile } from './store-file.ts';
import type { IntakeOptions, UploadRequest } from './upload.ts';
import type { UploadsInHand } from './uploads-in-hand.ts';

/** The files of one request on their way from bytes to rows: all of them get there, or none. */
export class UploadBatch {
  readonly #context: IntakeOptions;
  readonly #request: UploadRequest;
  readonly #inHand: UploadsInHand;
  /** In the order of the files; a file that waits in the spool is a hole until it is stored. */
  readonly #stored: (StoredFile | undefined)[] = [];
  /** Of each file; fulfilled when it is durable or has failed, which it has told the batch by then. */
  readonly #storing: Promise<void>[] = [];
  #isInHand = false;
  #failure: { readonly error: unknown } | null = null;
  /** Whether rows may exist: from then on bytes are only removed when it is known that nothing was recorded. */
  #rowsPossible = false;
  /** The asset type, as soon as it is known: refusals are logged with it. */
  assetType: AssetType | undefined;
  metadata: UploadMetadata = {};
  /** What the client gave for the key, kept with the answer: the assets do not tell it. */
  keyFields: KeyFields = [];

  constructor(context: IntakeOptions, request: UploadRequest, inHand: UploadsInHand) {
    this.#context = context;
    this.#request = request;
    this.#inHand = inHand;
  }

  /**
   * Takes a file while it is stored. Fulfilled when it is whole: that it is durable is waited for by `commit` and `undo`.
   *
   * @param index the file's place among the files of the request, from 0.
   * @throws what `store` throws before that, and what an earlier file has failed with since.
   */
  async take(index: number, store: (talk: PutTalk) => Promise<StoredFile>): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => {
      const add = (file: StoredFile) => {
        this.#stored[index] = file;
        resolve();
      };
      const fail = (error: unknown) => {
        this.#failure ??= { error };
        // What has this key now is somebody else's, perhaps.
        this.#stored[index] = undefined;
        resolve();
      };
      // All files of a form are waited for: to divide them would only make it wait twice.
      const inHand = () => (index === 0 ? this.#countUploads() : Number.POSITIVE_INFINITY);
      this.#storing.push(store({ onWhole: add, inHand }).then(add, fail));
    });
    this.check();
  }

  /** @throws what a file has failed with that was taken already. */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  get files(): readonly StoredFile[] {
    return this.#stored.filter((file) => file !== undefined);
  }

  /**
   * Waits until all files are durable and writes their rows in one transaction.
   *
   * @throws StowageError `rate_limited` when the owner's allowance is less than the files; what storing a file throws; what
   *   the catalog throws.
   */
  async commit(): Promise<{ readonly assets: readonly Asset[]; readonly allowance: UploadAllowance }> {
    await Promise.all(this.#storing);
    this.check();
    const { catalog } = this.#context;
    const { within } = this.#request;
    const assets = this.files.map((file) => this.#asset(file));
    this.#rowsPossible = true;
    const commit = this.#commitOf(assets);
    const result = await catalog.commitUpload(commit, within?.(assets)).catch((error: unknown) => {
      // A clear no of the catalog, or of who shares its transaction. After any other failure, a lost connection say, the rows
      // may be there all the same.
      if (within === undefined ? isStowageError(error, 'conflict') : !isEndUnknown(error))
        this.#rowsPossible = false;
      throw error;
    });
    if (result.outcome === 'recorded') return { assets, allowance: result.allowance };
    this.#rowsPossible = false;
    throw rateLimitedError(result.allowance);
  }

  /** Removes the bytes again. Never rejects: what stays behind is the sweeper's. */
  async undo(): Promise<void> {
    const { bucket, log } = this.#context;
    await Promise.all(this.#storing);
    const keys = this.files.map(({ key }) => key);
    if (keys.length === 0) return;
    const { requestId } = this.#request.origin;
    if (this.#rowsPossible) {
      log.warn(
        { request_id: requestId, keys },
        'It is not known whether an upload was recorded: its bytes stay.',
      );
      return;
    }
    try {
      const failures = await bucket.deleteMany(keys, { signal: AbortSignal.timeout(UNDO_MS_MAX) });
      for (const { key, error } of failures)
        log.error({ request_id: requestId, key, err: error }, LEFT_BEHIND);
    } catch (error) {
      log.error({ request_id: requestId, keys, err: error }, LEFT_BEHIND);
    }
  }

  /** Called when nothing is left to do for the request, whatever became of it. */
  end(): void {
    if (this.#isInHand) this.#inHand.end();
  }

  /** Counts this upload once, though its file may be tried under several keys. */
  #countUploads(): number {
    if (!this.#isInHand) this.#inHand.begin();
    this.#isInHand = true;
    return this.#inHand.recentPeak;
  }

  /** The access-log entry of a refusal. */
  refusal(reason: string): AccessEntry {
    const entry = this.#entry(this.#context.clock.now());
    return { ...entry, outcome: 'refused', reason, assetId: null, key: null };
  }

  #commitOf(assets: readonly Asset[]): UploadCommit {
    const { principal, idempotencyKey } = this.#request;
    const { tenantId, userId } = principal;
    return {
      owner: { tenantId, userId },
      role: principal.role,
      assets: assets.map(({ state: _, ...asset }) => asset),
      entries: assets.map((asset) => ({ ...this.#entry(asset.createdAtMs), ...keyOf(asset) })),
      limit: this.#context.uploadLimit,
      idempotency:
        idempotencyKey === null
          ? null
          : { key: idempotencyKey, response: answerToKeep(assets, this.keyFields) },
    };
  }

  #asset({ key, verdict, contentHash }: StoredFile): Asset {
    if (this.assetType === undefined) throw new Error('An upload is recorded without an asset type.');
    const { tenantId, userId } = this.#request.principal;
    const nowMs = this.#context.clock.now();
    return {
      assetId: newTimeOrderedUuid(nowMs),
      tenantId,
      userId,
      assetType: this.assetType.name,
      key,
      backend: this.#context.backendName,
      filename: verdict.filename,
      sizeBytes: verdict.sizeBytes,
      mediaType: verdict.mediaType,
      contentHash,
      metadata: this.metadata,
      createdAtMs: nowMs,
      state: 'stored',
    };
  }

  #entry(atMs: number): Omit<AccessEntry, 'assetId' | 'key'> {
    const { principal, origin } = this.#request;
    return {
      action: 'upload',
      outcome: 'ok',
      reason: null,
      tenantId: principal.tenantId,
      userId: principal.userId,
      assetType: this.assetType?.name ?? null,
      ipAddress: origin.ipAddress,
      userAgent: origin.userAgent,
      storageBackend: this.#context.backendName,
      requestId: origin.requestId,
      atMs,
    };
  }
}

/** How long the removal of a failed upload's bytes may take, in milliseconds. */
const UNDO_MS_MAX = 10_000;
const LEFT_BEHIND = 'The bytes of a failed upload were not removed; the sweeper will.';

function keyOf({ assetId, key }: Asset): Pick<AccessEntry, 'assetId' | 'key'> {
  return { assetId, key };
}
