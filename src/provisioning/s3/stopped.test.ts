import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyProvisioning } from '../apply.ts';
import { destroyProvisioning } from '../destroy.ts';
import { openAws, provisioningOf, startAws } from '../test-aws.ts';
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

test('a destroy without force takes no object that came after they were counted', async () => {
  await using aws = await startAws();
  await using provider = await openAws(aws);
  await applyAll(provider);
  const bucket = aws.buckets.get('my-files');
  assert.ok(bucket !== undefined);
  const names = [...bucket.objects.keys()];
  const signal = new AbortController().signal;
  const options = { force: false, typedBucket: null, signal, progress: () => undefined };
  await assert.rejects(
    destroyProvisioning(provider, {
      ...options,
      confirm: async () => {
        bucket.objects.set('invoices/1', [{ id: 'null', bytes: Buffer.from('x'), isMarker: false }]);
        return true;
      },
    }),
    { name: 'ProvisioningError' },
  );
  assert.deepEqual([...bucket.objects.keys()], [...names, 'invoices/1']);
  bucket.objects.delete('invoices/1');
  const done = await destroyProvisioning(provider, { ...options, confirm: async () => true });
  assert.equal(done.kind, 'done');
});

test('a forced destroy takes its own logs, and none of somebody else', async () => {
  await using aws = await startAws();
  const provisioning = provisioningOf({ aws: { logBucket: 'all-logs' } });
  await using provider = await openAws(aws, { provisioning });
  await applyAll(provider);
  const logs = aws.buckets.get('all-logs');
  assert.ok(logs !== undefined);
  const log = [{ id: 'null', bytes: Buffer.from('x'), isMarker: false }];
  logs.objects.set('my-files/2026-01-01', log);
  logs.objects.set('other-files/2026-01-01', log);
  const options = { force: true, signal: new AbortController().signal, progress: () => undefined };
  assert.ok(!(await provider.destroy(options)).includes('bucket all-logs'));
  assert.deepEqual([...logs.objects.keys()], ['other-files/2026-01-01']);
  assert.equal(aws.buckets.has('my-files'), false);
});
