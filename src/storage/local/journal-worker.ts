// The thread that writes journals: see journal-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { doNothingElse } from './file-calls.ts';
import { commitGroup, type Refusal, toFailure } from './journal-group.ts';
import { seal } from './journal-record.ts';
import type { ThreadMessage, ThreadReply, ThreadTask } from './journal-thread.ts';
import { syncFiles } from './sync-files.ts';

const arena = Buffer.from(workerData as SharedArrayBuffer);

const there: ThreadReply = { number: 0, refusals: [], failure: null };

parentPort?.postMessage(there);
parentPort?.on('message', ({ number, task }: ThreadMessage) => {
  const reply = (answer: Omit<ThreadReply, 'number'>): void => parentPort?.postMessage({ number, ...answer });
  run(task).then(
    (refusals) => reply({ refusals, failure: null }),
    (error: unknown) => reply({ refusals: [], failure: toFailure(error) }),
  );
});

async function run(task: ThreadTask): Promise<readonly Refusal[]> {
  doNothingElse();
  if (task.does === 'commit') return commitGroup({ ...task, records: recordsOf(task.sizes) });
  await syncFiles(task.paths, task.atOnce);
  return [];
}

function recordsOf(sizes: readonly number[]): Buffer[] {
  let at = 0;
  return sizes.map((bytes) => {
    at += bytes;
    return seal(arena.subarray(at - bytes, at));
  });
}
