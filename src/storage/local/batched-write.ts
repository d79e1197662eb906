import { KIB, MIB } from '../../core/bytes.ts';
import type { AbortRace } from '../abort-race.ts';
import { syncData, writeFully } from './file-calls.ts';

/** A body that ends before this many bytes is held whole and written in one call. */
export const WHOLE_BYTES_MAX = 256 * KIB;

/** Bytes that are worth a write of their own: each wakes a thread. */
const WRITE_BYTES_MIN = 512 * KIB;

/** Most bytes that wait while a write runs; then the body is not asked for more. */
export const BATCH_BYTES_MAX = MIB;

/** Most chunks that wait, so that a body of tiny chunks is bounded too. */
export const BATCH_CHUNKS_MAX = 1024;

/** Bytes after which a sync starts in the background, so that the last one is short. */
const WRITE_BACK_BYTES = 16 * MIB;

/** The beginning of a body, in memory. */
export interface GatheredBytes {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Whether this was all. */
  readonly ended: boolean;
}

/** Takes chunks until {@link WHOLE_BYTES_MAX} bytes are there or the body ends. */
export async function gatherBeginning(
  source: AsyncIterator<Uint8Array>,
  abort: AbortRace,
): Promise<GatheredBytes> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < WHOLE_BYTES_MAX && chunks.length < BATCH_CHUNKS_MAX) {
    const next = await abort.wait(source.next());
    if (next.done === true) return { chunks, sizeBytes, ended: true };
    chunks.push(next.value);
    sizeBytes += next.value.byteLength;
  }
  return { chunks, sizeBytes, ended: false };
}

/**
 * Writes a body behind its beginning. While a write runs the next batch is gathered, so that reading and writing
 * overlap and a batch is one call; what stands behind the body goes with its last one.
 *
 * @param onWriteBack called every {@link WRITE_BACK_BYTES}; throws to stop.
 * @param endOf what stands behind a body of so many bytes; throws to stop.
 * @returns that, when all of it has been handed to the system (not yet synced).
 */
export async function writeBatches<End extends { readonly footer: Uint8Array }>(
  target: { readonly fd: number; readonly onWriteBack: () => Promise<void> },
  beginning: GatheredBytes,
  source: AsyncIterator<Uint8Array>,
  abort: AbortRace,
  endOf: (sizeBytes: number) => End,
): Promise<End> {
  const writer = new BatchWriter(target.fd);
  let end: End;
  try {
    writer.push(beginning.chunks, beginning.sizeBytes);
    let writeBackAtBytes = WRITE_BACK_BYTES;
    for (;;) {
      const next = await abort.wait(source.next());
      writer.check();
      if (next.done === true) break;
      writer.push([next.value], next.value.byteLength);
      if (writer.isFull()) await abort.wait(writer.drain());
      if (writer.sizeBytes < writeBackAtBytes) continue;
      writeBackAtBytes += WRITE_BACK_BYTES;
      await target.onWriteBack();
      writer.syncBehind();
    }
    end = endOf(writer.sizeBytes);
    writer.push([end.footer], end.footer.byteLength);
    await abort.wait(writer.flush());
  } finally {
    // The descriptor must not be closed under a call that still runs.
    await writer.settle();
  }
  writer.check();
  return end;
}

/** Appends to one file: at most one write and one background sync run at a time. */
class BatchWriter {
  readonly #fd: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  sizeBytes = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  push(chunks: readonly Uint8Array[], bytes: number): void {
    for (const chunk of chunks) this.#waiting.push(chunk);
    this.#waitingBytes += bytes;
    this.sizeBytes += bytes;
    if (this.#writing === null && this.#waitingBytes >= WRITE_BYTES_MIN) this.#write();
  }

  isFull(): boolean {
    return this.#waitingBytes >= BATCH_BYTES_MAX || this.#waiting.length >= BATCH_CHUNKS_MAX;
  }

  /** Waits until there is room. */
  async drain(): Promise<void> {
    if (this.#writing === null) this.#write();
    await this.#writing;
    this.check();
  }

  syncBehind(): void {
    this.#syncing ??= syncData(this.#fd)
      // Remembered: the system tells of a failed write-back once, and the last sync would know nothing of it.
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#syncing = null;
      });
  }

  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Writes all that waits. */
  async flush(): Promise<void> {
    while (this.#writing !== null || this.#waiting.length > 0) await this.drain();
  }

  /** Ends when nothing runs any more; what waits is given up. Never rejects. */
  async settle(): Promise<void> {
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#writing;
    await this.#syncing;
  }

  #write(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writing = writeFully(this.#fd, batch)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#writing = null;
        if (this.#failure === null && this.#waitingBytes >= WRITE_BYTES_MIN) this.#write();
      });
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }
}
