// The thread that writes journals: see journal-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { doNothingElse } from './file-calls.ts';
import { commitGroup, type Refusal, toFailure } from './journal-group.ts';
import { seal } from './journal-record.ts';
import type { ThreadMessage, ThreadReply, ThreadTask } from './journal-thread.ts';
import { syncFiles } from './sync-files.ts';

const arena = Buffer.from(workerData as SharedArrayBuffer);

const answer = (reply: ThreadReply): void => parentPort?.postMessage(reply);

answer({ does: 'start' });
parentPort?.on('message', ({ number, task }: ThreadMessage) => {
  const succeed = (refusals: readonly Refusal[]): void =>
    answer({ does: 'end', number, refusals, failure: null });
  run(task, succeed)
    .catch((error: unknown) => answer({ does: 'end', number, refusals: [], failure: toFailure(error) }))
    .finally(() => answer({ does: 'rest', number }));
});

/**
 * @param succeed is called as soon as what was asked for is done; some tidying may follow. It is made of brief calls, so it is done before the
 *   next task begins.
 */
async function run(task: ThreadTask, succeed: (refusals: readonly Refusal[]) => void): Promise<void> {
  doNothingElse();
  if (task.does === 'sync') {
    await syncFiles(task.paths, task.atOnce);
    return succeed([]);
  }
  const { refusals, tidy } = await commitGroup({ ...task, records: recordsOf(task.sizes) });
  succeed(refusals);
  await tidy();
}

function recordsOf(sizes: readonly number[]): Buffer[] {
  let at = 0;
  return sizes.map((bytes) => {
    at += bytes;
    return seal(arena.subarray(at - bytes, at));
  });
}
