import { parentPort, workerData } from 'node:worker_threads';
import { readPages } from './read-pages.ts';

// The thread of one reading: see read-invoice.ts.
const { bytes, mediaType } = workerData as { readonly bytes: Uint8Array; readonly mediaType: string };
parentPort?.postMessage(await readPages(bytes, mediaType));
