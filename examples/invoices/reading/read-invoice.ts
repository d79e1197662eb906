import { Worker } from 'node:worker_threads';
import { openQueue } from '../queue.ts';
import { nothingRead, type ReadInvoice } from './invoice-fields.ts';

/** Bounds of one reading. */
export interface ReadingLimits {
  readonly millisecondsMax: number;
  readonly bytesMax: number;
}

const LIMITS: ReadingLimits = { millisecondsMax: 30_000, bytesMax: 512 * 1024 * 1024 };
const LOOK_EVERY_MS = 50;

const queue = openQueue({ atOnce: 2, waitingMax: 20 });

/**
 * Reads the fields of a document in a thread of its own: a PDF is a stranger's program for its reader, and one that
 * unpacks for ever or fills the memory is stopped without harm to others. It never throws for what the document is.
 *
 * @throws StowageError `rate_limited` when too many wait to be read.
 */
export function readInvoice(
  bytes: Uint8Array,
  mediaType: string,
  limits: ReadingLimits = LIMITS,
): Promise<ReadInvoice> {
  return queue(() => readInThread(bytes, mediaType, limits));
}

async function readInThread(
  bytes: Uint8Array,
  mediaType: string,
  { millisecondsMax, bytesMax }: ReadingLimits,
): Promise<ReadInvoice> {
  const { promise, resolve } = Promise.withResolvers<ReadInvoice>();
  const worker = new Worker(new URL('./read-thread.ts', import.meta.url), {
    workerData: { bytes, mediaType },
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(bytesMax / 2 ** 20) },
    env: {},
  });
  const giveUp = () => resolve(nothingRead('The document could not be read. Please type the fields in.'));
  worker.once('message', resolve).once('error', giveUp).once('exit', giveUp);
  const timeout = setTimeout(giveUp, millisecondsMax);
  // Limits of a thread count its objects only; what is unpacked lies outside of them.
  const watch = setInterval(() => {
    worker.getHeapStatistics().then(
      ({ external_memory, used_heap_size }) => external_memory + used_heap_size > bytesMax && giveUp(),
      () => undefined,
    );
  }, LOOK_EVERY_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timeout);
    clearInterval(watch);
    await worker.terminate();
  }
}
