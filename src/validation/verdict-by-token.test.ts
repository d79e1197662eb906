import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenRule } from './refusal.ts';
import { claimOf, inChunks, sendThrough } from './samples/admission.ts';
import { SAMPLES } from './samples/index.ts';

// Found by gate-fuzz.test.ts with the seed 1476182685: the line feed behind the header's comment is gone, so that the
// comment holds the beginning of an object, and what follows belongs to none.
test('an object that a comment hides is told before the garbage behind it, however the file is cut', async () => {
  const sample = SAMPLES.find(({ title }) => title === 'no line feed after the end');
  assert.ok(sample);
  const bytes = sample.bytes();
  const damaged = Buffer.concat([bytes.subarray(0, 14), bytes.subarray(15)]);
  for (const chunkBytes of [1, 2, 7, 64, damaged.length]) {
    const outcome = await sendThrough(
      inChunks(damaged, () => chunkBytes),
      claimOf(sample),
    );
    assert.ok('error' in outcome);
    assert.equal(brokenRule(outcome.error), 'pdf.hidden_object', `${chunkBytes} bytes at once`);
  }
});
