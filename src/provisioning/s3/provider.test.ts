import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AwsRecorder, startAwsRecorder } from '../../../test/servers/aws-recorder/server.ts';
import { destroyProvisioning } from '../destroy.ts';
import { BACKEND, OPERATOR, openAws, provisioningOf, startAws } from '../test-aws.ts';
import { applyAll, driftOf, failuresOf, planAll, verifyAll } from '../test-run.ts';

describe('a bucket on AWS, made from nothing', () => {
  let aws: AwsRecorder;
  before(async () => {
    aws = await startAws();
  });
  after(() => aws[Symbol.asyncDispose]());

  test('plan shows all of it and changes nothing', async () => {
    await using provider = await openAws(aws);
    const plan = await planAll(provider);
    assert.equal(plan.has_drift, true);
    assert.ok(plan.changes.every(({ action }) => action === 'create'));
    assert.deepEqual(
      aws.requests.filter(({ method, action }) => method === 'PUT' || /^(Create|Put)/.test(action)),
      [],
    );
    assert.equal(aws.buckets.size, 0);
  });

  test('apply makes it, verify finds nothing wrong, and a second apply sends no change', async () => {
    await using provider = await openAws(aws);
    const applied = await applyAll(provider);
    assert.ok(applied.applied.includes('bucket') && applied.applied.includes('bucket_policy'));
    const findings = await verifyAll(provider);
    assert.deepEqual(
      findings.filter(({ status }) => status !== 'ok'),
      [],
    );
    assert.deepEqual(driftOf(await planAll(provider)), []);
    const before = aws.requests.length;
    assert.deepEqual((await applyAll(provider)).applied, []);
    const changes = aws.requests
      .slice(before)
      .filter(({ method, service, action }) =>
        service === 'iam' ? /^(Put|Create)/.test(action) : method !== 'GET' && method !== 'HEAD',
      );
    assert.deepEqual(changes, []);
  });

  test('every request was signed and in the documented form', () => {
    const wrong = aws.requests.filter(
      ({ status, user }) => user !== null && (status === 400 || status >= 500),
    );
    assert.deepEqual(wrong, []);
  });

  test('the backend’s questions leave nothing behind', () => {
    const keys = [...(aws.buckets.get('my-files')?.objects.keys() ?? [])];
    assert.deepEqual(keys.toSorted(), ['brand-images/', 'invoices/']);
    assert.equal(BACKEND.identity, 'role/stowage-my-files');
  });
});

describe('verify as the backend alone', () => {
  test('asks what needs no rights of an operator', async () => {
    await using aws = await startAws();
    await using provider = await openAws(aws);
    await applyAll(provider);
    const from = aws.requests.length;
    const findings = await verifyAll(provider, { askers: ['stranger', 'backend'] });
    assert.deepEqual(failuresOf(findings), []);
    assert.ok(aws.requests.slice(from).every(({ user }) => user !== 'operator'));
  });
});

test('what is left out is neither compared nor asked, and a name that nothing has is told', async () => {
  await using aws = await startAws();
  await using provider = await openAws(aws);
  await applyAll(provider);
  aws.buckets.get('my-files')?.settings.delete('cors');
  const leaveOut = ['cors', 'preflight_allowed', 'unencrypted_put', 'corz'];
  const plan = await planAll(provider, leaveOut);
  assert.equal(plan.has_drift, false);
  assert.match(plan.warnings.join(), /leaveOut names corz/);
  assert.equal(plan.warnings.length, 1);
  assert.deepEqual(failuresOf(await verifyAll(provider, { leaveOut })), []);
});

test('a user in the place of the role has the same rights, and goes with the bucket', async () => {
  const backend = { ...BACKEND, identity: 'user/files-backend' };
  await using aws = await startAwsRecorder({ operator: OPERATOR, backend });
  const identity = { kind: 'user', name: 'files-backend' };
  await using provider = await openAws(aws, { provisioning: provisioningOf({ aws: { identity } }) });
  await applyAll(provider);
  assert.deepEqual(failuresOf(await verifyAll(provider)), []);
  assert.deepEqual([...aws.identities.keys()], ['user/files-backend']);
  const { signal } = new AbortController();
  assert.match((await provider.notes(signal)).join(), /create-access-key --user-name files-backend/);
  const done = await destroyProvisioning(provider, {
    ...{ signal, progress: () => undefined, confirm: async () => true },
    ...{ force: false, typedBucket: 'my-files' },
  });
  assert.equal(done.kind, 'done');
  assert.equal(aws.identities.size + aws.buckets.size, 0);
});

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-4333-8444-555555555555';

test('with a KMS key every put has to name it, and the identity may use it', async () => {
  await using aws = await startAws();
  await using provider = await openAws(aws, { sse: 'aws:kms', kmsKeyId: KEY });
  await applyAll(provider);
  assert.deepEqual(failuresOf(await verifyAll(provider)), []);
  const { Statement } = (await provider.documents(new AbortController().signal)).identity_policy as {
    Statement: { Sid: string; Resource: string }[];
  };
  assert.equal(Statement.find(({ Sid }) => Sid === 'StowageKey')?.Resource, KEY);
  await using other = await openAws(aws, { sse: 'aws:kms', kmsKeyId: KEY.replace('key/1', 'key/2') });
  assert.deepEqual(driftOf(await planAll(other)), ['encryption', 'identity_policy', 'bucket_policy']);
});

test('with named principals nobody else touches objects, whoever may change the bucket', async () => {
  await using aws = await startAws();
  const allowedPrincipals = ['arn:aws:iam::111122223333:role/reader'];
  await using provider = await openAws(aws, { provisioning: provisioningOf({ aws: { allowedPrincipals } }) });
  await applyAll(provider);
  const findings = await verifyAll(provider);
  assert.deepEqual(failuresOf(findings), []);
  assert.equal(findings.find(({ check }) => check === 'old_version')?.status, 'warn');
  assert.match(aws.buckets.get('my-files')?.policy ?? '', /role\/stowage-my-files/);
});

test('what the operator may not read is named, with what to do', async () => {
  await using aws = await startAws();
  const { accessKeyId, secretAccessKey } = BACKEND;
  await using provider = await openAws(aws, { operator: { accessKeyId, secretAccessKey } });
  await assert.rejects(planAll(provider), {
    name: 'ProvisioningError',
    message: /^These keys may not look at my-files \(403\)/,
  });
});
