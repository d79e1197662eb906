import type { Asset, Catalog, UploadAllowance, UploadLimit } from '../../catalog/catalog.ts';
import type { Within } from '../../catalog/transaction.ts';
import type { UploadsInProgress } from '../../catalog/uploads-in-progress.ts';
import type { AssetTypes } from '../../core/asset-type.ts';
import type { Clock } from '../../core/clock.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { Log } from '../../core/log.ts';
import type { Principal, RequestOrigin } from '../../core/principal.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import type { Stores } from '../../storage/stores.ts';
import { abandonUpload } from './abandon.ts';
import { beginUpload } from './begin.ts';
import { completeUpload } from './complete.ts';
import type { SignedPart, UploadInstructions } from './instructions.ts';
import { signMoreParts } from './more-parts.ts';

/** Uploads straight to the store: bytes arrive below `incoming/` and become an asset when they are judged. */
export interface DirectUploads {
  /**
   * Judges what is announced, counts it against the owner's limits, and tells how to send the bytes.
   *
   * @throws StowageError what the gate says of a name, a type and a size; `rate_limited`, see `spentAllowance`; `conflict`
   *   when too many uploads of the owner are open; `unknown_asset_type`, `missing_field`, `invalid_parameter`.
   */
  begin(
    request: BeginRequest,
  ): Promise<{ readonly instructions: UploadInstructions; readonly allowance: UploadAllowance }>;
  /**
   * Fresh URLs for parts of an open upload.
   *
   * @param partNumbers 1 to 100 different ones.
   * @throws StowageError `not_found`, `forbidden`, `expired`, `conflict`, `invalid_parameter`.
   */
  signParts(
    uploadId: string,
    partNumbers: readonly number[],
    request: DirectRequest,
  ): Promise<readonly SignedPart[]>;
  /**
   * Judges the bytes that arrived and makes them an asset. Repeating it answers the same asset.
   *
   * It goes on when its caller leaves, within a bound of time that grows with the file. After a failure that is no
   * refusal the upload is open again.
   *
   * @throws StowageError what the gate says of the content, once and for all; `conflict` while another call completes it
   *   or when the bytes are not all there; `not_found`, `forbidden`, `expired`.
   */
  complete(uploadId: string, request: DirectRequest): Promise<CompletedUpload>;
  /** Gives an open upload up. @throws StowageError `not_found`, `forbidden`, `expired`, `conflict`. */
  abandon(uploadId: string, request: DirectRequest): Promise<void>;
  /** Whether an open upload waits for bytes under this key. */
  isOpen(incomingKey: ObjectKey): Promise<boolean>;
  /** Stops what is being completed, which leaves those uploads open, and waits for it. */
  close(): Promise<void>;
}

export interface DirectUploadOptions {
  /** Where the bytes of the upload at hand are: to begin with, where new files go. */
  readonly bucket: DirectBucket;
  /** Uploads in flight stay where they began, wherever new ones go. */
  readonly stores: Pick<Stores<DirectBucket>, 'of'>;
  readonly catalog: DirectCatalog;
  readonly assetTypes: AssetTypes;
  readonly uploadLimit: UploadLimit;
  /** Most open uploads of one owner. */
  readonly openMax: number;
  /**
   * Copy the bytes out of reach of their URL before they are judged. For stores whose object version is a checksum that
   * can be forged: on S3 it is the MD5 of the content, so other bytes could pass for those that were judged.
   */
  readonly sealFirst: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** The few methods of the bucket that direct uploads call. */
export type DirectBucket = Pick<
  StorageBackend,
  | 'name'
  | 'capabilities'
  | 'head'
  | 'get'
  | 'copy'
  | 'deleteMany'
  | 'signWrite'
  | 'beginMultipart'
  | 'resumeMultipart'
>;

/** The few methods of the catalog that direct uploads call. */
export type DirectCatalog = Omit<UploadsInProgress, 'listExpiredUploads'> &
  Pick<Catalog, 'commitUpload' | 'uploadAllowance' | 'findAsset' | 'recordAccess'>;

/** Who asks, and from where. */
export interface DirectRequest {
  readonly principal: Principal;
  readonly origin: RequestOrigin;
  /** Makes the transaction that the completed asset is recorded in; without it the catalog has its own. */
  readonly within?: ((asset: Asset) => Within) | undefined;
}

/** What a client announces. All of it is a claim. */
export interface BeginRequest extends DirectRequest {
  readonly filename: string;
  readonly sizeBytes: number;
  /** The declared media type; null for none. */
  readonly mediaType: string | null;
  readonly assetType: string;
  /** 64 hex digits; null when unknown. */
  readonly sha256: string | null;
  /** What its key needs, by name. */
  readonly fields: ReadonlyMap<string, string>;
  readonly metadata: unknown;
}

export interface CompletedUpload {
  readonly asset: Asset;
  readonly allowance: UploadAllowance;
  /** Whether it was complete before. */
  readonly replayed: boolean;
}

/** Most open uploads of one owner, unless told otherwise. */
export const OPEN_UPLOADS_MAX = 100;

/** Makes what takes uploads straight to the store. Does nothing until it is asked to. */
export function createDirectUploads(options: DirectUploadOptions): DirectUploads {
  const stop = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    begin: (request) => beginUpload(options, request),
    signParts: (uploadId, partNumbers, request) => signMoreParts(options, uploadId, partNumbers, request),
    complete(uploadId, request) {
      const completion = completeUpload(options, uploadId, request, stop.signal);
      running.add(completion);
      const done = () => running.delete(completion);
      completion.then(done, done);
      return completion;
    },
    abandon: (uploadId, request) => abandonUpload(options, uploadId, request),
    isOpen: (key) => options.catalog.isUploadOpen(key, options.clock.now()),
    async close() {
      stop.abort();
      await Promise.allSettled(running);
    },
  };
}
