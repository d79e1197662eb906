import assert from 'node:assert/strict';
import { test } from 'node:test';
import { travel } from './journey.ts';

/** A minute or two on a machine with nothing else to do. */
const LONG = { timeout: 30 * 60_000 };

/** `npm run test:move`: the whole way with 2,000 files, killed on every leg. */
test(
  '2,000 files move local → S3 → Azure → local, killed three times, and no read fails',
  LONG,
  async (context) => {
    const tally = await travel({
      files: 2_000,
      sizeOf: (index) => (index % 100 === 0 ? 1_000_000 : 2_000 + (index % 40) * 500),
      legs: [
        { from: 'local', to: 's3', killAt: 0.3 },
        { from: 's3', to: 'azure', killAt: 0.5 },
        { from: 'azure', to: 'local', killAt: 0.7 },
      ],
      readers: 4,
      thinkMs: 10,
      killedRate: '6mb',
      tell: (line) => context.diagnostic(line),
    });
    context.diagnostic(
      `${tally.reads} reads (${tally.urlReads} by signed URLs), ${tally.uploads} uploads, ${tally.deletes} deletes`,
    );
    assert.deepEqual(tally.faults, []);
  },
);
