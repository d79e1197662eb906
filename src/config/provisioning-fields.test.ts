import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readProvisioning } from './provisioning-fields.ts';

function read(declared: unknown, s3Endpoint: string | null = null) {
  const problems: string[] = [];
  const config = readProvisioning(
    declared,
    { corsOrigins: ['https://app.example.org'], environment: 'production', s3Bucket: 'my-files', s3Endpoint },
    problems,
  );
  return { config, problems };
}

describe('provisioning in the config file', () => {
  test('has a safe value for every field', () => {
    const { config, problems } = read(undefined);
    assert.deepEqual(problems, []);
    assert.equal(config.environment, 'prod');
    assert.equal(config.versioning, true);
    assert.deepEqual(config.corsOrigins, ['https://app.example.org']);
    assert.equal(config.aws.logBucket, 'my-files-logs');
    assert.equal(config.aws.identity?.name, 'stowage-my-files');
    assert.equal(config.aws.cdn, null);
  });

  test('leaves out identity and logs on a store that only speaks the protocol', () => {
    const { config } = read({}, 'https://ceph.example.org');
    assert.equal(config.aws.store, 'compatible');
    assert.equal(config.aws.identity, null);
    assert.equal(config.aws.logBucket, null);
    assert.equal(
      read({}, 'https://bucket.vpce-1.s3.eu-central-1.vpce.amazonaws.com').config.aws.store,
      'aws',
    );
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[], /^provisioning must be an object$/],
    [{ corsOrigin: 'x' }, /^provisioning\.corsOrigin is no field; did you mean corsOrigins\?$/],
    [{ corsOrigins: '*' }, /^provisioning\.corsOrigins must list nothing but/],
    [{ environment: 'production' }, /^provisioning\.environment must be one of dev, staging, prod$/],
    [{ versioning: 'yes' }, /^provisioning\.versioning must be true or false$/],
    [{ lifecycle: { expireIncomingDays: 0 } }, /^provisioning\.lifecycle\.expireIncomingDays must be/],
    [{ lifecycle: { oldVersionsRareDays: 90 } }, /^provisioning\.lifecycle\.oldVersions…Days must rise/],
    [{ aws: { allowedPrincipals: ['*'] } }, /^provisioning\.aws\.allowedPrincipals must list nothing but/],
    [{ aws: { logBucket: 'my-files' } }, /^provisioning\.aws\.logBucket must be another bucket/],
    [{ aws: { identity: { kind: 'root' } } }, /^provisioning\.aws\.identity\.kind must be one of/],
    [{ aws: { cdn: { domain: 'nodots' } } }, /^provisioning\.aws\.cdn\.domain must be a host name$/],
    [{ azure: { resourceGroup: 'x' } }, /^provisioning\.azure\.subscriptionId and resourceGroup belong/],
    [{ gcs: { kmsKey: 'key' } }, /^provisioning\.gcs\.kmsKey must be/],
    [{ local: { freeSpaceMin: 'much' } }, /^provisioning\.local\.freeSpaceMin must be a size/],
    [{ local: { mountPoint: 'relative' } }, /^provisioning\.local\.mountPoint must be an absolute path$/],
    [{ tags: { team: 1 } }, /^provisioning\.tags must be an object of short texts$/],
  ];
  for (const [declared, message] of wrong) {
    test(`refuses ${JSON.stringify(declared)} by name`, () => {
      const { problems } = read(declared);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', message);
    });
  }

  test('takes null for never and for none', () => {
    const never = { oldVersionsRareDays: null, oldVersionsArchiveDays: null, oldVersionsDeleteDays: null };
    const { config, problems } = read({
      lifecycle: never,
      aws: { logBucket: null, identity: null, cdn: null },
    });
    assert.deepEqual(problems, []);
    assert.equal(config.lifecycle.oldVersionsDeleteDays, null);
    assert.equal(config.aws.logBucket, null);
    assert.equal(config.aws.identity, null);
  });
});
