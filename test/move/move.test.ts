import assert from 'node:assert/strict';
import { test } from 'node:test';
import { travel } from './journey.ts';

test('files move from local disk to S3, to Azure and back, through a kill -9, while users read and upload', async (context) => {
  const tally = await travel({
    files: 60,
    sizeOf: (index) => (index % 20 === 0 ? 200_000 : 10_000),
    legs: [
      { from: 'local', to: 's3', killAt: 0.3 },
      { from: 's3', to: 'azure', killAt: null },
      { from: 'azure', to: 'local', killAt: null },
    ],
    readers: 2,
    thinkMs: 20,
    killedRate: '150kb',
    tell: (line) => context.diagnostic(line),
  });
  assert.deepEqual(tally.faults, []);
  assert.ok(tally.reads > 0 && tally.uploads > 60 && tally.deletes > 0);
});
