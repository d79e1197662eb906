import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type GcsServer, startGcsServer } from '../../../test/servers/gcs/server.ts';
import type { BucketState } from '../../../test/servers/gcs/store.ts';
import { makeTestAccount, type TestAccount } from '../../../test/servers/gcs/test-account.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { destroyProvisioning } from '../destroy.ts';
import { type Provider, QUESTION_PREFIX } from '../provider.ts';
import { provisioningOf } from '../test-aws.ts';
import { applyAll, driftOf, failuresOf, planAll, verifyAll } from '../test-run.ts';
import { openGcsProvider } from './provider.ts';

let operator: TestAccount;
let backend: TestAccount;
let server: GcsServer;

before(async () => {
  [operator, backend] = await Promise.all([makeTestAccount('operator'), makeTestAccount('backend')]);
});
after(async () => {
  await operator[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

async function start(): Promise<GcsServer> {
  server = await startGcsServer({
    accounts: new Map([operator, backend].map(({ email, publicKey }) => [email, publicKey])),
    operators: [operator.email],
    buckets: [],
  });
  return server;
}

function open(fields: object = { gcs: { location: 'europe-west3' } }): Provider {
  return openGcsProvider({
    bucket: 'my-files',
    projectId: 'my-project',
    credentialsPath: backend.keyFilePath,
    operatorCredentialsPath: operator.keyFilePath,
    backendIsOther: true,
    endpoint: server.origin,
    provisioning: provisioningOf(fields),
    clock: systemClock,
    log: silentLog,
  });
}

test('a bucket of Google is made from nothing, verified, and left alone by a second apply', async () => {
  await using _server = await start();
  await using provider = open();
  assert.deepEqual(
    (await planAll(provider)).changes.map(({ action }) => action),
    provider.settings.map(() => 'create'),
  );
  assert.equal(server.buckets.size, 0);
  await applyAll(provider);
  const findings = await verifyAll(provider);
  assert.deepEqual(
    findings.filter(({ status }) => status !== 'ok'),
    [],
  );
  const before = server.requests.length;
  assert.deepEqual((await applyAll(provider)).applied, []);
  assert.deepEqual(
    server.requests.slice(before).filter((request) => !request.startsWith('GET')),
    [],
  );
});

type Seed = (bucket: BucketState) => void;

const MISCONFIGURATIONS: readonly (readonly [name: string, drift: string, seed: Seed])[] = [
  [
    'rights are per object',
    'uniform_access',
    ({ settings }) => {
      settings.iamConfiguration = { publicAccessPrevention: 'enforced' };
    },
  ],
  [
    'the public may be let in',
    'public_access_prevention',
    ({ settings }) => {
      settings.iamConfiguration = { uniformBucketLevelAccess: { enabled: true } };
    },
  ],
  [
    'everybody has a role',
    'bucket_policy',
    (bucket) => {
      bucket.policy = {
        bindings: [{ role: 'roles/storage.objectViewer', members: ['allUsers'] }],
        etag: '7',
      };
    },
  ],
  [
    'the backend is an administrator',
    'bucket_policy',
    (bucket) => {
      bucket.policy = {
        bindings: [{ role: 'roles/storage.admin', members: [`serviceAccount:${backend.email}`] }],
        etag: '7',
      };
    },
  ],
  [
    'versioning is off',
    'versioning',
    ({ settings }) => {
      settings.versioning = { enabled: false };
    },
  ],
  [
    'CORS answers every origin',
    'cors',
    ({ settings }) => {
      settings.cors = [{ origin: ['*'], method: ['GET', 'PUT'] }];
    },
  ],
  [
    'the lifecycle is gone',
    'lifecycle',
    ({ settings }) => {
      delete settings.lifecycle;
    },
  ],
  [
    'another key encrypts',
    'encryption',
    ({ settings }) => {
      settings.encryption = { defaultKmsKeyName: 'projects/p/locations/l/keyRings/r/cryptoKeys/k' };
    },
  ],
  [
    'the labels are of another environment',
    'labels',
    ({ settings }) => {
      settings.labels = { environment: 'prod', bill: '42' };
    },
  ],
  [
    'the bucket is elsewhere',
    'bucket',
    ({ settings }) => {
      settings.location = 'ASIA';
    },
  ],
];

describe('of a bucket of Google that somebody changed', () => {
  for (const [name, drift, seed] of MISCONFIGURATIONS) {
    test(`${name}: plan shows it, verify finds it, apply mends it, once`, async () => {
      await using _server = await start();
      await using provider = open();
      await applyAll(provider);
      const bucket = server.buckets.get('my-files');
      assert.ok(bucket !== undefined);
      seed(bucket);
      assert.ok(driftOf(await planAll(provider)).includes(drift));
      assert.ok(failuresOf(await verifyAll(provider)).includes(drift));
      await applyAll(provider);
      assert.deepEqual(failuresOf(await verifyAll(provider)), []);
      assert.deepEqual((await applyAll(provider)).applied, []);
    });
  }

  test('an open CORS is seen from outside too', async () => {
    await using _server = await start();
    await using provider = open();
    await applyAll(provider);
    const bucket = server.buckets.get('my-files');
    if (bucket !== undefined) bucket.settings.cors = [{ origin: ['*'], method: ['PUT'] }];
    const findings = await verifyAll(provider, { askers: ['stranger'] });
    assert.deepEqual(failuresOf(findings), ['preflight_foreign']);
  });

  test('others keep their roles', async () => {
    await using _server = await start();
    await using provider = open();
    await applyAll(provider);
    const bucket = server.buckets.get('my-files');
    const auditor = { role: 'roles/storage.objectViewer', members: ['group:auditors@example.org'] };
    if (bucket !== undefined) bucket.policy = { bindings: [auditor], etag: '9' };
    await applyAll(provider);
    assert.ok(bucket?.policy.bindings.some(({ members }) => members.includes('group:auditors@example.org')));
  });
});

test('destroy takes a bucket with objects only by force and name', async () => {
  await using _server = await start();
  await using provider = open();
  await applyAll(provider);
  const bucket = server.buckets.get('my-files');
  assert.ok(bucket !== undefined);
  const { storeObject } = await import('../../../test/servers/gcs/store.ts');
  storeObject(bucket, 'a', Buffer.from('x'), { description: {}, absent: false });
  const options = {
    signal: new AbortController().signal,
    progress: () => undefined,
    confirm: async () => true,
  };
  const tries = [
    { force: false, typedBucket: null },
    { force: true, typedBucket: null },
    { force: false, typedBucket: 'my-files' },
    { force: true, typedBucket: 'other' },
  ];
  for (const each of tries)
    assert.equal((await destroyProvisioning(provider, { ...options, ...each })).kind, 'refused');
  assert.equal(server.buckets.size, 1);
  const done = await destroyProvisioning(provider, { ...options, force: true, typedBucket: 'my-files' });
  assert.deepEqual(done, { kind: 'done', removed: ['bucket my-files'] });
  assert.equal(server.buckets.size, 0);
});

test('destroy looks behind what questions have left: a thousand of those hide no file', async () => {
  await using _server = await start();
  await using provider = open();
  await applyAll(provider);
  const bucket = server.buckets.get('my-files');
  assert.ok(bucket !== undefined);
  const { storeObject } = await import('../../../test/servers/gcs/store.ts');
  const names = Array.from({ length: 1000 }, (_, index) => `${QUESTION_PREFIX}${index}`);
  for (const name of [...names, 'invoices/1'])
    storeObject(bucket, name, Buffer.from('x'), { description: {}, absent: false });
  const options = { signal: new AbortController().signal, progress: () => undefined, force: false };
  const refused = await destroyProvisioning(provider, {
    ...{ ...options, typedBucket: 'my-files' },
    confirm: async () => true,
  });
  assert.equal(refused.kind, 'refused');
  // And a file that came after the count is not taken along either.
  for (const name of names) bucket.objects.delete(name);
  await assert.rejects(provider.destroy(options), { name: 'ProvisioningError' });
  assert.deepEqual([...bucket.objects.keys()], ['invoices/1']);
});
