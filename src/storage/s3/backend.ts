import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { type ByteStream, GIB, MIB } from '../../core/bytes.ts';
import { isStowageError, StowageError, throwIfAborted } from '../../core/errors.ts';
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
  ObjectMetadata,
  PutOptions,
  SignedUrl,
  SignedWrite,
  SignReadOptions,
  SignWriteOptions,
  StorageBackend,
  WriteOptions,
} from '../backend.ts';
import { storeError } from '../faults.ts';
import { type Collected, collectUpTo, PUT_PART_BYTES, putInParts } from '../put-in-parts.ts';
import { escapeText, readElement, readElements } from '../xml.ts';
import { headerOf, S3Client } from './client.ts';
import { copySourceHeaders, throwAsReplaced } from './copy-source.ts';
import { translateAnswer } from './errors.ts';
import { copyInParts, S3Multipart, startMultipart } from './multipart.ts';
import type { S3Options } from './options.ts';
import { type Payload, payloadOf } from './payload.ts';
import { presignRead, presignWrite } from './signed-urls.ts';

const METADATA_PREFIX = 'x-amz-meta-';
/** Largest object that one CopyObject takes. */
const COPY_BYTES_MAX = 5 * GIB;

/** Opens a bucket of S3, or of a store that speaks its protocol. No request is made yet. */
export function openS3Backend(options: S3Options): StorageBackend {
  return new S3Backend(options);
}

class S3Backend implements StorageBackend {
  readonly name = 's3';
  readonly capabilities: BackendCapabilities;
  readonly storageUrlBase: string;
  readonly #options: S3Options;
  readonly #client: S3Client;

  constructor(options: S3Options) {
    this.#options = options;
    this.#client = new S3Client(options);
    this.storageUrlBase = `s3://${options.bucket}/`;
    this.capabilities = {
      multipart: true,
      partBytesMin: 5 * MIB,
      partBytesMax: 5 * GIB,
      partsMax: 10_000,
      singlePutBytesMax: 5 * GIB,
      signedWrite: options.signedWrite,
      signedWriteSizeEnforcedBy: 'store',
      signedWriteDigestEnforcedBy: 'store',
      signedParts: true,
      storesSha256: false,
      signedUrlSecondsMax: 604_800,
    };
  }

  /**
   * The first part's worth of bytes is collected: an object that ends within it goes up in one signed request with its
   * SHA-256, so the store checks what it received. A longer one goes up in parts.
   */
  async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    throwIfAborted(options.signal);
    const source = body[Symbol.asyncIterator]();
    using race = new AbortRace(options.signal);
    try {
      const start = await collectUpTo(source, PUT_PART_BYTES, race);
      if (start.isWhole) return await this.#putWhole(key, start, options);
      const upload = await this.beginMultipart(key, options);
      return await putInParts(upload, { source, start, race }, options);
    } catch (error) {
      abandon(source);
      throw error;
    }
  }

  async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const { range, signal } = options;
    const headers = range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` };
    const answer = await this.#client.call({ method: 'GET', key, headers, signal });
    if (range !== undefined && answer.statusCode !== 206) {
      answer.body.destroy();
      throw storeError('storage_unavailable', new Error('The store answered a range with the whole.'));
    }
    const info = infoOf(key, answer.headers);
    const lastSent = range === undefined ? info.sizeBytes - 1 : Math.min(range.last, info.sizeBytes - 1);
    const first = range?.first ?? 0;
    return {
      info,
      range: info.sizeBytes === 0 ? null : { first, last: lastSent },
      body: new AnswerBody(answer.body, info.sizeBytes === 0 ? 0 : lastSent - first + 1, { signal }),
    };
  }

  async head(key: ObjectKey, { signal }: CallOptions): Promise<ObjectInfo> {
    const { headers } = await this.#client.callForText({ method: 'HEAD', key, signal });
    return infoOf(key, headers);
  }

  async delete(key: ObjectKey, { signal }: CallOptions): Promise<void> {
    try {
      await this.#client.callForText({ method: 'DELETE', key, signal });
    } catch (error) {
      if (!isStowageError(error, 'object_not_found')) throw error;
    }
  }

  async deleteMany(keys: readonly ObjectKey[], { signal }: CallOptions): Promise<readonly DeleteFailure[]> {
    if (keys.length === 0) return [];
    const objects = keys.map((key) => `<Object><Key>${escapeText(key)}</Key></Object>`).join('');
    const body = Buffer.from(
      `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
    );
    const { text } = await this.#client.callForText({
      method: 'POST',
      key: null,
      query: { delete: '' },
      headers: {
        'content-md5': createHash('md5').update(body).digest('base64'),
        'content-type': 'application/xml',
      },
      ...(await payloadOf([body])),
      signal,
    });
    return readElements(text, 'Error').flatMap((inside) => {
      const key = readElement(inside, 'Key') ?? '';
      const code = readElement(inside, 'Code');
      if (code === 'NoSuchKey' || !isObjectKey(key)) return [];
      return [{ key, error: translateAnswer(500, inside, { storeRequestId: null }) }];
    });
  }

  async list({ prefix, cursor, limit, signal }: ListOptions): Promise<ListPage> {
    const { text } = await this.#client.callForText({
      method: 'GET',
      key: null,
      query: {
        'list-type': '2',
        'encoding-type': 'url',
        'max-keys': String(limit),
        prefix,
        ...(cursor === null ? {} : { 'start-after': cursor }),
      },
      signal,
    });
    const rows = readElements(text, 'Contents').map((inside) => ({
      key: decodeListedKey(readElement(inside, 'Key') ?? ''),
      sizeBytes: Number(readElement(inside, 'Size')),
      modifiedAtMs: Date.parse(readElement(inside, 'LastModified') ?? ''),
    }));
    const isTruncated = readElement(text, 'IsTruncated') === 'true';
    return {
      // What others put into the bucket under names that are no keys of ours is not ours to list.
      entries: rows.flatMap((row) => (isObjectKey(row.key) ? [{ ...row, key: row.key }] : [])),
      cursor: isTruncated ? (rows.at(-1)?.key ?? null) : null,
    };
  }

  /** The size is asked for first: the store is told to copy that version of the source or nothing. */
  async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    const { sizeBytes, version } = await this.head(source, options);
    if (options.mode === 'create') await this.#assertFree(target, options);
    if (sizeBytes > COPY_BYTES_MAX) {
      return copyInParts({
        client: this.#client,
        backend: this,
        options: this.#options,
        source,
        target,
        sizeBytes,
        version,
        copy: options,
      });
    }
    const headers = {
      ...this.#writeHeaders(options, options.metadata),
      ...copySourceHeaders(this.#options.bucket, source, version),
      'x-amz-metadata-directive': 'REPLACE',
    };
    const { text } = await this.#client
      .callForText({ method: 'PUT', key: target, headers, signal: options.signal })
      .catch(throwAsReplaced);
    return this.#written(target, sizeBytes, options, options.metadata, readElement(text, 'ETag') ?? null);
  }

  async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    const headers = this.#writeHeaders(
      options,
      typeof options.metadata === 'function' ? {} : options.metadata,
    );
    return this.resumeMultipart(
      key,
      await startMultipart(this.#client, key, headers, options.signal),
      options,
    );
  }

  resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload {
    return new S3Multipart({
      client: this.#client,
      backend: this,
      options: this.#options,
      key,
      uploadId,
      write: options,
    });
  }

  async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    return presignRead(this.#client, await this.#client.credentials(), key, options);
  }

  async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    const headers = this.#writeHeaders(options, options.metadata);
    return presignWrite(this.#client, await this.#client.credentials(), this.#options, key, headers, options);
  }

  async check({ signal }: CallOptions): Promise<void> {
    try {
      await this.#client.textOnce({ method: 'HEAD', key: null, signal });
    } catch (error) {
      // A HEAD has no body that names the cause: a missing bucket is a setting to mend, not a missing object.
      if (!isStowageError(error, 'object_not_found')) throw error;
      throw new StowageError('storage_denied', 'The bucket does not exist.', { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** The headers of every write: type, caching, encryption at rest, metadata; never an ACL. */
  #writeHeaders(options: WriteOptions, metadata: ObjectMetadata): Record<string, string> {
    const { sse, kmsKeyId } = this.#options;
    const headers: Record<string, string> = {
      'content-type': options.contentType,
      'x-amz-server-side-encryption': sse,
    };
    if (options.cacheControl !== '') headers['cache-control'] = options.cacheControl;
    if (sse === 'aws:kms' && kmsKeyId !== null)
      headers['x-amz-server-side-encryption-aws-kms-key-id'] = kmsKeyId;
    for (const [name, value] of Object.entries(metadata)) headers[METADATA_PREFIX + name] = value;
    return headers;
  }

  async #putWhole(key: ObjectKey, start: Collected, options: PutOptions): Promise<ObjectInfo> {
    const metadata = metadataOf(options);
    const payload = await payloadOf(start.chunks);
    const checksum = Buffer.from(payload.payloadHash, 'hex').toString('base64');
    const headers = { ...this.#writeHeaders(options, metadata), 'x-amz-checksum-sha256': checksum };
    const { mode, signal } = options;
    const answer = await this.#putOnce(key, payload, { headers, mode, signal });
    return this.#written(key, start.sizeBytes, options, metadata, headerOf(answer, 'etag'));
  }

  async #putOnce(
    key: ObjectKey,
    payload: Payload,
    request: {
      headers: Record<string, string>;
      mode: 'create' | 'replace';
      signal: AbortSignal | undefined;
    },
  ): Promise<Dispatcher.ResponseData['headers']> {
    const { headers, mode, signal } = request;
    const call = {
      method: 'PUT',
      key,
      headers: mode === 'create' ? { ...headers, 'if-none-match': '*' } : headers,
      ...payload,
      signal,
    } as const;
    return this.#client.repeat(async (attempt) => {
      try {
        return (await this.#client.textOnce(call)).headers;
      } catch (error) {
        // An earlier try may have stored the object although its answer was lost: then these bytes are ours.
        if (attempt === 0 || !isStowageError(error, 'object_exists')) throw error;
        const found = await this.#client.textOnce({ method: 'HEAD', key, signal });
        if (isWritten(infoOf(key, found.headers), headers, payload.body[0].byteLength)) return found.headers;
        throw error;
      }
    }, signal);
  }

  async #assertFree(key: ObjectKey, options: CallOptions): Promise<void> {
    try {
      await this.head(key, options);
    } catch (error) {
      if (isStowageError(error, 'object_not_found')) return;
      throw error;
    }
    throw new StowageError('object_exists', 'The object exists already.');
  }

  #written(
    key: ObjectKey,
    sizeBytes: number,
    options: WriteOptions,
    metadata: ObjectMetadata,
    etag: string | null,
  ): ObjectInfo {
    return {
      key,
      sizeBytes,
      contentType: options.contentType,
      cacheControl: options.cacheControl,
      metadata,
      modifiedAtMs: this.#options.clock.now(),
      version: unquoted(etag),
    };
  }
}

/** The metadata of a write whose body has been consumed. */
export function metadataOf(options: WriteOptions): ObjectMetadata {
  return typeof options.metadata === 'function' ? options.metadata() : options.metadata;
}

function infoOf(key: ObjectKey, headers: Dispatcher.ResponseData['headers']): ObjectInfo {
  const whole = /\/(\d+)$/.exec(headerOf(headers, 'content-range') ?? '')?.[1];
  const metadata: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (name.startsWith(METADATA_PREFIX))
      // Some stores turn underscores of header names into dashes; our names have no dashes.
      metadata[name.slice(METADATA_PREFIX.length).replaceAll('-', '_')] = headerOf(headers, name) ?? '';
  }
  return {
    key,
    sizeBytes: Number(whole ?? headerOf(headers, 'content-length')),
    contentType: headerOf(headers, 'content-type') ?? '',
    cacheControl: headerOf(headers, 'cache-control') ?? '',
    metadata,
    modifiedAtMs: Date.parse(headerOf(headers, 'last-modified') ?? ''),
    version: unquoted(headerOf(headers, 'etag')),
  };
}

/** Whether an object is what a write with these headers makes. */
function isWritten(info: ObjectInfo, headers: Readonly<Record<string, string>>, sizeBytes: number): boolean {
  const wanted = Object.entries(headers).filter(([name]) => name.startsWith(METADATA_PREFIX));
  return (
    info.sizeBytes === sizeBytes &&
    info.contentType === headers['content-type'] &&
    Object.keys(info.metadata).length === wanted.length &&
    wanted.every(([name, value]) => info.metadata[name.slice(METADATA_PREFIX.length)] === value)
  );
}

// Copies and uploads tell the ETag in XML, some stores without its quotes.
function unquoted(etag: string | null): string {
  return etag?.replaceAll('"', '') ?? '';
}

// With `encoding-type=url` keys come form-encoded: a plus is a space.
function decodeListedKey(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
