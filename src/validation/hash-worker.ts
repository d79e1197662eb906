// The thread that hashes large files: see hash-thread.ts.
import { createHash, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { FIRST, LAST, RingReader } from './hash-ring.ts';
import type { HashMessage } from './hash-thread.ts';

const ring = new RingReader(workerData as SharedArrayBuffer);
const hashes = new Map<number, Hash>();
const tell = (message: HashMessage): void => parentPort?.postMessage(message);

tell('there');
for (;;) {
  const { lane, flags, bytes } = ring.read();
  // What another file has left in the lane is of one that was given up.
  const hash = flags & FIRST ? createHash('sha256') : hashes.get(lane);
  if (hash === undefined) throw new Error(`Lane ${lane} goes on with a file that never began.`);
  hash.update(bytes);
  if (flags & LAST) {
    hashes.delete(lane);
    tell(hash.digest());
  } else hashes.set(lane, hash);
  if (ring.release()) tell('room');
}
