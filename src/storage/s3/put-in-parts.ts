import type { ObjectKey } from '../../core/key.ts';
import type { AbortRace } from '../abort-race.ts';
import type { ObjectInfo, PartReceipt, PutOptions, StorageBackend } from '../backend.ts';
import type { S3Client } from './client.ts';
import { PART_BYTES, PARTS_IN_FLIGHT_MAX, type S3Options } from './options.ts';

/** What was collected from a body: at least the bytes asked for, or the whole rest. */
export interface Collected {
  readonly chunks: Uint8Array[];
  readonly sizeBytes: number;
  readonly isWhole: boolean;
}

/**
 * Collects chunks until `bytesMin` are there or the body ends. Chunks are not cut: it may be one chunk more.
 *
 * @throws the signal's error at once, even while the body is silent.
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

/** Tells a body that no more of it is wanted, without waiting: a silent one would never answer. */
export function abandon(source: AsyncIterator<Uint8Array>): void {
  source.return?.()?.catch(() => undefined);
}

/** A large body on its way, its first part already collected. */
export interface PartedPut {
  readonly client: S3Client;
  readonly backend: StorageBackend;
  readonly options: S3Options;
  readonly key: ObjectKey;
  readonly source: AsyncIterator<Uint8Array>;
  readonly start: Uint8Array[];
  readonly put: PutOptions;
  readonly race: AbortRace;
}

/**
 * Sends a body in parts, a few at once. Memory holds at most the parts in flight and the one being collected. When
 * anything fails, the parts are removed and nothing is stored.
 */
export async function putInParts({ backend, key, source, start, put, race }: PartedPut): Promise<ObjectInfo> {
  const upload = await backend.beginMultipart(key, put);
  const receipts: PartReceipt[] = [];
  const inFlight = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  const send = (partNumber: number, chunks: Uint8Array[], sizeBytes: number): void => {
    const sent = upload
      .putPart(
        partNumber,
        chunksOf(chunks),
        put.signal === undefined ? { sizeBytes } : { sizeBytes, signal: put.signal },
      )
      .then((receipt) => {
        receipts[partNumber - 1] = receipt;
      })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => inFlight.delete(sent));
    inFlight.add(sent);
  };
  try {
    let collected: Collected = { chunks: start, sizeBytes: byteLengthOf(start), isWhole: false };
    for (let partNumber = 1; ; partNumber++) {
      if (collected.sizeBytes > 0) send(partNumber, collected.chunks, collected.sizeBytes);
      if (collected.isWhole) break;
      while (inFlight.size >= PARTS_IN_FLIGHT_MAX && failure === undefined) await Promise.race(inFlight);
      if (failure !== undefined) throw failure.error;
      collected = await collectUpTo(source, partBytes(partNumber), race);
    }
    await Promise.all(inFlight);
    if (failure !== undefined) throw failure.error;
    return await upload.complete(
      receipts,
      put.signal === undefined ? { mode: put.mode } : { mode: put.mode, signal: put.signal },
    );
  } catch (error) {
    await Promise.allSettled(inFlight);
    await upload.abort({ signal: AbortSignal.timeout(10_000) }).catch(() => undefined); // the store's lifecycle rule is the second net
    throw error;
  }
}

// The size is not known beforehand, and 10,000 parts of 8 MiB end at 78 GiB: later parts are larger.
function partBytes(partNumber: number): number {
  return partNumber < 5_000 ? PART_BYTES : PART_BYTES * 8;
}

function byteLengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
