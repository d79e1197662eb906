// The thread that writes journals: see journal-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { systemCode } from './errors.ts';
import { commitGroup } from './journal-group.ts';
import type { GroupMessage, GroupReply } from './journal-thread.ts';

const arena = Buffer.from(workerData as SharedArrayBuffer);

parentPort?.on('message', ({ fd, layout, sizes }: GroupMessage) => {
  let at = 0;
  const records = sizes.map((bytes) => {
    at += bytes;
    return arena.subarray(at - bytes, at);
  });
  parentPort?.postMessage(replyTo(() => commitGroup({ fd, layout, records })));
});

function replyTo(commit: () => ReturnType<typeof commitGroup>): GroupReply {
  try {
    return { refusals: commit() };
  } catch (error) {
    return { failure: { code: systemCode(error), message: error instanceof Error ? error.message : '' } };
  }
}
