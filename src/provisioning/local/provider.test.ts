import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { destroyProvisioning } from '../destroy.ts';
import { provisioningOf } from '../test-aws.ts';
import { applyAll, driftOf, failuresOf, planAll, verifyAll } from '../test-run.ts';
import { openLocalProvider } from './provider.ts';

let root: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), 'stowage-provision-'));
});
after(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function open(fields: object = { local: { freeSpaceMin: '1kb' } }) {
  const path = join(root, `store-${++count}`);
  return { path, provider: openLocalProvider({ path, provisioning: provisioningOf(fields) }) };
}

describe('a directory', () => {
  test('is made closed, verified, and left alone by a second apply', async () => {
    const { path, provider } = open();
    assert.deepEqual(driftOf(await planAll(provider)), ['directory', 'mode']);
    assert.equal(existsSync(path), false);
    await applyAll(provider);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.deepEqual(failuresOf(await verifyAll(provider)), []);
    assert.deepEqual((await applyAll(provider)).applied, []);
  });

  test('that others can read is found and closed', async () => {
    const { path, provider } = open();
    mkdirSync(path);
    chmodSync(path, 0o755);
    assert.deepEqual(driftOf(await planAll(provider)), ['mode']);
    assert.deepEqual(failuresOf(await verifyAll(provider)), ['mode']);
    await applyAll(provider);
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  test('with too little free space is a finding', async () => {
    const { provider } = open({ local: { freeSpaceMin: '8000000gb' } });
    await applyAll(provider);
    assert.deepEqual(failuresOf(await verifyAll(provider)), ['free_space']);
  });

  test('below a mount that is missing is a finding, and apply does not write beside the disk', async () => {
    const { path } = open();
    const mountPoint = join(path, 'disk');
    mkdirSync(mountPoint, { recursive: true });
    const provisioning = provisioningOf({ local: { freeSpaceMin: '1kb', mountPoint } });
    const provider = openLocalProvider({ path: join(mountPoint, 'files'), provisioning });
    assert.ok(driftOf(await planAll(provider)).includes('mount'));
    await assert.rejects(applyAll(provider), { name: 'ProvisioningError' });
    assert.equal(existsSync(join(mountPoint, 'files')), false);
  });

  test('that holds files goes only by force and name', async () => {
    const { path, provider } = open();
    await applyAll(provider);
    writeFileSync(join(path, 'format.json'), '{}');
    writeFileSync(join(path, 'a'), 'x');
    const options = {
      signal: new AbortController().signal,
      progress: () => undefined,
      confirm: async () => true,
    };
    assert.equal(
      (await destroyProvisioning(provider, { ...options, force: true, typedBucket: null })).kind,
      'refused',
    );
    assert.equal(
      (await destroyProvisioning(provider, { ...options, force: true, typedBucket: path })).kind,
      'done',
    );
    assert.equal(existsSync(path), false);
  });

  for (const [path, field] of [
    ['/srv/stowage', '/srv/stowage'],
    ['/srv/my files', '"/srv/my files"'],
    ['/srv/100%', '/srv/100%%'],
    ['/srv/a "b" \\c', '"/srv/a \\"b\\" \\\\c"'],
  ] as const) {
    test(`at ${path} is one field of its line for systemd-tmpfiles`, async () => {
      const provider = openLocalProvider({ path, provisioning: provisioningOf({}) });
      const { tmpfiles } = await provider.documents(new AbortController().signal);
      assert.equal(tmpfiles, `d ${field} 0700 stowage stowage -`);
    });
  }

  test('that is no store is never removed, whatever is typed', async () => {
    const { path, provider } = open();
    mkdirSync(path);
    writeFileSync(join(path, 'somebody-elses'), 'x');
    const options = {
      ...{ signal: new AbortController().signal, progress: () => undefined, confirm: async () => true },
      ...{ force: true, typedBucket: path },
    };
    await assert.rejects(destroyProvisioning(provider, options), { name: 'ProvisioningError' });
    assert.ok(existsSync(join(path, 'somebody-elses')));
  });
});
