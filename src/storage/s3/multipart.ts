import type { ByteStream } from '../../core/bytes.ts';
import { isStowageError, StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type {
  CallOptions,
  CompleteOptions,
  CopyOptions,
  MultipartUpload,
  ObjectInfo,
  PartReceipt,
  PutPartOptions,
  SignedWrite,
  SignPartOptions,
  StorageBackend,
  WriteOptions,
} from '../backend.ts';
import { collectPart } from '../collect-part.ts';
import { StoreFailure } from '../faults.ts';
import { escapeText, readElement, readElements } from '../xml.ts';
import { headerOf, type S3Client } from './client.ts';
import { copySourceHeaders, throwAsReplaced } from './copy-source.ts';
import type { S3Options } from './options.ts';
import { payloadOf } from './payload.ts';
import { presignPart } from './signed-urls.ts';

/** Size of the pieces of a server-side copy of an object too large for one. */
const COPY_PART_BYTES = 512 * 1024 * 1024;

export interface MultipartContext {
  readonly client: S3Client;
  readonly backend: StorageBackend;
  readonly options: S3Options;
  readonly key: ObjectKey;
  readonly uploadId: string;
  readonly write: WriteOptions;
}

/** Starts a multi-part upload. @returns its id. */
export async function startMultipart(
  client: S3Client,
  key: ObjectKey,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { text } = await client.callForText({ method: 'POST', key, query: { uploads: '' }, headers, signal });
  const uploadId = readElement(text, 'UploadId');
  if (uploadId === undefined) throw new StowageError('storage_unavailable', 'The store began no upload.');
  return uploadId;
}

export class S3Multipart implements MultipartUpload {
  readonly uploadId: string;
  readonly #context: MultipartContext;

  constructor(context: MultipartContext) {
    this.uploadId = context.uploadId;
    this.#context = context;
  }

  async putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt> {
    const { client, key } = this.#context;
    const { sizeBytes, signal } = options;
    const chunks = await collectPart(body, partNumber, options);
    const { headers } = await client.callForText({
      method: 'PUT',
      key,
      query: { partNumber: String(partNumber), uploadId: this.uploadId },
      ...(await payloadOf(chunks)),
      signal,
    });
    return { partNumber, sizeBytes, receipt: headerOf(headers, 'etag') ?? '' };
  }

  async signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite> {
    const { client, key } = this.#context;
    return presignPart(
      client,
      await client.credentials(),
      key,
      { uploadId: this.uploadId, partNumber },
      options,
    );
  }

  async listParts({ signal }: CallOptions): Promise<readonly PartReceipt[]> {
    const parts: PartReceipt[] = [];
    for (let marker = ''; ; ) {
      const { text } = await this.#context.client.callForText({
        method: 'GET',
        key: this.#context.key,
        query: { uploadId: this.uploadId, ...(marker === '' ? {} : { 'part-number-marker': marker }) },
        signal,
      });
      for (const inside of readElements(text, 'Part')) {
        parts.push({
          partNumber: Number(readElement(inside, 'PartNumber')),
          sizeBytes: Number(readElement(inside, 'Size')),
          receipt: readElement(inside, 'ETag') ?? '',
        });
      }
      marker = readElement(text, 'NextPartNumberMarker') ?? '';
      if (readElement(text, 'IsTruncated') !== 'true' || marker === '') return parts;
    }
  }

  /**
   * Joins the parts. Metadata that only became known with the last byte is set by a copy of the object onto itself:
   * S3 takes it at the start of an upload or not at all.
   */
  async complete(parts: readonly PartReceipt[], { mode, signal }: CompleteOptions): Promise<ObjectInfo> {
    const { backend, key, write } = this.#context;
    if (mode === 'create' && (await exists(backend, key, signal)))
      throw new StowageError('object_exists', 'The object exists already.');
    const rows = parts.map(
      ({ partNumber, receipt }) =>
        `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeText(receipt)}</ETag></Part>`,
    );
    const body = Buffer.from(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rows.join('')}</CompleteMultipartUpload>`,
    );
    // Asked for before anything is visible: it throws when the body has not passed to its end.
    const metadata = typeof write.metadata === 'function' ? write.metadata() : null;
    await this.#join(body, parts, { mode, ...(signal === undefined ? {} : { signal }) });
    const call = signal === undefined ? {} : { signal };
    if (metadata === null) return backend.head(key, call);
    return backend.copy(key, key, { ...write, ...call, metadata, mode: 'replace' });
  }

  async abort({ signal }: CallOptions): Promise<void> {
    try {
      const query = { uploadId: this.uploadId };
      await this.#context.client.callForText({ method: 'DELETE', key: this.#context.key, query, signal });
    } catch (error) {
      if (!isStowageError(error, 'object_not_found') && !isStowageError(error, 'conflict')) throw error;
    }
  }

  /**
   * Joins the parts. A try whose answer was lost may have joined them: then the next one finds no upload, or the key
   * taken, and the object there is ours if it has the size and the number of parts.
   */
  async #join(body: Buffer, parts: readonly PartReceipt[], options: CompleteOptions): Promise<void> {
    const { client, key } = this.#context;
    const { mode, signal } = options;
    const call = {
      method: 'POST',
      key,
      query: { uploadId: this.uploadId },
      headers: {
        'content-type': 'application/xml',
        ...(mode === 'create' ? { 'if-none-match': '*' } : {}),
      },
      ...(await payloadOf([body])),
      signal,
    } as const;
    let wasUnheard = false;
    try {
      await client.repeat(async () => {
        try {
          await client.textOnce(call);
        } catch (error) {
          if (wasUnheard && (await this.#isJoined(error, parts, signal))) return;
          wasUnheard ||= isUnheard(error);
          throw error;
        }
      }, signal);
    } catch (error) {
      // Ceph answers 500 for an upload that is gone: ask whether that is the reason.
      if (isStowageError(error, 'storage_unavailable') && !isUnheard(error) && (await this.#isGone(signal))) {
        throw new StowageError('conflict', 'The upload does not exist any more.', { cause: error });
      }
      throw error;
    }
  }

  async #isJoined(
    error: unknown,
    parts: readonly PartReceipt[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (!isStowageError(error) || isUnheard(error)) return false;
    try {
      const found = await this.#context.backend.head(
        this.#context.key,
        signal === undefined ? {} : { signal },
      );
      const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
      return found.sizeBytes === sizeBytes && found.version.endsWith(`-${parts.length}`);
    } catch (failure) {
      if (isStowageError(failure, 'object_not_found')) return false;
      throw failure;
    }
  }

  async #isGone(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.listParts(signal === undefined ? {} : { signal });
      return false;
    } catch (error) {
      return isStowageError(error, 'conflict') || isStowageError(error, 'object_not_found');
    }
  }
}

/** Whether a call failed without an answer, so that nobody knows what became of it. */
function isUnheard(error: unknown): boolean {
  return isStowageError(error) && error.cause instanceof StoreFailure && error.cause.status === 0;
}

async function exists(
  backend: StorageBackend,
  key: ObjectKey,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await backend.head(key, signal === undefined ? {} : { signal });
    return true;
  } catch (error) {
    if (isStowageError(error, 'object_not_found')) return false;
    throw error;
  }
}

/** Copies an object of more than 5 GiB inside the store, piece by piece. */
export async function copyInParts(copy: {
  readonly client: S3Client;
  readonly backend: StorageBackend;
  readonly options: S3Options;
  readonly source: ObjectKey;
  readonly target: ObjectKey;
  readonly sizeBytes: number;
  /** The version of the source that is copied, or nothing. */
  readonly version: string;
  readonly copy: CopyOptions;
}): Promise<ObjectInfo> {
  const { client, backend, options, source, target, sizeBytes, version } = copy;
  const upload = await backend.beginMultipart(target, copy.copy);
  const { signal } = copy.copy;
  try {
    const parts: PartReceipt[] = [];
    for (let first = 0, partNumber = 1; first < sizeBytes; first += COPY_PART_BYTES, partNumber++) {
      const last = Math.min(first + COPY_PART_BYTES, sizeBytes) - 1;
      const call = {
        method: 'PUT',
        key: target,
        query: { partNumber: String(partNumber), uploadId: upload.uploadId },
        headers: {
          ...copySourceHeaders(options.bucket, source, version),
          'x-amz-copy-source-range': `bytes=${first}-${last}`,
        },
        signal,
      } as const;
      const { text } = await client.callForText(call).catch(throwAsReplaced);
      parts.push({ partNumber, sizeBytes: last - first + 1, receipt: readElement(text, 'ETag') ?? '' });
    }
    return await upload.complete(
      parts,
      signal === undefined ? { mode: copy.copy.mode } : { mode: copy.copy.mode, signal },
    );
  } catch (error) {
    await upload.abort({ signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    throw error;
  }
}
