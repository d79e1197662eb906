import { randomUUID } from 'node:crypto';
import type { ByteStream } from '../../core/bytes.ts';
import { StowageError, throwIfAborted } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type {
  CallOptions,
  CompleteOptions,
  MultipartUpload,
  ObjectInfo,
  PartReceipt,
  PutPartOptions,
  SignedWrite,
  SignPartOptions,
} from '../backend.ts';

/** A part in memory. */
export interface StoredPart {
  readonly bytes: Buffer;
  readonly receipt: string;
}

/** The parts of the unfinished uploads, by upload id. */
export type UnfinishedUploads = Map<
  string,
  { readonly key: ObjectKey; readonly parts: Map<number, StoredPart> }
>;

/** What a multi-part upload needs of its store. */
export interface MultipartStore {
  readonly uploads: UnfinishedUploads;
  readonly collect: (body: ByteStream, signal: AbortSignal | undefined) => Promise<Buffer>;
  readonly finish: (key: ObjectKey, bytes: Buffer, options: CompleteOptions) => ObjectInfo;
  readonly signPart: (partNumber: number, options: SignPartOptions) => SignedWrite;
}

export class MemoryMultipart implements MultipartUpload {
  readonly uploadId: string;
  readonly #store: MultipartStore;
  readonly #key: ObjectKey;

  constructor(store: MultipartStore, key: ObjectKey, uploadId: string) {
    this.#store = store;
    this.#key = key;
    this.uploadId = uploadId;
  }

  async putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt> {
    this.#parts();
    const bytes = await this.#store.collect(body, options.signal);
    const part = { bytes, receipt: randomUUID() };
    this.#parts().set(partNumber, part);
    return { partNumber, sizeBytes: bytes.byteLength, receipt: part.receipt };
  }

  async signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite> {
    throwIfAborted(options.signal);
    return this.#store.signPart(partNumber, options);
  }

  async listParts(options: CallOptions): Promise<readonly PartReceipt[]> {
    throwIfAborted(options.signal);
    return [...this.#parts()]
      .sort(([a], [b]) => a - b)
      .map(([partNumber, { bytes, receipt }]) => ({ partNumber, sizeBytes: bytes.byteLength, receipt }));
  }

  async complete(parts: readonly PartReceipt[], options: CompleteOptions): Promise<ObjectInfo> {
    throwIfAborted(options.signal);
    const stored = this.#parts();
    if (parts.length === 0) throw new StowageError('conflict', 'A multi-part upload has at least one part.');
    const chunks = parts.map(({ partNumber, receipt }) => {
      const part = stored.get(partNumber);
      if (part?.receipt === receipt) return part.bytes;
      throw new StowageError('conflict', `Part ${partNumber} of the upload is not there.`);
    });
    const info = this.#store.finish(this.#key, Buffer.concat(chunks), options);
    this.#store.uploads.delete(this.uploadId);
    return info;
  }

  async abort(options: CallOptions): Promise<void> {
    throwIfAborted(options.signal);
    this.#store.uploads.delete(this.uploadId);
  }

  #parts(): Map<number, StoredPart> {
    const upload = this.#store.uploads.get(this.uploadId);
    if (upload?.key === this.#key) return upload.parts;
    throw new StowageError('conflict', 'The multi-part upload is not open.');
  }
}
