import type { Readable } from 'node:stream';
import type { Asset, Catalog, UploadAllowance, UploadLimit } from '../catalog/catalog.ts';
import type { Within } from '../catalog/transaction.ts';
import type { AssetTypes } from '../core/asset-type.ts';
import type { BackendName } from '../core/backend-name.ts';
import type { ByteStream } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';
import type { StorageBackend } from '../storage/backend.ts';
import type { UploadClaim } from '../validation/gate.ts';

/** The way in for files: everything that becomes an asset passes here, and here passes the gate. */
export interface Intake {
  /**
   * Receives one `multipart/form-data` request: its files are judged, stored and recorded, all of them or none.
   *
   * Fulfilled after bytes and rows are durable. When it rejects, nothing of the request is kept (the sweeper removes
   * what a crash leaves), a refusal of the user is in the access log, and the body may not have been read to its
   * end: the caller answers and closes the connection or drains it, within a bound.
   *
   * @throws StowageError any of the codes of DESIGN.md; `rate_limited` carries its allowance, see `spentAllowance`;
   *   `aborted` when the client is gone and nobody waits for an answer.
   */
  receiveForm(request: FormUploadRequest): Promise<UploadReceipt>;
  /** Receives one file by another door (library, import, resumable upload): the same gate, rows and limits. */
  receiveFile(request: FileUploadRequest): Promise<UploadReceipt>;
  /** Removes what is left in the spool. Requests that still run fail. */
  close(): Promise<void>;
}

export interface IntakeOptions {
  readonly bucket: UploadBucket;
  /** What the records name as the place of the bytes. */
  readonly backendName: BackendName;
  readonly catalog: UploadCatalog;
  readonly assetTypes: AssetTypes;
  readonly uploadLimit: UploadLimit;
  /** The directory on this machine in which each process has a spool of its own, absolute: made when missing. */
  readonly spoolDir: string;
  /** Most bytes waiting in the spool at once, of all requests of this process. */
  readonly spoolBytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The few methods of the bucket that uploads call. */
export type UploadBucket = Pick<StorageBackend, 'put' | 'deleteMany'>;

/** The few methods of the catalog that uploads call. */
export type UploadCatalog = Pick<
  Catalog,
  | 'commitUpload'
  | 'uploadAllowance'
  | 'findAsset'
  | 'recordAccess'
  | 'claimIdempotencyKey'
  | 'renewIdempotencyKey'
  | 'releaseIdempotencyKey'
>;

/** What every door knows about a request that brings files. */
export interface UploadRequest {
  readonly principal: Principal;
  readonly origin: RequestOrigin;
  /** The Idempotency-Key header, as sent; null when absent. */
  readonly idempotencyKey: string | null;
  /** Fires when the client is gone or the server stops. Ignored once the rows are being written. */
  readonly signal: AbortSignal;
  /** Makes the transaction that the rows of these assets are written in; without it the catalog has its own. */
  readonly within?: ((assets: readonly Asset[]) => Within) | undefined;
}

export interface FormUploadRequest extends UploadRequest {
  /** The request's body, untouched: an IncomingMessage that nobody has read from. */
  readonly body: Readable | AsyncIterable<Uint8Array>;
  /** The Content-Type header as sent; null when absent. */
  readonly contentType: string | null;
  /** The Content-Length header; null when absent. */
  readonly contentLength: number | null;
  /** Query parameters by name: `asset_type` and the fields of its key may come here instead of in the form. */
  readonly query: ReadonlyMap<string, string>;
  /** The request's Repr-Digest as sent (RFC 9530): of the whole form as it arrives; null when absent. Parts have their own. */
  readonly reprDigest: string | null;
  /** Names of the fields that bring files; others are refused when they do. Default: `files`, `file`, `files[]`. */
  readonly fileFields?: ReadonlySet<string> | undefined;
  /** Sees every field that is no file, in the order of the form. What it throws refuses the form. */
  readonly onField?: ((name: string, value: string) => void) | undefined;
}

export interface FileUploadRequest extends UploadRequest {
  readonly body: ByteStream;
  readonly claim: UploadClaim;
  /** Name of the asset type. */
  readonly assetType: string;
  /** The fields of the key, by name. */
  readonly fields: ReadonlyMap<string, string>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface UploadReceipt {
  /** The new assets in the order of their files; on a replay those of the first time, as they are now. */
  readonly assets: readonly Asset[];
  /** For the RateLimit headers. */
  readonly allowance: UploadAllowance;
  /** Whether this is the answer to an earlier request with the same Idempotency-Key: nothing was stored. */
  readonly replayed: boolean;
}
