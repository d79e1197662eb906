import type { BackendName } from '../core/backend-name.ts';
import type { ObjectKey } from '../core/key.ts';
import type { Owner, UploadAllowance, UploadLimit } from './catalog.ts';

/** The part of the catalog about uploads straight to the store, from the reservation to their end. */
export interface UploadsInProgress {
  /**
   * Counts one file against the owner's limit and writes down an upload, or neither; of many at once exactly as many
   * pass as the limits leave.
   *
   * @param bounds.openMax most uploads of the owner that are open and have not expired.
   */
  reserveUpload(
    upload: UploadReservation,
    bounds: { readonly limit: UploadLimit; readonly openMax: number },
  ): Promise<ReserveOutcome>;

  /** Notes the name that the store gave to a multi-part upload. */
  noteStoreUpload(uploadId: string, storeUploadId: string): Promise<void>;

  /** One upload of the tenant, open or ended; undefined when there is none. */
  findUpload(tenantId: string, uploadId: string): Promise<DirectUpload | undefined>;

  /** Whether an open upload writes to this key: for URLs, which name only the key. */
  isUploadOpen(incomingKey: ObjectKey, nowMs: number): Promise<boolean>;

  /**
   * Takes an upload to complete or to end it: of many callers one gets it. A claim past its `untilMs` can be taken over.
   *
   * @param claim.expired false: only an upload that has not expired; true: only one that has.
   * @returns whether this caller holds it now.
   */
  claimUpload(uploadId: string, claim: UploadClaiming): Promise<boolean>;

  /** Gives an upload back that could not be completed for now. */
  releaseUpload(held: HeldUpload): Promise<void>;

  /**
   * Ends an upload that is held and gives its place in the owner's window back. What it told about the file is emptied.
   *
   * @param reason the error code of a refusal; null otherwise.
   * @returns whether it was still held.
   */
  endUpload(held: HeldUpload, state: EndState, reason: string | null): Promise<boolean>;

  /** Pages over the open uploads on a backend that have expired and that nobody holds, oldest first. */
  listExpiredUploads(query: {
    readonly backend: BackendName;
    readonly nowMs: number;
    /** The last upload of the page before. */
    readonly after: Pick<DirectUpload, 'uploadId' | 'expiresAtMs'> | null;
    readonly limit: number;
  }): Promise<readonly DirectUpload[]>;
}

/** What is written down before a URL exists. */
export interface UploadReservation extends Owner {
  readonly uploadId: string;
  /** Name of the asset type. */
  readonly assetType: string;
  /** The file's name as the user gave it, judged. */
  readonly filename: string;
  /** The declared media type as sent; null when undeclared. */
  readonly declaredType: string | null;
  /** The announced size, at least 1. */
  readonly sizeBytes: number;
  /** The announced SHA-256, 32 bytes; null when unknown. */
  readonly sha256: Buffer | null;
  /** What the client gave for the key, by name. */
  readonly fields: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Where the bytes arrive, below `incoming/`. */
  readonly incomingKey: ObjectKey;
  readonly backend: BackendName;
  /** Size of every part but the last; null for a single request. */
  readonly partBytes: number | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** An upload as it is written down. */
export interface DirectUpload extends UploadReservation {
  readonly state: 'reserved' | 'completing' | 'done' | EndState;
  /** The store's name of a multi-part upload; null for a single request, or when the store was never asked. */
  readonly storeUploadId: string | null;
  /** The error code of a refusal. */
  readonly reason: string | null;
  /** What it became; null before it is done. */
  readonly assetId: string | null;
}

/** How an upload ends that becomes no asset. */
export type EndState = 'refused' | 'abandoned' | 'expired';

export interface HeldUpload {
  readonly uploadId: string;
  /** A UUID of the holder's own. */
  readonly claim: string;
}

export interface UploadClaiming {
  readonly claim: string;
  readonly nowMs: number;
  readonly untilMs: number;
  readonly expired: boolean;
}

export type ReserveOutcome = {
  readonly outcome: 'reserved' | 'rate_limited' | 'too_many_open';
  readonly allowance: UploadAllowance;
};
