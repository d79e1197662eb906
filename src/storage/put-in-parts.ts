import { MIB } from '../core/bytes.ts';
import { abortedError } from '../core/errors.ts';
import type { AbortRace } from './abort-race.ts';
import type { MultipartUpload, ObjectInfo, PartReceipt, PutOptions } from './backend.ts';

/** Size of the first parts of a large body, in bytes; a body that ends within it should go up in one request. */
export const PUT_PART_BYTES = 8 * MIB;
/** Parts of one body on the wire at once. */
export const PARTS_IN_FLIGHT_MAX = 4;
/** Time for parts on the wire to end when their upload has failed, in milliseconds. */
const LAST_PARTS_MS = 1_000;

/** What was collected from a body: at least the bytes asked for, or the whole rest. */
export interface Collected {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly isWhole: boolean;
}

/**
 * Collects chunks until `bytesMin` are there or the body ends. Chunks are not cut: it may be one chunk more.
 *
 * @throws the error of the race's signal at once, even while the body is silent.
 */
export async function collectUpTo(
  source: AsyncIterator<Uint8Array>,
  bytesMin: number,
  race: AbortRace,
): Promise<Collected> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < bytesMin) {
    const next = await race.wait(source.next());
    if (next.done === true) return { chunks, sizeBytes, isWhole: true };
    chunks.push(next.value);
    sizeBytes += next.value.byteLength;
  }
  return { chunks, sizeBytes, isWhole: false };
}

/**
 * Sends a body in parts, a few at once. Memory holds at most the parts in flight and the one being collected. When
 * anything fails, the parts are removed and nothing is stored.
 */
export async function putInParts(
  upload: MultipartUpload,
  body: {
    readonly source: AsyncIterator<Uint8Array>;
    /** Its first part, collected already. */
    readonly start: Collected;
    readonly race: AbortRace;
  },
  put: PutOptions,
): Promise<ObjectInfo> {
  const call = put.signal === undefined ? {} : { signal: put.signal };
  const giveUp = new AbortController();
  const receipts: PartReceipt[] = [];
  const inFlight = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  const send = ({ chunks, sizeBytes }: Collected, partNumber: number): void => {
    const sent: Promise<void> = upload
      .putPart(partNumber, chunksOf(chunks), { sizeBytes, signal: giveUp.signal })
      .then(
        (receipt) => {
          receipts[partNumber - 1] = receipt;
        },
        (error: unknown) => {
          failure ??= { error };
        },
      )
      .finally(() => inFlight.delete(sent));
    inFlight.add(sent);
  };
  const throwFailure = (): void => {
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
  };
  try {
    let part = body.start;
    for (let partNumber = 1; ; partNumber++) {
      if (part.sizeBytes > 0) send(part, partNumber);
      if (part.isWhole) break;
      while (inFlight.size >= PARTS_IN_FLIGHT_MAX) await body.race.wait(Promise.race(inFlight));
      throwFailure();
      part = await collectUpTo(body.source, partBytes(partNumber), body.race);
    }
    await body.race.wait(Promise.all(inFlight));
    throwFailure();
    if (put.signal?.aborted) throw abortedError(put.signal);
    return await upload.complete(receipts, { mode: put.mode, ...call });
  } catch (error) {
    // A part that is cut off may still arrive, after its upload was removed: so those on the wire may end first.
    const patience = setTimeout(() => giveUp.abort(), LAST_PARTS_MS);
    await Promise.all(inFlight);
    clearTimeout(patience);
    // What can't be removed now the sweeper finds, or the store forgets by itself.
    await upload.abort({ signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    throw error;
  }
}

// The size is not known beforehand, and 10,000 parts of 8 MiB end at 78 GiB: later parts are larger.
function partBytes(partNumber: number): number {
  return partNumber < 5_000 ? PUT_PART_BYTES : PUT_PART_BYTES * 8;
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
