import { randomBytes, randomUUID } from 'node:crypto';
import { type ByteStream, GIB, MIB } from '../../core/bytes.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { StowageError, throwIfAborted } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import { AbortRace, abandon } from '../abort-race.ts';
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
import { type RequestHandler, serveSignedUrls } from '../local/serve.ts';
import { createSignedUrls, type SignedUrls } from '../local/signed-urls.ts';
import { resolveRange } from '../ranges.ts';
import { exists, full, noCapability, notFound } from './errors.ts';
import { MemoryMultipart, type UnfinishedUploads } from './multipart.ts';
import type { MemoryBackendOptions } from './options.ts';

const CAPABILITIES: BackendCapabilities = {
  multipart: true,
  partBytesMin: 1,
  partBytesMax: GIB,
  partsMax: 10_000,
  singlePutBytesMax: GIB,
  signedWrite: 'put',
  signedWriteSizeEnforcedBy: 'store',
  signedWriteDigestEnforcedBy: 'store',
  signedParts: true,
  storesSha256: false,
  signedUrlSecondsMax: 7 * 24 * 60 * 60,
};

/** Opens a store in memory; nothing of it outlives the process. */
export function openMemoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  return new MemoryBackend(options);
}

/** The reference model of the contract, for tests: small enough to be seen to be right. */
export class MemoryBackend implements StorageBackend {
  readonly name = 'memory';
  readonly capabilities: BackendCapabilities;
  readonly storageUrlBase = 'memory://';
  readonly urls: SignedUrls;
  /** Answers signed URLs on a plain node:http server. */
  readonly serve: RequestHandler;
  readonly #objects = new Map<ObjectKey, StoredObject>();
  readonly #uploads: UnfinishedUploads = new Map();
  readonly #clock: Clock;
  readonly #capacityBytes: number;
  #storedBytes = 0;
  #closed = false;

  constructor(options: MemoryBackendOptions = {}) {
    this.capabilities = { ...CAPABILITIES, ...options.capabilities };
    this.#clock = options.clock ?? systemClock;
    this.#capacityBytes = options.capacityBytes ?? GIB;
    this.urls = createSignedUrls({
      publicUrl: options.publicUrl ?? 'http://127.0.0.1',
      signingSecrets: options.signingSecrets ?? [randomBytes(32).toString('hex')],
    });
    this.serve = serveSignedUrls({ backend: this, urls: this.urls, clock: this.#clock, log: silentLog });
  }

  async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    this.#begin(options);
    const bytes = await this.#collect(body, options.signal);
    return this.#store(key, bytes, options);
  }

  async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    this.#begin(options);
    const { info, bytes } = this.#find(key);
    const range = resolveRange(options.range, info.sizeBytes);
    const asked = range === null ? bytes : bytes.subarray(range.first, range.last + 1);
    return { info, range, body: untilAborted(asked, options.signal) };
  }

  async head(key: ObjectKey, options: CallOptions): Promise<ObjectInfo> {
    this.#begin(options);
    return this.#find(key).info;
  }

  async delete(key: ObjectKey, options: CallOptions): Promise<void> {
    this.#begin(options);
    this.#storedBytes -= this.#objects.get(key)?.bytes.byteLength ?? 0;
    this.#objects.delete(key);
  }

  async deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#begin(options);
    for (const key of keys) await this.delete(key, {});
    return [];
  }

  /** In the order of the keys; the cursor is the last key of the page. */
  async list(options: ListOptions): Promise<ListPage> {
    this.#begin(options);
    const { prefix, cursor, limit } = options;
    const keys = [...this.#objects.keys()].filter(
      (key) => key.startsWith(prefix) && (cursor === null || key > cursor),
    );
    const page = keys.sort().slice(0, limit);
    const entries = page.map((key) => {
      const { sizeBytes, modifiedAtMs } = this.#find(key).info;
      return { key, sizeBytes, modifiedAtMs };
    });
    return { entries, cursor: keys.length > limit ? (page.at(-1) ?? null) : null };
  }

  async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    this.#begin(options);
    return this.#store(target, this.#find(source).bytes, options);
  }

  async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    this.#begin(options);
    if (!this.capabilities.multipart) throw noCapability('parts');
    const uploadId = randomUUID();
    this.#uploads.set(uploadId, { key, parts: new Map() });
    return this.resumeMultipart(key, uploadId, options);
  }

  resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload {
    this.#begin({});
    if (!this.capabilities.multipart) throw noCapability('parts');
    const store = {
      uploads: this.#uploads,
      collect: (body: ByteStream, signal: AbortSignal | undefined) => this.#collect(body, signal),
      finish: (target: ObjectKey, bytes: Buffer, { mode }: { mode: PutOptions['mode'] }) =>
        this.#store(target, bytes, { ...options, mode }),
      signPart: (partNumber: number, asked: Parameters<SignedUrls['signPart']>[1]) => {
        if (!this.capabilities.signedParts) throw noCapability('signed parts');
        return this.urls.signPart({ key, uploadId, partNumber }, asked);
      },
    };
    return new MemoryMultipart(store, key, uploadId);
  }

  async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    this.#begin(options);
    return this.urls.signRead(key, options);
  }

  async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    this.#begin(options);
    if (this.capabilities.signedWrite === 'none') throw noCapability('signed writes');
    return this.urls.signWrite(key, options);
  }

  async check(options: CallOptions): Promise<void> {
    this.#begin(options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#objects.clear();
    this.#uploads.clear();
  }

  async #collect(body: ByteStream, signal: AbortSignal | undefined): Promise<Buffer> {
    using abort = new AbortRace(signal);
    const source = body[Symbol.asyncIterator]();
    const chunks: Uint8Array[] = [];
    let seenBytes = 0;
    try {
      for (;;) {
        const next = await abort.wait(source.next());
        if (next.done === true) return Buffer.concat(chunks);
        seenBytes += next.value.byteLength;
        if (this.#storedBytes + seenBytes > this.#capacityBytes) throw full();
        chunks.push(next.value);
      }
    } catch (error) {
      abandon(source);
      throw error;
    }
  }

  /** One step without a wait: nobody sees a state between. */
  #store(key: ObjectKey, bytes: Buffer, options: WriteOptions & Pick<PutOptions, 'mode'>): ObjectInfo {
    const { contentType, cacheControl, metadata: given, mode, signal } = options;
    const metadata = { ...(typeof given === 'function' ? given() : given) };
    throwIfAborted(signal);
    const previous = this.#objects.get(key);
    if (mode === 'create' && previous !== undefined) throw exists(key);
    const info: ObjectInfo = {
      key,
      sizeBytes: bytes.byteLength,
      contentType,
      cacheControl,
      metadata,
      modifiedAtMs: this.#clock.now(),
      version: randomUUID(),
    };
    this.#objects.set(key, { info, bytes });
    this.#storedBytes += bytes.byteLength - (previous?.bytes.byteLength ?? 0);
    return info;
  }

  #find(key: ObjectKey): StoredObject {
    const found = this.#objects.get(key);
    if (found === undefined) throw notFound(key);
    return found;
  }

  #begin(options: CallOptions): void {
    if (this.#closed) throw new StowageError('storage_unavailable', 'The store is closed.');
    throwIfAborted(options.signal);
  }
}

interface StoredObject {
  readonly info: ObjectInfo;
  readonly bytes: Buffer;
}

/** The bytes in pieces, until the signal fires. */
async function* untilAborted(bytes: Buffer, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += MIB) {
    throwIfAborted(signal);
    yield bytes.subarray(at, at + MIB);
  }
}
