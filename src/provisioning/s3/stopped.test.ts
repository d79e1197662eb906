import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyProvisioning } from '../apply.ts';
import { openAws, startAws } from '../test-aws.ts';
import { applyAll, failuresOf, verifyAll } from '../test-run.ts';

describe('an apply that was stopped', () => {
  for (const stopAt of [1, 2, 4, 7, 10, 13]) {
    test(`before its change ${stopAt} is taken up by the next one`, async () => {
      await using aws = await startAws();
      await using provider = await openAws(aws);
      const stop = new AbortController();
      let begun = 0;
      await assert.rejects(
        applyProvisioning(provider, {
          leaveOut: [],
          signal: stop.signal,
          progress: () => {
            begun += 1;
            if (begun === stopAt) stop.abort(new Error('stopped'));
          },
          confirm: async () => true,
        }),
        { message: 'stopped' },
      );
      await applyAll(provider);
      assert.deepEqual(failuresOf(await verifyAll(provider)), []);
      assert.deepEqual((await applyAll(provider)).applied, []);
    });
  }

  test('by a no changes nothing', async () => {
    await using aws = await startAws();
    await using provider = await openAws(aws);
    await applyAll(provider);
    aws.buckets.get('my-files')?.settings.delete('cors');
    const asked: string[] = [];
    const { agreed } = await applyProvisioning(provider, {
      leaveOut: [],
      signal: new AbortController().signal,
      progress: () => undefined,
      confirm: async (plan) => {
        asked.push(plan.bucket);
        return false;
      },
    });
    assert.equal(agreed, false);
    assert.deepEqual(asked, ['my-files']);
    assert.equal(aws.buckets.get('my-files')?.settings.has('cors'), false);
  });
});
