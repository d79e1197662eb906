import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';
import { type ByteStream, MIB } from '../../core/bytes.ts';
import { StowageError } from '../../core/errors.ts';
import { isObjectKey, type ObjectKey } from '../../core/key.ts';
import { AbortRace, abandon } from '../abort-race.ts';
import { AnswerBody } from '../answer-body.ts';
import type {
  BackendCapabilities,
  CallOptions,
  CopyOptions,
  DeleteFailure,
  GetOptions,
  ListOptions,
  ListPage,
  MultipartUpload,
  ObjectBody,
  ObjectInfo,
  PutOptions,
  SignedUrl,
  SignedWrite,
  SignReadOptions,
  SignWriteOptions,
  WriteOptions,
} from '../backend.ts';
import { type Collected, collectUpTo, PUT_PART_BYTES, putInParts } from '../put-in-parts.ts';
import { headOf, isUploadId, newUploadId, writeRepeatably } from './blocks.ts';
import { type AzureClient, openAzureClient } from './client.ts';
import { copyObject } from './copy-object.ts';
import { deleteMany, deleteOne } from './delete-objects.ts';
import { azureCodeOf } from './errors.ts';
import { AzureMultipart } from './multipart.ts';
import { encodeMetadata, infoOf, metadataOf, writeHeaders } from './object-info.ts';
import { type AzureBackend, type AzureOptions, PART_BYTES_MAX, PARTS_MAX } from './options.ts';

const CAPABILITIES: BackendCapabilities = {
  multipart: true,
  partBytesMin: 1,
  partBytesMax: PART_BYTES_MAX,
  partsMax: PARTS_MAX,
  singlePutBytesMax: 5_000 * MIB,
  signedWrite: 'put',
  signedWriteSizeEnforcedBy: 'completion',
  signedWriteDigestEnforcedBy: 'completion',
  signedParts: true,
  storesSha256: false,
  signedUrlSecondsMax: 604_800,
};

/** Opens a container of Azure Blob Storage. The official library is loaded now; no request is made yet. */
export async function openAzureBackend(options: AzureOptions): Promise<AzureBackend> {
  return new AzureContainer(options, await openAzureClient(options));
}

class AzureContainer implements AzureBackend {
  readonly name = 'azure';
  readonly capabilities = CAPABILITIES;
  readonly storageUrlBase: string;
  readonly #options: AzureOptions;
  readonly #client: AzureClient;

  constructor(options: AzureOptions, client: AzureClient) {
    this.#options = options;
    this.#client = client;
    this.storageUrlBase = `az://${options.container}/`;
  }

  /**
   * The first part's worth of bytes is collected: an object that ends within it goes up in one request with its MD5, so
   * the store checks what it received. A longer one goes up in blocks.
   */
  async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    this.#client.requireOpen(options.signal);
    using race = new AbortRace(options.signal);
    const source = body[Symbol.asyncIterator]();
    try {
      const start = await collectUpTo(source, PUT_PART_BYTES, race);
      if (start.isWhole) return await this.#putWhole(key, start, options);
      const upload = this.resumeMultipart(key, newUploadId(), options);
      return await putInParts(upload, { source, start, race }, options);
    } catch (error) {
      abandon(source);
      throw error;
    }
  }

  async get(key: ObjectKey, { range, signal }: GetOptions): Promise<ObjectBody> {
    const first = range?.first ?? 0;
    const count = range === undefined ? undefined : range.last - first + 1;
    const answer = await this.#client.call({ signal }, (abortSignal) =>
      this.#client.blob(key).download(first, count, { abortSignal, maxRetryRequests: 0 }),
    );
    const sentBytes = answer.contentLength ?? 0;
    const wholeBytes = Number(/\/(\d+)$/.exec(answer.contentRange ?? '')?.[1] ?? sentBytes);
    const stream = answer.readableStreamBody as Readable;
    if (range !== undefined && first >= wholeBytes) {
      stream.destroy();
      throw new StowageError('range_not_satisfiable', `The object has ${wholeBytes} bytes.`);
    }
    return {
      info: infoOf(key, wholeBytes, answer),
      range: wholeBytes === 0 ? null : { first, last: first + sentBytes - 1 },
      body: new AnswerBody(stream, sentBytes, { signal, silenceMs: this.#client.patience.silenceMs }),
    };
  }

  async head(key: ObjectKey, { signal }: CallOptions): Promise<ObjectInfo> {
    return headOf(this.#client, key, signal);
  }

  async delete(key: ObjectKey, { signal }: CallOptions): Promise<void> {
    await deleteOne(this.#client, key, signal);
  }

  async deleteMany(keys: readonly ObjectKey[], { signal }: CallOptions): Promise<readonly DeleteFailure[]> {
    return deleteMany(this.#client, keys, signal);
  }

  /** In the order of the names; the store's marker names the place where the next page starts. */
  async list({ prefix, cursor, limit, signal }: ListOptions): Promise<ListPage> {
    const page = await this.#client.call({ signal }, async (abortSignal) => {
      const pages = this.#client.container
        .listBlobsFlat({ prefix, abortSignal })
        .byPage({ maxPageSize: limit, ...(cursor === null ? {} : { continuationToken: cursor }) });
      const { value } = (await pages.next()) as { readonly value?: ContainerListBlobFlatSegmentResponse };
      return value;
    });
    const blobs = page?.segment.blobItems ?? [];
    return {
      // What others put into the container under names that are no keys of ours is not ours to list.
      entries: blobs.flatMap(({ name, properties }) =>
        isObjectKey(name)
          ? [
              {
                key: name,
                sizeBytes: properties.contentLength ?? 0,
                modifiedAtMs: properties.lastModified.getTime(),
              },
            ]
          : [],
      ),
      cursor: page?.continuationToken || null,
    };
  }

  async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    return copyObject(this.#client, { source, target, options, now: () => this.#options.clock.now() });
  }

  async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    this.#client.requireOpen(options.signal);
    return this.resumeMultipart(key, newUploadId(), options);
  }

  resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload {
    if (!isUploadId(uploadId)) throw new StowageError('object_not_found', 'There is no such upload.');
    return new AzureMultipart({ client: this.#client, key, uploadId, write: options });
  }

  async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    this.#client.requireOpen(options.signal);
    return this.#client.signer.signRead(key, options);
  }

  async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    this.#client.requireOpen(options.signal);
    return this.#client.signer.signWrite(key, options);
  }

  async check({ signal }: CallOptions): Promise<void> {
    const facts = await this.#client.callOnce({ signal }, (abortSignal) =>
      this.#client.container.getProperties({ abortSignal }),
    );
    if (facts.blobPublicAccess !== undefined)
      throw new StowageError('storage_denied', 'The bucket lets anyone read it; make it private.');
  }

  async ensureContainer({ signal }: CallOptions): Promise<'created' | 'present'> {
    try {
      await this.#client.call({ signal }, () => this.check(signal === undefined ? {} : { signal }));
      return 'present';
    } catch (error) {
      if (azureCodeOf(error) !== 'ContainerNotFound') throw error;
    }
    // Without an access level the container is private. Another node may have made it meanwhile.
    const { succeeded } = await this.#client.call({ signal }, (abortSignal) =>
      this.#client.container.createIfNotExists({ abortSignal }),
    );
    return succeeded ? 'created' : 'present';
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #putWhole(key: ObjectKey, whole: Collected, options: PutOptions): Promise<ObjectInfo> {
    const { contentType, cacheControl, mode, signal } = options;
    const metadata = metadataOf(options);
    const { sizeBytes } = whole;
    const bytes = Buffer.concat(whole.chunks, sizeBytes);
    const md5 = createHash('md5').update(bytes).digest();
    const expected = { sizeBytes, metadata, contentType };
    return writeRepeatably(this.#client, { key, expected, signal }, async (abortSignal) => {
      const { lastModified, etag } = await this.#client.blob(key).upload(bytes, sizeBytes, {
        abortSignal,
        blobHTTPHeaders: { ...writeHeaders(options), blobContentMD5: md5 },
        metadata: encodeMetadata(metadata),
        conditions: mode === 'create' ? { ifNoneMatch: '*' } : {},
      });
      return { ...infoOf(key, sizeBytes, { lastModified, etag }), contentType, cacheControl, metadata };
    });
  }
}
