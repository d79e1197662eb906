import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import type { ByteStream } from '../../core/bytes.ts';
import { isStowageError, StowageError, throwIfAborted } from '../../core/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../core/key.ts';
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
import { mapBounded } from '../map-bounded.ts';
import { systemCode, toStowageError } from './errors.ts';
import { syncDirectory } from './file-calls.ts';
import { objectPlace } from './layout.ts';
import { openObjectFile, readObjectInfo } from './object-file.ts';
import type { StaleMultipart } from './options.ts';
import type { SignedUrls } from './signed-urls.ts';
import { STALE_TEMPORARY_MS } from './temporary-files.ts';
import { type WritableStore, writeObject } from './write-object.ts';

/** Most parts of one object, and the size of each: far beyond what a disk holds, near what the clouds allow. */
export const PARTS_MAX = 10_000;

const UPLOAD_ID = /^[0-9a-f]{32}$/;
const PART_FILE = /^[1-9][0-9]{0,4}$/;
const STATE_FILE = 'upload.json';

/** Makes the directory of a new multi-part upload and notes which key it is for. */
export async function beginLocalMultipart(store: WritableStore, key: ObjectKey): Promise<string> {
  const uploadId = randomBytes(16).toString('hex');
  const directory = `${store.layout.parts}/${uploadId}`;
  try {
    await store.freeSpace.require(0);
    await mkdir(directory, { mode: 0o700 });
    const state: UploadState = { key, startedAtMs: store.now() };
    const file = await open(`${directory}/${STATE_FILE}`, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(state));
      await file.sync();
    } finally {
      await file.close();
    }
    await syncDirectory(directory);
    await store.directories.sync(store.layout.parts);
    return uploadId;
  } catch (error) {
    await rm(directory, { recursive: true, force: true }).catch(() => {});
    throw toStowageError(error, 'storage_unavailable');
  }
}

/**
 * An object that arrives in parts. Each part is an object file of its own, so it has an end mark and a version: the
 * version is its receipt.
 */
export class LocalMultipart implements MultipartUpload {
  readonly uploadId: string;
  readonly #store: WritableStore;
  readonly #urls: SignedUrls;
  readonly #key: ObjectKey;
  readonly #options: WriteOptions;
  readonly #directory: string;

  /** @throws StowageError `invalid_parameter` when the id is none that this store gives out. */
  constructor(store: WritableStore, urls: SignedUrls, upload: UploadName, options: WriteOptions) {
    if (!UPLOAD_ID.test(upload.uploadId)) {
      throw new StowageError('invalid_parameter', 'The upload id is not one of this store.', {
        fields: { parameter: 'upload_id' },
      });
    }
    this.uploadId = upload.uploadId;
    this.#store = store;
    this.#urls = urls;
    this.#key = upload.key;
    this.#options = options;
    this.#directory = `${store.layout.parts}/${upload.uploadId}`;
  }

  async putPart(partNumber: number, body: ByteStream, options: PutPartOptions): Promise<PartReceipt> {
    await this.#requireOpen();
    try {
      const info = await writeObject(this.#store, this.#partPlace(partNumber), this.#key, body, {
        ...PART_HEADERS,
        mode: 'replace',
        sizeBytes: options.sizeBytes,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      return { partNumber, sizeBytes: info.sizeBytes, receipt: info.version };
    } catch (error) {
      // Aborted or completed while the part arrived.
      if (systemCode(error instanceof StowageError ? error.cause : error) === 'ENOENT') throw gone(error);
      throw error;
    }
  }

  async signPart(partNumber: number, options: SignPartOptions): Promise<SignedWrite> {
    throwIfAborted(options.signal);
    return this.#urls.signPart({ key: this.#key, uploadId: this.uploadId, partNumber }, options);
  }

  async listParts(options: CallOptions): Promise<readonly PartReceipt[]> {
    await this.#requireOpen();
    throwIfAborted(options.signal);
    const names = await readdir(this.#directory);
    const numbers = names.filter((name) => PART_FILE.test(name)).map(Number);
    return mapBounded(
      numbers.sort((a, b) => a - b),
      16,
      async (partNumber) => {
        const { sizeBytes, version } = await readObjectInfo(this.#partPlace(partNumber).path);
        return { partNumber, sizeBytes, receipt: version };
      },
    );
  }

  async complete(parts: readonly PartReceipt[], options: CompleteOptions): Promise<ObjectInfo> {
    await this.#requireOpen();
    requireAscending(parts);
    const place = objectPlace(this.#store.layout, this.#key);
    const info = await writeObject(this.#store, place, this.#key, this.#joined(parts, options.signal), {
      ...this.#options,
      mode: options.mode,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    });
    // The object is safe; parts that can't be removed now are the sweeper's.
    await this.abort({}).catch(() => {});
    return info;
  }

  async abort(options: CallOptions): Promise<void> {
    throwIfAborted(options.signal);
    try {
      const state = await this.#readState();
      if (state !== null && state.key !== this.#key) throw gone();
      await rm(this.#directory, { recursive: true, force: true });
    } catch (error) {
      throw toStowageError(error);
    }
  }

  async *#joined(parts: readonly PartReceipt[], signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      const opened = await openObjectFile(this.#partPlace(part.partNumber).path, this.#key, signal).catch(
        (error: unknown) => {
          throw isStowageError(error, 'object_not_found') ? missingPart(part, error) : error;
        },
      );
      if (opened.info.version !== part.receipt) {
        opened.close();
        throw missingPart(part);
      }
      yield* opened.body(null);
    }
  }

  #partPlace(partNumber: number) {
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > PARTS_MAX) {
      throw new StowageError('invalid_parameter', `A part number is from 1 to ${PARTS_MAX}.`, {
        fields: { parameter: 'part_number' },
      });
    }
    return { directory: this.#directory, path: `${this.#directory}/${partNumber}` };
  }

  async #requireOpen(): Promise<void> {
    if ((await this.#readState())?.key !== this.#key) throw gone();
  }

  async #readState(): Promise<UploadState | null> {
    return readUploadState(this.#directory);
  }
}

/** Which upload of which key. */
export interface UploadName {
  readonly key: ObjectKey;
  readonly uploadId: string;
}

interface UploadState {
  readonly key: string;
  readonly startedAtMs: number;
}

/** Parts carry no headers of their own; those of the object are given when it is completed. */
const PART_HEADERS = { contentType: '', cacheControl: '', metadata: {} } as const;

/**
 * Removes what is left of uploads that a crash kept from beginning: nobody was given their id. Young ones may be beginning.
 *
 * @returns how many were removed.
 */
export async function removeUnbegunUploads(parts: string, nowMs: number): Promise<number> {
  let removed = 0;
  for (const uploadId of await readdir(parts)) {
    const directory = `${parts}/${uploadId}`;
    try {
      if (!UPLOAD_ID.test(uploadId) || nowMs - (await lstat(directory)).mtimeMs < STALE_TEMPORARY_MS)
        continue;
      if ((await readUploadState(directory)) !== null) continue;
      await rm(directory, { recursive: true, force: true });
      removed += 1;
    } catch {
      // Another process that opens the store cleans as well.
    }
  }
  return removed;
}

/** The multi-part uploads begun before a time and still there. One without a readable state has not begun. */
export async function listStaleUploads(
  store: WritableStore,
  startedBeforeMs: number,
): Promise<readonly StaleMultipart[]> {
  const stale: StaleMultipart[] = [];
  try {
    for (const uploadId of await readdir(store.layout.parts)) {
      if (!UPLOAD_ID.test(uploadId)) continue;
      const state = await readUploadState(`${store.layout.parts}/${uploadId}`);
      if (state === null || state.startedAtMs >= startedBeforeMs) continue;
      stale.push({ key: parseObjectKey(state.key), uploadId, startedAtMs: state.startedAtMs });
    }
  } catch (error) {
    throw toStowageError(error, 'storage_unavailable');
  }
  return stale;
}

async function readUploadState(directory: string): Promise<UploadState | null> {
  try {
    return JSON.parse(await readFile(`${directory}/${STATE_FILE}`, 'utf8')) as UploadState;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw toStowageError(error, 'storage_unavailable');
  }
}

function requireAscending(parts: readonly PartReceipt[]): void {
  if (parts.length === 0) throw new StowageError('conflict', 'A multi-part upload has at least one part.');
  let previous = 0;
  for (const { partNumber } of parts) {
    if (partNumber <= previous) {
      throw new StowageError('invalid_parameter', 'The parts must be in ascending order, each once.');
    }
    previous = partNumber;
  }
}

function missingPart(part: PartReceipt, cause?: unknown): StowageError {
  return new StowageError('conflict', `Part ${part.partNumber} of the upload is not there.`, { cause });
}

function gone(cause?: unknown): StowageError {
  return new StowageError('conflict', 'The multi-part upload is not open.', { cause });
}
