import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../core/log.ts';
import { openJobs } from './jobs.ts';
import { openTestDatabase, type TestMajor } from './testing.ts';

for (const major of [15, 18] as const satisfies TestMajor[]) {
  test(`a job that is asked for runs once on one of two nodes, as the service's role, on PostgreSQL ${major}`, async () => {
    await using store = await openTestDatabase({ major });
    const nodes = await Promise.all([0, 1].map(() => openJobs({ connection: store.app, log: silentLog })));
    const ran = Promise.withResolvers<void>();
    let runs = 0;
    for (const node of nodes) {
      await node.schedule('count', '0 3 * * *', async (signal) => {
        assert.equal(signal.aborted, false);
        runs += 1;
        ran.resolve();
      });
    }
    await Promise.all(nodes.flatMap((node) => [node.sendOnce('count'), node.sendOnce('count')]));
    await ran.promise;
    await Promise.all(nodes.map((node) => node.close()));
    assert.equal(runs, 1);
  });
}
