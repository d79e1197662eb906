import { type ByteStream, GIB, MIB } from '../../core/bytes.ts';
import { isStowageError, StowageError, throwIfAborted } from '../../core/errors.ts';
import { isObjectKey, type ObjectKey } from '../../core/key.ts';
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
  StorageBackend,
  WriteOptions,
} from '../backend.ts';
import { storeError } from '../faults.ts';
import { mapBounded } from '../map-bounded.ts';
import { resolveRange } from '../ranges.ts';
import { GcsClient } from './client.ts';
import { GcsMultipart, startMultipart } from './multipart.ts';
import { deleteObject, readResource, rewriteObject } from './object-calls.ts';
import { DELETES_IN_FLIGHT_MAX, type GcsOptions } from './options.ts';
import { putObject } from './put-object.ts';
import { type GcsResource, infoOfHeaders, infoOfResource, resourceOf, wholeSeconds } from './resources.ts';
import { presignRead, presignWrite } from './signed-urls.ts';

/** Opens a bucket of Google Cloud Storage. No request is made yet. */
export function openGcsBackend(options: GcsOptions): StorageBackend {
  return new GcsBackend(options);
}

class GcsBackend implements StorageBackend {
  readonly name = 'gcs';
  readonly capabilities: BackendCapabilities = {
    multipart: true,
    partBytesMin: 5 * MIB,
    partBytesMax: 5 * GIB,
    partsMax: 10_000,
    singlePutBytesMax: 5 * 1024 * GIB,
    signedWrite: 'put',
    signedWriteSizeEnforcedBy: 'store',
    signedWriteDigestEnforcedBy: 'completion',
    signedParts: true,
    storesSha256: false,
    signedUrlSecondsMax: 604_800,
  };
  readonly storageUrlBase: string;
  readonly #client: GcsClient;

  constructor(options: GcsOptions) {
    this.#client = new GcsClient(options);
    this.storageUrlBase = `gs://${options.bucket}/`;
  }

  async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    return putObject({ client: this.#client, key, body, options });
  }

  /** By the XML API: the JSON API tells no metadata with the bytes. */
  async get(key: ObjectKey, { range, signal }: GetOptions): Promise<ObjectBody> {
    const answer = await this.#client.call({
      method: 'GET',
      path: this.#client.xmlPath(key),
      headers: range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` },
      signal,
    });
    const info = infoOfHeaders(key, answer.headers);
    if (range !== undefined && answer.statusCode !== 206) {
      answer.body.destroy();
      throw storeError('storage_unavailable', new Error('The store answered a range with the whole.'));
    }
    const sent = resolveRange(range, info.sizeBytes);
    const sizeBytes = sent === null ? 0 : sent.last - sent.first + 1;
    return { info, range: sent, body: new AnswerBody(answer.body, sizeBytes, { signal }) };
  }

  async head(key: ObjectKey, { signal }: CallOptions): Promise<ObjectInfo> {
    return infoOfResource(key, await readResource({ client: this.#client, key, signal }));
  }

  async delete(key: ObjectKey, { signal }: CallOptions): Promise<void> {
    await deleteObject({ client: this.#client, key, signal });
  }

  /** One call for each key: the store's batch calls are single calls in one envelope, and not faster. */
  async deleteMany(keys: readonly ObjectKey[], { signal }: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#client.assertOpen();
    const failures: DeleteFailure[] = [];
    await mapBounded(keys, DELETES_IN_FLIGHT_MAX, async (key) => {
      try {
        await deleteObject({ client: this.#client, key, signal });
      } catch (error) {
        failures.push({ key, error });
      }
    });
    throwIfAborted(signal);
    return failures;
  }

  async list({ prefix, cursor, limit, signal }: ListOptions): Promise<ListPage> {
    const page = await this.#client.callForJson<ListAnswer>({
      method: 'GET',
      path: this.#client.objectsPath,
      query: {
        maxResults: String(limit),
        fields: 'items(name,size,updated),nextPageToken',
        ...(prefix === '' ? {} : { prefix }),
        ...(cursor === null ? {} : { pageToken: cursor }),
      },
      signal,
    });
    // What others put into the bucket under names that are no keys of ours is not ours to list.
    const entries = (page.items ?? []).flatMap(({ name, size, updated }) =>
      isObjectKey(name) ? [{ key: name, sizeBytes: Number(size), modifiedAtMs: wholeSeconds(updated) }] : [],
    );
    return { entries, cursor: page.nextPageToken ?? null };
  }

  async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    const { mode, signal, metadata } = options;
    const call = { client: this.#client, key: source, signal };
    return infoOfResource(
      target,
      await rewriteObject(call, target, { resource: resourceOf(options, metadata), mode }),
    );
  }

  async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    return this.resumeMultipart(key, await startMultipart(this.#client, options), options);
  }

  resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload {
    return new GcsMultipart({ client: this.#client, key, uploadId, write: options });
  }

  async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    return presignRead(this.#client, key, options);
  }

  async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    return presignWrite(this.#client, key, options);
  }

  /** Lists one name: reading the bucket itself needs a permission that storing files does not. */
  async check({ signal }: CallOptions): Promise<void> {
    try {
      const call = { method: 'GET', path: this.#client.objectsPath, signal } as const;
      const query = { maxResults: '1', fields: 'items(name),nextPageToken' };
      await (await this.#client.callOnce({ ...call, query })).body.dump();
    } catch (error) {
      // A missing bucket is a setting to mend, not a missing object.
      if (!isStowageError(error, 'object_not_found')) throw error;
      throw new StowageError('storage_denied', 'The bucket does not exist.', { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

interface ListAnswer {
  readonly items?: readonly Pick<GcsResource, 'name' | 'size' | 'updated'>[];
  readonly nextPageToken?: string;
}
