import type { ByteStream } from '../core/bytes.ts';
import { StowageError, throwIfAborted } from '../core/errors.ts';
import { parseKeyPrefix, parseObjectKey } from '../core/key.ts';
import type {
  BackendCapabilities,
  CallOptions,
  CompleteOptions,
  CopyOptions,
  DeleteFailure,
  GetOptions,
  ListOptions,
  ListPage,
  MultipartUpload,
  ObjectBody,
  ObjectInfo,
  PartReceipt,
  PutOptions,
  PutPartOptions,
  SignedUrl,
  SignedWrite,
  SignPartOptions,
  SignReadOptions,
  SignWriteOptions,
  StorageBackend,
  WriteOptions,
} from './backend.ts';
import {
  checkedWrite,
  requireBodySize,
  requireContentType,
  requireGrant,
  requireHeader,
  requireLifetime,
  requireMetadata,
  requireRange,
  requireWhole,
} from './checks.ts';
import { exactly } from './exact-size.ts';

/** Most keys of one `deleteMany` and entries of one page. */
export const BATCH_MAX = 1000;

/**
 * What all other code calls: any backend, with every argument checked once and for all of them. What the checks refuse
 * never reaches the backend; a bad argument is `invalid_key` or `invalid_parameter`.
 */
export class Bucket implements StorageBackend {
  readonly #backend: StorageBackend;

  constructor(backend: StorageBackend) {
    this.#backend = backend;
  }

  get name(): StorageBackend['name'] {
    return this.#backend.name;
  }

  get capabilities(): BackendCapabilities {
    return this.#backend.capabilities;
  }

  get storageUrlBase(): string {
    return this.#backend.storageUrlBase;
  }

  async put(key: string, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    const { mode, onWhole, inHand } = options;
    const checked = {
      ...checkedWrite(options),
      mode,
      ...(onWhole && { onWhole }),
      ...(inHand && { inHand }),
    };
    const target = parseObjectKey(key);
    if (options.sizeBytes === undefined) return this.#backend.put(target, body, checked);
    const { sizeBytes } = options;
    requireBodySize(sizeBytes, this.capabilities.singlePutBytesMax);
    return this.#backend.put(target, exactly(body, sizeBytes), { ...checked, sizeBytes });
  }

  async get(key: string, options: GetOptions): Promise<ObjectBody> {
    if (options.range !== undefined) requireRange(options.range);
    return this.#backend.get(parseObjectKey(key), options);
  }

  async head(key: string, options: CallOptions): Promise<ObjectInfo> {
    return this.#backend.head(parseObjectKey(key), options);
  }

  async delete(key: string, options: CallOptions): Promise<void> {
    return this.#backend.delete(parseObjectKey(key), options);
  }

  /** Checks all keys before any object is removed. */
  async deleteMany(keys: readonly string[], options: CallOptions): Promise<readonly DeleteFailure[]> {
    requireWhole('keys', keys.length, { min: 0, max: BATCH_MAX });
    return this.#backend.deleteMany(keys.map(parseObjectKey), options);
  }

  async list(options: ListOptions): Promise<ListPage> {
    requireWhole('limit', options.limit, { min: 1, max: BATCH_MAX });
    return this.#backend.list({ ...options, prefix: parseKeyPrefix(options.prefix) });
  }

  async copy(source: string, target: string, options: CopyOptions): Promise<ObjectInfo> {
    requireContentType(options.contentType);
    requireHeader('cacheControl', options.cacheControl);
    requireMetadata(options.metadata);
    return this.#backend.copy(parseObjectKey(source), parseObjectKey(target), options);
  }

  async beginMultipart(key: string, options: WriteOptions): Promise<MultipartUpload> {
    const target = parseObjectKey(key);
    this.#requireMultipart();
    const upload = await this.#backend.beginMultipart(target, checkedWrite(options));
    return new CheckedMultipart(upload, this.capabilities);
  }

  resumeMultipart(key: string, uploadId: string, options: WriteOptions): MultipartUpload {
    const target = parseObjectKey(key);
    this.#requireMultipart();
    const upload = this.#backend.resumeMultipart(target, uploadId, checkedWrite(options));
    return new CheckedMultipart(upload, this.capabilities);
  }

  async signRead(key: string, options: SignReadOptions): Promise<SignedUrl> {
    throwIfAborted(options.signal);
    requireLifetime(options, this.capabilities.signedUrlSecondsMax);
    requireContentType(options.contentType);
    requireHeader('contentDisposition', options.contentDisposition);
    if (options.grant !== null) requireGrant(options.grant);
    return this.#backend.signRead(parseObjectKey(key), options);
  }

  async signWrite(key: string, options: SignWriteOptions): Promise<SignedWrite> {
    throwIfAborted(options.signal);
    const target = parseObjectKey(key);
    requireLifetime(options, this.capabilities.signedUrlSecondsMax);
    requireContentType(options.contentType);
    requireHeader('cacheControl', options.cacheControl);
    requireMetadata(options.metadata);
    requireBodySize(options.sizeBytes, this.capabilities.singlePutBytesMax);
    if (options.sha256 !== null) {
      requireWhole('sha256 length', options.sha256.byteLength, { min: 32, max: 32 });
    }
    if (this.capabilities.signedWrite === 'none') throw missing('signed writes');
    return this.#backend.signWrite(target, options);
  }

  async check(options: CallOptions): Promise<void> {
    return this.#backend.check(options);
  }

  async close(): Promise<void> {
    return this.#backend.close();
  }

  #requireMultipart(): void {
    if (!this.capabilities.multipart) throw missing('parts');
  }
}

/** A multi-part upload whose part numbers and sizes fit the store. */
class CheckedMultipart implements MultipartUpload {
  readonly uploadId: string;
  readonly #upload: MultipartUpload;
  readonly #capabilities: BackendCapabilities;

  constructor(upload: MultipartUpload, capabilities: BackendCapabilities) {
    this.uploadId = upload.uploadId;
    this.#upload = upload;
    this.#capabilities = capabilities;
  }

  async putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt> {
    this.#requirePart(partNumber, options.sizeBytes);
    return this.#upload.putPart(partNumber, exactly(body, options.sizeBytes), options);
  }

  async signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite> {
    throwIfAborted(options.signal);
    this.#requirePart(partNumber, options.sizeBytes);
    requireLifetime(options, this.#capabilities.signedUrlSecondsMax);
    if (!this.#capabilities.signedParts) throw missing('signed parts');
    return this.#upload.signPart(partNumber, options);
  }

  async listParts(options: CallOptions): Promise<readonly PartReceipt[]> {
    return this.#upload.listParts(options);
  }

  /** All parts but the last must have the store's smallest size; numbers must rise. */
  async complete(parts: readonly PartReceipt[], options: CompleteOptions): Promise<ObjectInfo> {
    requireWhole('parts', parts.length, { min: 1, max: this.#capabilities.partsMax });
    let previous = 0;
    for (const [index, part] of parts.entries()) {
      requireWhole('partNumber', part.partNumber, { min: previous + 1, max: this.#capabilities.partsMax });
      previous = part.partNumber;
      const sizeMin = index === parts.length - 1 ? 1 : this.#capabilities.partBytesMin;
      requireWhole('sizeBytes', part.sizeBytes, { min: sizeMin, max: this.#capabilities.partBytesMax });
    }
    return this.#upload.complete(parts, options);
  }

  async abort(options: CallOptions): Promise<void> {
    return this.#upload.abort(options);
  }

  #requirePart(partNumber: number, sizeBytes: number): void {
    requireWhole('partNumber', partNumber, { min: 1, max: this.#capabilities.partsMax });
    requireWhole('sizeBytes', sizeBytes, { min: 1, max: this.#capabilities.partBytesMax });
  }
}

function missing(what: string): StowageError {
  return new StowageError('capability_missing', `The store has no ${what}.`);
}
