import { KIB, MIB } from '../../core/bytes.ts';
import type { AbortRace } from '../abort-race.ts';
import { BLOCK_BYTES, blockMemory, type DirectWrites } from './direct-write.ts';
import { closeFile, syncData, writeAt, writeDirectly } from './file-calls.ts';

/** A body that ends before this many bytes is held whole and written in one call. */
export const WHOLE_BYTES_MAX = 256 * KIB;

/** Most chunks of such a body, so that one of tiny chunks is bounded too. */
const WHOLE_CHUNKS_MAX = 1024;

/** Most bytes of one write: each wakes a thread. A multiple of {@link BLOCK_BYTES}. */
export const BATCH_BYTES = MIB;

/** Bytes of the first write, so that of a file of 1 MB half is on disk when the other half has come. */
const FIRST_BATCH_BYTES = 512 * KIB;

/** Bytes after which the room is looked at and a sync starts in the background: so the last one is short. */
const WRITE_BACK_BYTES = 16 * MIB;

/** Files written at once from which on those that begin keep to the smaller batches, so that many touch less memory. */
const FILES_MANY = 5;
let filesBeingWritten = 0;

/** Batches that nobody uses at present, for as many files as commonly arrive at once. */
const spareBatches: Buffer[] = [];
const SPARE_BATCHES_MAX = 32;

/** The beginning of a body, in memory. */
export interface GatheredBytes {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Whether this was all. */
  readonly ended: boolean;
}

/** A new file that is written to. */
export interface BatchTarget {
  readonly fd: number;
  readonly path: string;
  readonly direct: Pick<DirectWrites, 'open' | 'noteRefusal'>;
  /** Called every {@link WRITE_BACK_BYTES}; throws to stop. */
  readonly onWriteBack: () => Promise<void>;
}

/** Takes chunks until {@link WHOLE_BYTES_MAX} bytes are there or the body ends. */
export async function gatherBeginning(
  source: AsyncIterator<Uint8Array>,
  abort: AbortRace,
): Promise<GatheredBytes> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < WHOLE_BYTES_MAX && chunks.length < WHOLE_CHUNKS_MAX) {
    const next = await abort.wait(source.next());
    if (next.done === true) return { chunks, sizeBytes, ended: true };
    chunks.push(next.value);
    sizeBytes += next.value.byteLength;
  }
  return { chunks, sizeBytes, ended: false };
}

/**
 * Writes a body behind its beginning. While a batch is written the next one is filled, so that reading and writing
 * overlap; what stands behind the body goes with its last one.
 *
 * @param endOf what stands behind a body of so many bytes; throws to stop.
 * @returns that, when all of it has been handed to the system (not yet synced).
 */
export async function writeBatches<End extends { readonly footer: Uint8Array }>(
  target: BatchTarget,
  beginning: GatheredBytes,
  source: AsyncIterator<Uint8Array>,
  abort: AbortRace,
  endOf: (sizeBytes: number) => End,
): Promise<End> {
  const writer = new BatchWriter(target);
  const push = async (bytes: Uint8Array): Promise<void> => {
    const waiting = writer.push(bytes);
    if (waiting) await abort.wait(waiting);
  };
  let end: End;
  try {
    await writer.open();
    for (const chunk of beginning.chunks) await push(chunk);
    let writeBackAtBytes = WRITE_BACK_BYTES;
    for (;;) {
      const next = await abort.wait(source.next());
      writer.check();
      if (next.done === true) break;
      await push(next.value);
      if (writer.sizeBytes < writeBackAtBytes) continue;
      writeBackAtBytes += WRITE_BACK_BYTES;
      await target.onWriteBack();
      writer.syncBehind();
    }
    end = endOf(writer.sizeBytes);
    await push(end.footer);
    await abort.wait(writer.flush());
  } finally {
    // The descriptor must not be closed under a call that still runs.
    await writer.close();
  }
  // The sync behind may have failed last: the next one of the same descriptor would not tell.
  writer.check();
  return end;
}

/**
 * Appends to one new file by way of two batches: while one is written the other is filled. At most one write and one
 * background sync run at a time.
 *
 * Whole blocks go past the page cache where that is possible: the bytes are to be on disk before anybody reads them, so
 * a copy in the cache would cost pages that push out others, and the processor more than all else that writing does.
 */
class BatchWriter {
  readonly #target: BatchTarget;
  /** A second descriptor, for direct writes; null: there are none. */
  #directFd: number | null = null;
  #batch = takeBatch();
  /** Bytes with which the batch is full. */
  #fullBytes = FIRST_BATCH_BYTES;
  #filledBytes = 0;
  #writtenBytes = 0;
  #writing: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #isClosed = false;

  constructor(target: BatchTarget) {
    this.#target = target;
    filesBeingWritten += 1;
  }

  async open(): Promise<void> {
    this.#directFd = await this.#target.direct.open(this.#target.path);
  }

  get sizeBytes(): number {
    return this.#writtenBytes + this.#filledBytes;
  }

  get #isFull(): boolean {
    return this.#filledBytes === this.#fullBytes;
  }

  /** Takes bytes; a promise means that both batches are full: these are read until it is fulfilled. */
  push(bytes: Uint8Array): void | Promise<void> {
    let rest = bytes;
    while (rest.byteLength > 0) {
      if (this.#isFull) return this.#pushLater(rest);
      const part = rest.subarray(0, this.#fullBytes - this.#filledBytes);
      this.#batch.set(part, this.#filledBytes);
      this.#filledBytes += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#isFull && this.#writing === null) this.#writeBatch();
    }
  }

  /** Direct writes too leave something behind: which blocks are whose, and in some modes of ext4 the bytes. */
  syncBehind(): void {
    this.#syncing ??= syncData(this.#target.fd)
      // Remembered: the system tells of a failed write-back once, and the last sync would know nothing of it.
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#syncing = null;
      });
  }

  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Writes all that waits; nothing may be pushed afterwards. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    this.check();
    // Closed meanwhile: the batch and the descriptors are others' by now.
    if (this.#isClosed) return;
    await this.#run(() => this.#writeRest());
    this.check();
  }

  /** Ends when nothing runs any more; what waits is given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    filesBeingWritten -= 1;
    await this.#writing;
    await this.#syncing;
    keepSpare(this.#batch);
    await this.#closeDirect();
  }

  async #pushLater(bytes: Uint8Array): Promise<void> {
    await this.#writing;
    this.check();
    if (!this.#isClosed) await this.push(bytes);
  }

  /** Writes the full batch, and the next one too when that is full by then. */
  #writeBatch(): void {
    const batch = this.#batch;
    const blocks = batch.subarray(0, this.#filledBytes);
    const position = this.#writtenBytes;
    void this.#run(async () => {
      this.#batch = takeBatch();
      this.#writtenBytes += blocks.byteLength;
      this.#filledBytes = 0;
      this.#fullBytes = filesBeingWritten < FILES_MANY ? BATCH_BYTES : FIRST_BATCH_BYTES;
      await this.#writeBlocks(blocks, position).finally(() => keepSpare(batch));
    });
  }

  #run(write: () => Promise<void>): Promise<void> {
    this.#writing = write()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#writing = null;
        if (this.#isFull && this.#failure === null && !this.#isClosed) this.#writeBatch();
      });
    return this.#writing;
  }

  /** The end of a file is no whole block. */
  async #writeRest(): Promise<void> {
    const blockBytes = this.#directFd === null ? 0 : this.#filledBytes - (this.#filledBytes % BLOCK_BYTES);
    const end = this.#batch.subarray(blockBytes, this.#filledBytes);
    await this.#writeBlocks(this.#batch.subarray(0, blockBytes), this.#writtenBytes);
    await writeAt(this.#target.fd, end, this.#writtenBytes + blockBytes);
  }

  async #writeBlocks(blocks: Uint8Array, position: number): Promise<void> {
    if (this.#directFd === null) return writeAt(this.#target.fd, blocks, position);
    try {
      await writeDirectly(this.#directFd, blocks, position);
    } catch (error) {
      if (!this.#target.direct.noteRefusal(error)) throw error;
      await this.#closeDirect();
      await writeAt(this.#target.fd, blocks, position);
    }
  }

  /** What is wrong with the file, the sync of the other descriptor tells. */
  async #closeDirect(): Promise<void> {
    const fd = this.#directFd;
    this.#directFd = null;
    if (fd !== null) await closeFile(fd).catch(() => {});
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }
}

function takeBatch(): Buffer {
  return spareBatches.pop() ?? blockMemory(BATCH_BYTES);
}

function keepSpare(batch: Buffer): void {
  if (spareBatches.length < SPARE_BATCHES_MAX) spareBatches.push(batch);
}
