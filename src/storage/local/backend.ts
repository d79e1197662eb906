import type { ByteStream } from '../../core/bytes.ts';
import { systemClock } from '../../core/clock.ts';
import { isStowageError, StowageError, throwIfAborted } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { type Log, silentLog } from '../../core/log.ts';
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
import { mapBounded } from '../map-bounded.ts';
import { resolveRange } from '../ranges.ts';
import { DirectWrites } from './direct-write.ts';
import { DirectorySync } from './directory-sync.ts';
import { systemCode, toStowageError } from './errors.ts';
import { unlinkFile } from './file-calls.ts';
import { FileSystemSync } from './file-system-sync.ts';
import { fileSystemOf } from './file-system-type.ts';
import { FreeSpace } from './free-space.ts';
import { JOURNAL_BYTES_MAX_DEFAULT, Journal } from './journal.ts';
import { replayJournals } from './journal-replay.ts';
import { checkTree, objectPlace, openLayout, requireTree } from './layout.ts';
import { listObjects } from './list-objects.ts';
import {
  beginLocalMultipart,
  LocalMultipart,
  listStaleUploads,
  PARTS_MAX,
  removeUnbegunUploads,
} from './multipart.ts';
import { headObjectFile, openObjectFile } from './object-file.ts';
import {
  FREE_BYTES_MIN_DEFAULT,
  type LocalBackend,
  type LocalBackendOptions,
  type OpenObject,
  type StaleMultipart,
} from './options.ts';
import { PlaceLocks } from './place-locks.ts';
import { type RequestHandler, receiveSigned, type SignedReceiver, serveSignedUrls } from './serve.ts';
import { createSignedUrls, type SignedUrls } from './signed-urls.ts';
import { removeStaleTemporaries } from './temporary-files.ts';
import { type WritableStore, writeObject } from './write-object.ts';

const DELETES_AT_ONCE = 16;

const CAPABILITIES: BackendCapabilities = {
  multipart: true,
  partBytesMin: 1,
  partBytesMax: 5 * 1024 ** 3,
  partsMax: PARTS_MAX,
  singlePutBytesMax: 5 * 1024 ** 4,
  signedWrite: 'put',
  signedWriteSizeEnforcedBy: 'store',
  signedWriteDigestEnforcedBy: 'store',
  signedParts: true,
  storesSha256: false,
  signedUrlSecondsMax: 7 * 24 * 60 * 60,
};

/**
 * Opens the store on local disk: makes its directories, checks that they are ours, and removes what processes that
 * are gone have left over.
 *
 * @throws StowageError `storage_denied`, `storage_unavailable`.
 */
export async function openLocalBackend(options: LocalBackendOptions): Promise<LocalBackend> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  try {
    const layout = await openLayout(options.root, log);
    const removed =
      (await removeStaleTemporaries(layout.temporary, clock.now())) +
      (await removeUnbegunUploads(layout.parts, clock.now()));
    if (removed > 0) log.info({ files: removed }, 'Removed files that were left over.');
    await replayJournals(layout, clock.now(), log);
    const freeBytesMin = options.freeBytesMin ?? FREE_BYTES_MIN_DEFAULT;
    const directories = new DirectorySync();
    const locks = new PlaceLocks();
    const fileSystem = await fileSystemOf(layout.temporary);
    const bytesMax = options.journalBytesMax ?? JOURNAL_BYTES_MAX_DEFAULT;
    const store: WritableStore = {
      layout,
      freeSpace: new FreeSpace({ path: layout.root, freeBytesMin, clock }),
      directories,
      direct: new DirectWrites(fileSystem),
      locks,
      journal: new Journal({
        layout,
        directories,
        locks,
        log,
        bytesMax,
        commit: options.commitGroup,
        fileSystem: new FileSystemSync(layout.objects, fileSystem),
      }),
      now: () => clock.now(),
    };
    const urls = createSignedUrls(options);
    return new DiskBackend({
      store,
      urls,
      log,
      serve: (backend) => serveSignedUrls({ backend, urls, clock, log }),
      receive: (backend) => receiveSigned({ backend, urls, clock, log }),
    });
  } catch (error) {
    throw toStowageError(error, 'storage_unavailable');
  }
}

class DiskBackend implements LocalBackend {
  readonly name = 'local';
  readonly capabilities = CAPABILITIES;
  readonly storageUrlBase = 'local://';
  readonly urls: SignedUrls;
  readonly serve: RequestHandler;
  readonly receive: SignedReceiver;
  readonly #store: WritableStore;
  readonly #log: Log;
  #closed = false;

  constructor(parts: {
    readonly store: WritableStore;
    readonly urls: SignedUrls;
    readonly log: Log;
    readonly serve: (backend: LocalBackend) => RequestHandler;
    readonly receive: (backend: LocalBackend) => SignedReceiver;
  }) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.urls = parts.urls;
    this.serve = parts.serve(this);
    this.receive = parts.receive(this);
  }

  async put(key: ObjectKey, body: ByteStream, options: PutOptions): Promise<ObjectInfo> {
    this.#requireOpen();
    return writeObject(this.#store, objectPlace(this.#store.layout, key), key, body, options);
  }

  async get(key: ObjectKey, options: GetOptions): Promise<ObjectBody> {
    const opened = await this.openObject(key, options);
    try {
      const range = resolveRange(options.range, opened.info.sizeBytes);
      return { info: opened.info, range, body: opened.body(range) };
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  async openObject(key: ObjectKey, options: CallOptions): Promise<OpenObject> {
    this.#begin(options);
    const { path } = objectPlace(this.#store.layout, key);
    return this.#reading(openObjectFile(path, key, options.signal));
  }

  async head(key: ObjectKey, options: CallOptions): Promise<ObjectInfo> {
    this.#begin(options);
    return this.#reading(headObjectFile(objectPlace(this.#store.layout, key).path, key));
  }

  async delete(key: ObjectKey, options: CallOptions): Promise<void> {
    this.#begin(options);
    const place = objectPlace(this.#store.layout, key);
    try {
      await this.#store.locks.run(place.path, async () => {
        await this.#store.journal.settle(place);
        await unlinkFile(place.path);
      });
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw toStowageError(error);
    }
    await this.#store.directories.sync(place.directory).catch((error: unknown) => {
      throw toStowageError(error, 'storage_unavailable');
    });
  }

  async deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#begin(options);
    const failures: DeleteFailure[] = [];
    await mapBounded(keys, DELETES_AT_ONCE, async (key) => {
      await this.delete(key, options).catch((error: unknown) => failures.push({ key, error }));
    });
    // What was not reached is no failure of the store.
    throwIfAborted(options.signal);
    return failures;
  }

  async list(options: ListOptions): Promise<ListPage> {
    this.#begin(options);
    return listObjects(this.#store.layout, options, this.#log).catch((error: unknown) => {
      throw toStowageError(error, 'storage_unavailable');
    });
  }

  async copy(source: ObjectKey, target: ObjectKey, options: CopyOptions): Promise<ObjectInfo> {
    const { info, body } = await this.get(source, options);
    // Not `put`: whatever fails from here on, writeObject ends the body, and with it the source's descriptor.
    const place = objectPlace(this.#store.layout, target);
    return writeObject(this.#store, place, target, body, { ...options, sizeBytes: info.sizeBytes });
  }

  async beginMultipart(key: ObjectKey, options: WriteOptions): Promise<MultipartUpload> {
    this.#begin(options);
    return this.resumeMultipart(key, await beginLocalMultipart(this.#store, key), options);
  }

  resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload {
    this.#requireOpen();
    return new LocalMultipart(this.#store, this.urls, { key, uploadId }, options);
  }

  async listStaleMultipart(startedBeforeMs: number): Promise<readonly StaleMultipart[]> {
    this.#requireOpen();
    return listStaleUploads(this.#store, startedBeforeMs);
  }

  async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    this.#begin(options);
    return this.urls.signRead(key, options);
  }

  async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    this.#begin(options);
    return this.urls.signWrite(key, options);
  }

  async check(options: CallOptions): Promise<void> {
    this.#begin(options);
    try {
      await checkTree(this.#store.layout);
      await this.#store.freeSpace.require(0);
    } catch (error) {
      throw toStowageError(error, 'storage_unavailable');
    }
  }

  async checkpoint(): Promise<void> {
    this.#requireOpen();
    await this.#store.journal.checkpoint().catch((error: unknown) => {
      throw toStowageError(error, 'storage_unavailable');
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#store.journal.close();
  }

  /** A missing object is only missing while the store itself is there. */
  async #reading<Result>(read: Promise<Result>): Promise<Result> {
    try {
      return await read;
    } catch (error) {
      if (isStowageError(error, 'object_not_found')) await requireTree(this.#store.layout);
      throw error;
    }
  }

  #begin(options: CallOptions): void {
    this.#requireOpen();
    throwIfAborted(options.signal);
  }

  #requireOpen(): void {
    if (this.#closed) throw new StowageError('storage_unavailable', 'The store is closed.');
  }
}
