import { createHash } from 'node:crypto';
import type { ByteStream } from '../../core/bytes.ts';
import { isStowageError, StowageError, throwIfAborted } from '../../core/errors.ts';
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
  WriteOptions,
} from '../backend.ts';
import { collectPart } from '../collect-part.ts';
import { storeError } from '../faults.ts';
import { escapeText, readElement, readElements } from '../xml.ts';
import { type GcsClient, headerOf } from './client.ts';
import { translateAnswer } from './errors.ts';
import { objectExists } from './object-calls.ts';
import { infoOfResource, metadataOf, resourceOf } from './resources.ts';
import { presignPart } from './signed-urls.ts';
import { discard, newStagingId, promote, stagingKey } from './staging.ts';

/** An upload's id: the name it waits under, then the store's own id. */
const UPLOAD_ID = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\.(.+)$/;

export interface MultipartContext {
  readonly client: GcsClient;
  readonly key: ObjectKey;
  readonly uploadId: string;
  readonly write: WriteOptions;
}

/**
 * Starts a multi-part upload. The store joins parts without conditions and replaces what it finds, so they are
 * joined under a name of their own; the step from there to the key is conditional.
 *
 * @returns its id.
 */
export async function startMultipart(client: GcsClient, write: WriteOptions): Promise<string> {
  const stagingId = newStagingId();
  const text = await client.callForText({
    method: 'POST',
    path: client.xmlPath(stagingKey(stagingId)),
    query: { uploads: '' },
    headers: { 'content-type': write.contentType },
    body: [],
    signal: write.signal,
  });
  const storeId = readElement(text, 'UploadId');
  if (storeId === undefined) throw storeError('storage_unavailable', new Error('The store began no upload.'));
  return `${stagingId}.${storeId}`;
}

export class GcsMultipart implements MultipartUpload {
  readonly uploadId: string;
  readonly #context: MultipartContext;
  readonly #staged: ObjectKey;
  readonly #storeId: string;

  constructor(context: MultipartContext) {
    const [, stagingId, storeId] = UPLOAD_ID.exec(context.uploadId) ?? [];
    if (stagingId === undefined || storeId === undefined)
      throw new StowageError('object_not_found', 'There is no such upload.');
    this.uploadId = context.uploadId;
    this.#context = context;
    this.#staged = stagingKey(stagingId);
    this.#storeId = storeId;
  }

  async putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt> {
    const { client } = this.#context;
    const { sizeBytes, signal } = options;
    throwIfAborted(signal);
    const chunks = await collectPart(body, partNumber, options);
    const digest = createHash('md5');
    for (const chunk of chunks) digest.update(chunk);
    const answer = await client.call({
      method: 'PUT',
      path: client.xmlPath(this.#staged),
      query: { partNumber: String(partNumber), uploadId: this.#storeId },
      headers: { 'content-md5': digest.digest('base64') },
      body: chunks,
      signal,
    });
    await answer.body.dump();
    return { partNumber, sizeBytes, receipt: headerOf(answer.headers, 'etag') ?? '' };
  }

  async signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite> {
    const part = { uploadId: this.#storeId, partNumber };
    return presignPart(this.#context.client, this.#staged, part, options);
  }

  async listParts({ signal }: CallOptions): Promise<readonly PartReceipt[]> {
    const { client } = this.#context;
    const parts: PartReceipt[] = [];
    for (let marker = ''; ; ) {
      const text = await client.callForText({
        method: 'GET',
        path: client.xmlPath(this.#staged),
        query: { uploadId: this.#storeId, ...(marker === '' ? {} : { 'part-number-marker': marker }) },
        signal,
      });
      for (const inside of readElements(text, 'Part')) {
        parts.push({
          partNumber: Number(readElement(inside, 'PartNumber')),
          sizeBytes: Number(readElement(inside, 'Size')),
          receipt: readElement(inside, 'ETag') ?? '',
        });
      }
      const previous = marker;
      marker = readElement(text, 'NextPartNumberMarker') ?? '';
      if (readElement(text, 'IsTruncated') !== 'true' || marker === previous) return parts;
    }
  }

  /** Can be repeated after a fault at any step: parts that are joined already are not joined again. */
  async complete(parts: readonly PartReceipt[], { mode, signal }: CompleteOptions): Promise<ObjectInfo> {
    const { client, key, write } = this.#context;
    if (mode === 'create' && (await objectExists({ client, key, signal })))
      throw new StowageError('object_exists', 'The object exists already.');
    await this.#join(parts, signal);
    const resource = resourceOf(write, metadataOf(write));
    const staged = { client, key: this.#staged, signal };
    return infoOfResource(key, await promote(staged, key, { resource, mode }));
  }

  async abort({ signal }: CallOptions): Promise<void> {
    const { client } = this.#context;
    try {
      const query = { uploadId: this.#storeId };
      const answer = await client.call({
        method: 'DELETE',
        path: client.xmlPath(this.#staged),
        query,
        signal,
      });
      await answer.body.dump();
    } catch (error) {
      if (!isStowageError(error, 'object_not_found')) throw error;
      // No upload: aborted before, or joined by a `complete` that ended there.
      await discard({ client, key: this.#staged, signal });
    }
  }

  async #join(parts: readonly PartReceipt[], signal: AbortSignal | undefined): Promise<void> {
    const { client } = this.#context;
    const rows = parts.map(
      ({ partNumber, receipt }) =>
        `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeText(receipt)}</ETag></Part>`,
    );
    try {
      const text = await client.callForText({
        method: 'POST',
        path: client.xmlPath(this.#staged),
        query: { uploadId: this.#storeId },
        headers: { 'content-type': 'application/xml' },
        body: [Buffer.from(`<CompleteMultipartUpload>${rows.join('')}</CompleteMultipartUpload>`)],
        signal,
      });
      // Joining may fail after its 200 was sent; the error is then in the body.
      if (text.includes('<Error>')) throw translateAnswer(500, text);
    } catch (error) {
      if (!isStowageError(error, 'object_not_found')) throw error;
      if (await objectExists({ client, key: this.#staged, signal })) return;
      throw storeError('conflict', error);
    }
  }
}
