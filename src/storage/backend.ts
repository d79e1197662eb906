import type { BackendName } from '../core/backend-name.ts';
import type { ByteStream } from '../core/bytes.ts';
import type { KeyPrefix, ObjectKey } from '../core/key.ts';

export type { BackendName };

/**
 * What every store owes Stowage: a narrow contract under the rich {@link Bucket}. Backends do I/O and translate
 * errors; `Bucket` checks keys, ranges, metadata and part plans once, for all of them. The comment on a method is its
 * specification and `storage/conformance` its law book.
 *
 * Promised to backends: keys have passed `parseObjectKey`; metadata keys match `[a-z0-9_]{1,64}` and its values
 * are printable ASCII; ranges lie inside what the caller believes is the object.
 *
 * Owed by backends:
 * - Every failure is a StowageError; the original is its `cause`. Missing (`object_not_found`), refused by the store
 *   (`storage_denied`), broken (`storage_unavailable`) and slow (`storage_slow`) are told apart. When a signal fires,
 *   the call rejects with the signal's error (`abortedError`) soon, and leaves nothing behind.
 * - After a promise of `put`, `copy` or `complete` is fulfilled the object survives a crash of the machine, and every
 *   reader sees all of it.
 * - Nothing is public, ever.
 */
export interface StorageBackend {
  readonly name: BackendName;
  readonly capabilities: BackendCapabilities;
  /** What a client is shown as `storage_url`, without the key: `local://`, `s3://bucket/`, `az://container/`. */
  readonly storageUrlBase: string;

  /**
   * Stores all of `body` under `key`, or nothing: a reader never sees part of an object.
   *
   * @param body consumed once, in order; if it throws, nothing is stored, a previous object stays untouched and its
   *   error is rethrown as it is.
   * @throws StowageError `object_exists` when `mode` is `create` and the key is taken; of many creators at once,
   *   exactly one wins.
   */
  put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo>;

  /**
   * Opens an object for reading. The body belongs to one version of the object even while it is being replaced or
   * deleted. A body that is not read to its end must be ended by `return()` (leaving a `for await` does that). When the
   * signal fires, a body that has not ended rejects at its next read.
   *
   * @throws StowageError `object_not_found`; `range_not_satisfiable` when the range starts at or after the end.
   */
  get(key: ObjectKey, options: GetOptions): Promise<ObjectBody>;

  /** @throws StowageError `object_not_found`. */
  head(key: ObjectKey, options: CallOptions): Promise<ObjectInfo>;

  /** Removes an object. Removing what is not there succeeds: a delete can be repeated. */
  delete(key: ObjectKey, options: CallOptions): Promise<void>;

  /**
   * Removes up to 1,000 objects. Every key is tried, whatever happens to the others.
   *
   * @returns the keys that could not be removed, with the error of each; empty when all are gone.
   */
  deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteFailure[]>;

  /**
   * One page of the objects below a prefix, in the backend's own stable order. Walking all pages yields every
   * object that exists during the whole walk exactly once, whatever is put or deleted meanwhile.
   */
  list(options: ListOptions): Promise<ListPage>;

  /**
   * Copies inside the store without the bytes passing through Stowage; atomic like `put`. Content type, cache control
   * and metadata are those given, not the source's.
   *
   * @throws StowageError `object_not_found` (source), `object_exists` (target, in mode `create`); `conflict` when the
   *   source was replaced meanwhile.
   */
  copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo>;

  /**
   * Starts an object that arrives in parts, in any order and concurrently. Nothing is readable under the key before
   * `complete`.
   *
   * @throws StowageError `capability_missing` when `capabilities.multipart` is false.
   */
  beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload>;

  /** Takes up a multi-part upload begun earlier, perhaps by another process. Does no I/O. */
  resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload;

  /**
   * A URL by which anyone reads the object until `expiresAtMs`, and can do nothing else with it. The same question in
   * the same signing window has the same answer.
   */
  signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl>;

  /**
   * Instructions by which anyone stores one object under this key until `expiresAtMs`, and can do nothing else.
   * The object's type and, where `sizeEnforcedBy` is `store`, its exact size are bound to the signature.
   *
   * @throws StowageError `capability_missing` when `capabilities.signedWrite` is `none`.
   */
  signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite>;

  /**
   * Proves that the store answers and that the bucket is there, cheaply. For health checks.
   *
   * @throws StowageError `storage_unavailable`, `storage_slow`, `storage_denied`.
   */
  check(options: CallOptions): Promise<void>;

  /** Releases connections and timers. Calls after it fail. */
  close(): Promise<void>;
}

/** What a store may lack. Asking for it anyway fails with `capability_missing`; the law asserts the refusal. */
export interface BackendCapabilities {
  /** Whether `beginMultipart` works. */
  readonly multipart: boolean;
  /** Smallest size of every part but the last, in bytes. */
  readonly partBytesMin: number;
  /** Largest size of one part, in bytes. */
  readonly partBytesMax: number;
  /** Most parts of one object. */
  readonly partsMax: number;
  /** Largest object one `put` or one signed write takes, in bytes; larger ones need parts. */
  readonly singlePutBytesMax: number;
  /** How a client writes straight to the store: an HTTP PUT, a form POST, or not at all. */
  readonly signedWrite: 'put' | 'post' | 'none';
  /** Who refuses a signed write of another size: the store itself, or our check at completion. */
  readonly signedWriteSizeEnforcedBy: 'store' | 'completion';
  /** Who refuses other bytes than those of a signed SHA-256. */
  readonly signedWriteDigestEnforcedBy: 'store' | 'completion';
  /** Whether parts can be uploaded by signed URLs. */
  readonly signedParts: boolean;
  /** Whether the store keeps and returns a SHA-256 of the whole object that it has verified itself. */
  readonly storesSha256: boolean;
  /** Longest life of a signed URL, in seconds. */
  readonly signedUrlSecondsMax: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Extra facts stored with an object: keys `[a-z0-9_]{1,64}`, values printable ASCII, 2 KiB in all. */
export type ObjectMetadata = Readonly<Record<string, string>>;

export interface WriteOptions extends CallOptions {
  /** Content-Type stored with the object. */
  readonly contentType: string;
  /** Cache-Control stored with the object; `''` for none. */
  readonly cacheControl: string;
  /**
   * Metadata stored with the object. A function is called once, after the whole body has been consumed: so a hash
   * computed while the bytes pass can be among them.
   */
  readonly metadata: ObjectMetadata | (() => ObjectMetadata);
}

export interface PutOptions extends WriteOptions {
  /** `create`: the key must be free. `replace`: a previous object is replaced atomically. */
  readonly mode: 'create' | 'replace';
  /** Exact size of the body in bytes when it is known; a body of another size fails. */
  readonly sizeBytes?: number;
  /**
   * Called at most once, when the whole body is there and only a short sync stands between it and its place: the next body may
   * be read meanwhile. The put may still fail. Stores that can't tell never call it. Must not throw.
   */
  readonly onWhole?: () => void;
  /**
   * Asked after `onWhole`: how many puts the caller has in hand, each for somebody else: this one, those that are whole, and those
   * that ended a moment ago whose owners will come back together. A store that makes several durable at once takes half of
   * them at a time: so one half is written while the other is worked on. Infinity, as when absent: don't divide. It
   * decides about speed only. Must not throw.
   */
  readonly inHand?: () => number;
}

export interface CopyOptions extends WriteOptions {
  readonly mode: 'create' | 'replace';
  readonly metadata: ObjectMetadata;
}

/** Bytes `first` to `last`, both included, counted from 0. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface GetOptions extends CallOptions {
  /** A `last` beyond the end means up to the end. Absent: the whole object. */
  readonly range?: ByteRange;
}

export interface ObjectInfo {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly metadata: ObjectMetadata;
  /** When this version was stored, milliseconds since the epoch, by the store's clock. */
  readonly modifiedAtMs: number;
  /** An opaque token that changes when the object changes. Never a hash of the content. */
  readonly version: string;
}

export interface ObjectBody {
  readonly info: ObjectInfo;
  /** What `body` holds of the object, bounds included; null for an empty object. */
  readonly range: ByteRange | null;
  readonly body: ByteStream;
}

export interface DeleteFailure {
  readonly key: ObjectKey;
  readonly error: unknown;
}

export interface ListOptions extends CallOptions {
  /** `''` or a prefix ending in `/`. */
  readonly prefix: KeyPrefix;
  /** `cursor` of the page before; null for the first page. */
  readonly cursor: string | null;
  /** Most entries of the page, 1 to 1,000. A page may be shorter, even empty, and still have a successor. */
  readonly limit: number;
}

export interface ListPage {
  readonly entries: readonly ListEntry[];
  /** Where the next page starts; null after the last. */
  readonly cursor: string | null;
}

export interface ListEntry {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

export interface MultipartUpload {
  readonly uploadId: string;
  /**
   * Stores one part. A part sent again replaces the earlier one.
   *
   * @param partNumber 1 to `partsMax`.
   * @param sizeBytes exact size of the body.
   */
  putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt>;
  /** @throws StowageError `capability_missing` when `capabilities.signedParts` is false. */
  signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite>;
  /** The parts the store holds, by number. */
  listParts(options: CallOptions): Promise<readonly PartReceipt[]>;
  /**
   * Joins the parts, given in ascending order, into the object. Atomic like `put`.
   *
   * @throws StowageError `object_exists` in mode `create` when the key is taken; `conflict` when a part is missing.
   */
  complete(parts: readonly PartReceipt[], options: CompleteOptions): Promise<ObjectInfo>;
  /** Removes all parts. Aborting what is already gone succeeds. */
  abort(options: CallOptions): Promise<void>;
}

export interface PutPartOptions extends CallOptions {
  readonly sizeBytes: number;
}

export interface CompleteOptions extends CallOptions {
  readonly mode: 'create' | 'replace';
}

export interface PartReceipt {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** The store's token for the part. */
  readonly receipt: string;
}

export interface SignReadOptions extends CallOptions {
  /** When the URL was asked for, milliseconds since the epoch: the backend rounds it down to its signing window. */
  readonly nowMs: number;
  /** Life of the URL in seconds, 60 to `signedUrlSecondsMax`. */
  readonly lifetimeSeconds: number;
  /** Content-Disposition of the answer. */
  readonly contentDisposition: string;
  /** Content-Type of the answer. */
  readonly contentType: string;
  /**
   * Whom the URL was issued to and for which asset: our own handler logs the read under it. Stores that cannot carry
   * it ignore it.
   */
  readonly grant: ReadGrant | null;
}

/** The facts about a read URL that the access log needs when it is used. */
export interface ReadGrant {
  readonly assetId: string;
  readonly userId: string;
  readonly tenantId: string;
}

export interface SignedUrl {
  readonly url: string;
  /** When it stops working, milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export interface SignWriteOptions extends CallOptions {
  readonly nowMs: number;
  readonly lifetimeSeconds: number;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly metadata: ObjectMetadata;
  /** Exact size in bytes of what will be sent. */
  readonly sizeBytes: number;
  /** SHA-256 of what will be sent, 32 bytes; null when unknown. */
  readonly sha256: Uint8Array | null;
}

export interface SignPartOptions extends CallOptions {
  readonly nowMs: number;
  readonly lifetimeSeconds: number;
  readonly sizeBytes: number;
}

export interface SignedWrite {
  readonly method: 'PUT' | 'POST';
  readonly url: string;
  /** Headers the client must send, exactly. */
  readonly headers: Readonly<Record<string, string>>;
  /** Form fields a POST must send before the file, in this order; empty for PUT. */
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
  readonly sizeEnforcedBy: 'store' | 'completion';
}
