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
  const reply = (answer: GroupReply): void => parentPort?.postMessage(answer);
  commitGroup({ fd, layout, records }).then(
    (refusals) => reply({ refusals }),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : '';
      reply({ failure: { code: systemCode(error), message } });
    },
  );
});
