import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from '@cdktf/hcl2json';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { openAzureProvider } from '../../src/provisioning/azure/provider.ts';
import { openGcsProvider } from '../../src/provisioning/gcs/provider.ts';
import { canonical } from '../../src/provisioning/json.ts';
import { LATER, type Provider } from '../../src/provisioning/provider.ts';
import type { S3ProvisioningParts } from '../../src/provisioning/s3/parts.ts';
import { bucketPolicy, policyJson } from '../../src/provisioning/s3/policy.ts';
import { openAws, provisioningOf, startAws } from '../../src/provisioning/test-aws.ts';
import { startAzurite } from '../servers/azurite.ts';
import { makeTestAccount, type TestAccount } from '../servers/gcs/test-account.ts';
import { documentOf, settingsOfAws } from './aws.ts';
import { settingsOfAzure } from './azure.ts';
import { all, type Evaluated, evaluateModule, only, parseModule } from './evaluate.ts';
import { settingsOfGcp } from './gcp.ts';

const ROOT = path.resolve(import.meta.dirname, '../../deploy/terraform');
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000';
const never = new AbortController().signal;

/** What each setting of a provider should be. */
async function desiredOf(provider: Provider) {
  const entries = provider.settings.map(async ({ name, desired }) => [name, await desired(never)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Setting by setting, so that a failure names the one that differs. */
function assertSame(
  module: Readonly<Record<string, unknown>>,
  table: Readonly<Record<string, unknown>>,
): void {
  for (const [name, wanted] of Object.entries(table)) {
    assert.ok(name in module, `the module has no ${name}`);
    assert.deepEqual(
      JSON.parse(canonical((module[name] ?? null) as never)),
      JSON.parse(canonical(wanted as never)),
      name,
    );
  }
  assert.deepEqual(Object.keys(module).sort(), Object.keys(table).sort(), 'nothing else is made');
}

/** `export` must fit the module: every variable is declared, and every one without a default is given. */
function assertFits(provider: Provider, { variables }: Evaluated): void {
  const given = Object.keys(provider.variables);
  assert.deepEqual(
    given.filter((name) => !variables.has(name)),
    [],
    'every exported variable is declared',
  );
  const needed = [...variables].filter(([, { hasDefault }]) => !hasDefault).map(([name]) => name);
  assert.deepEqual(
    needed.filter((name) => !given.includes(name)),
    [],
    'every needed variable is exported',
  );
}

/** Fields of `provisioning` in the config file, and other settings, that a team may choose. */
const OLD_VERSIONS_STAY = {
  lifecycle: { oldVersionsRareDays: null, oldVersionsArchiveDays: null, oldVersionsDeleteDays: null },
};
const OTHER_DAYS = {
  lifecycle: {
    abortMultipartDays: 5,
    expireIncomingDays: 3,
    oldVersionsRareDays: 60,
    oldVersionsArchiveDays: null,
    oldVersionsDeleteDays: 700,
  },
};
const COMMON = [
  ['as it comes', {}],
  ['without versioning', { versioning: false }],
  ['with old versions that stay', OLD_VERSIONS_STAY],
  ['with other days', OTHER_DAYS],
  ['without origins', { corsOrigins: [] }],
  [
    'with two origins, tags and another environment',
    {
      corsOrigins: ['https://b.example.org', 'https://a.example.org'],
      tags: { team: 'files', cost: '42' },
      environment: 'staging',
    },
  ],
] as const;

describe('the module for AWS makes what apply makes,', () => {
  let aws: Awaited<ReturnType<typeof startAws>>;
  before(async () => {
    aws = await startAws();
  });
  after(() => aws[Symbol.asyncDispose]());

  const principals = ['arn:aws:iam::111122223333:role/reader', 'arn:aws:iam::111122223333:user/auditor'];
  const cases: readonly (readonly [string, object, Partial<S3ProvisioningParts>])[] = [
    ...COMMON.map(([what, fields]) => [what, fields, {}] as const),
    ['with a KMS key', {}, { sse: 'aws:kms', kmsKeyId: KEY }],
    ["with the account's KMS key", {}, { sse: 'aws:kms' }],
    ['with named principals', { aws: { allowedPrincipals: principals } }, {}],
    ['with named principals alone', { aws: { allowedPrincipals: principals, identity: null } }, {}],
    ['with a user', { aws: { identity: { kind: 'user', name: 'files-backend' } } }, {}],
    ['with a role of containers', { aws: { identity: { trustedService: 'ecs-tasks.amazonaws.com' } } }, {}],
    ['without logs and folders', { aws: { logBucket: null } }, { folders: [] }],
    ['with logs for a week', { aws: { logBucket: 'my-logs', logDays: 7 } }, {}],
  ];
  for (const [what, fields, changes] of cases) {
    test(what, async () => {
      await using provider = await openAws(aws, { provisioning: provisioningOf(fields), ...changes });
      // The ARN of an identity is known once it is made, here as there.
      const known = { 'aws_iam_role.backend.arn': LATER, 'aws_iam_user.backend.arn': LATER };
      const evaluated = await evaluateModule('aws', provider.variables, known);
      assertFits(provider, evaluated);
      assertSame(settingsOfAws(evaluated), await desiredOf(provider));
    });
  }

  test('with a distribution: only it comes in, by TLS 1.2, with a signature, and nothing it answers may act', async () => {
    const arn = 'arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE1234';
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const publicKeys = [publicKey.export({ type: 'spki', format: 'pem' }).toString()];
    const provisioning = provisioningOf({ aws: { cdn: { domain: 'cdn.example.org', publicKeys } } });
    await using provider = await openAws(aws, { provisioning });
    const evaluated = await evaluateModule('aws', provider.variables, {
      'aws_iam_role.backend.arn': LATER,
      'aws_cloudfront_distribution.files.arn': arn,
    });
    assertFits(provider, evaluated);
    const one = (name: string) => only(evaluated.resources.get(name) as never);
    const parts = { bucket: 'my-files', region: 'eu-central-1', sse: 'AES256', kmsKeyId: null } as const;
    assert.deepEqual(
      policyJson(documentOf(one('aws_iam_policy_document.files'))),
      policyJson(
        bucketPolicy({ ...parts, provisioning, isSecure: true } as S3ProvisioningParts, {
          distributionArn: arn,
          identityArn: LATER,
        }),
      ),
    );
    const control = one('aws_cloudfront_origin_access_control.files');
    assert.deepEqual([control.signing_behavior, control.signing_protocol], ['always', 'sigv4']);
    const distribution = one('aws_cloudfront_distribution.files');
    const certificate = only(distribution.viewer_certificate);
    assert.equal(certificate.minimum_protocol_version, 'TLSv1.2_2021');
    assert.deepEqual(distribution.aliases, ['cdn.example.org']);
    const behaviours = [
      only(distribution.default_cache_behavior),
      ...all(distribution.ordered_cache_behavior),
    ];
    assert.ok(behaviours.length > 1);
    for (const each of behaviours) {
      assert.equal(each.viewer_protocol_policy, 'https-only');
      assert.equal((each.trusted_key_groups as unknown[]).length, 1, 'no path without a signature');
      assert.deepEqual(each.allowed_methods, ['GET', 'HEAD']);
      assert.equal(each.response_headers_policy_id, 'aws_cloudfront_response_headers_policy.files.id');
    }
    for (const name of ['immutable', 'short']) {
      const policy = one(`aws_cloudfront_cache_policy.${name}`);
      // Objects say "private" for browsers: without a least time CloudFront would keep none of them.
      assert.ok(Number(policy.min_ttl) > 0);
      const inKey = only(policy.parameters_in_cache_key_and_forwarded_to_origin);
      assert.deepEqual(only(only(inKey.query_strings_config).query_strings).items, [
        'response-content-disposition',
        'response-content-type',
      ]);
    }
    const headers = only(one('aws_cloudfront_response_headers_policy.files').security_headers_config);
    assert.equal(only(headers.content_type_options).override, true);
    const { DELIVERY_CSP } = await import('../../src/delivery/headers.ts');
    assert.equal(only(headers.content_security_policy).content_security_policy, DELIVERY_CSP);
  });
});

describe('the module for Azure makes what apply makes,', () => {
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  before(async () => {
    azurite = await startAzurite();
  });
  after(() => azurite[Symbol.asyncDispose]());
  const managed = {
    subscriptionId: '00000000-0000-4000-8000-000000000000',
    resourceGroup: 'files',
    location: 'westeurope',
  };
  const cases: readonly (readonly [string, object])[] = [
    ...COMMON,
    ['with a month of soft delete', { azure: { ...managed, softDeleteDays: 30 } }],
  ];
  for (const [what, fields] of cases) {
    test(what, async () => {
      await using provider = await openAzureProvider({
        container: 'my-files',
        connectionString: azurite.connectionString,
        accountUrl: null,
        provisioning: provisioningOf({ azure: managed, ...fields }),
        clock: systemClock,
        log: silentLog,
      });
      const evaluated = await evaluateModule('azure', provider.variables);
      assertFits(provider, evaluated);
      assertSame(settingsOfAzure(evaluated), await desiredOf(provider));
    });
  }
});

describe('the module for Google makes what apply makes,', () => {
  let backend: TestAccount;
  before(async () => {
    backend = await makeTestAccount('backend');
  });
  after(() => backend[Symbol.asyncDispose]());
  const location = 'europe-west3';
  const kmsKey = 'projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k';
  const cases: readonly (readonly [string, object])[] = [
    ...COMMON,
    ['with a KMS key', { gcs: { location, kmsKey } }],
  ];
  for (const [what, fields] of cases) {
    for (const account of [null, 'key file'] as const) {
      test(`${what}, ${account === null ? 'rights granted elsewhere' : "with the backend's account"}`, async () => {
        await using provider = openGcsProvider({
          bucket: 'my-files',
          projectId: 'my-project',
          credentialsPath: account === null ? null : backend.keyFilePath,
          operatorCredentialsPath: backend.keyFilePath,
          backendIsOther: true,
          endpoint: 'http://127.0.0.1:9',
          provisioning: provisioningOf({ gcs: { location }, ...fields }),
          clock: systemClock,
          log: silentLog,
        });
        const given = { ...provider.variables, service_account: account === null ? null : backend.email };
        const evaluated = await evaluateModule('gcp', given);
        assertFits(provider, evaluated);
        assertSame(settingsOfGcp(evaluated), await desiredOf(provider));
      });
    }
  }
});

describe('every module', () => {
  for (const name of ['aws', 'azure', 'gcp']) {
    test(`${name} has a description for each variable and output, pinned providers and an example that fits`, async () => {
      const files = globSync('*.tf', { cwd: path.join(ROOT, name) });
      assert.ok(
        ['versions.tf', 'variables.tf', 'main.tf', 'outputs.tf'].every((file) => files.includes(file)),
      );
      const texts = files.map((file) => readFileSync(path.join(ROOT, name, file), 'utf8')).join('\n');
      for (const [, kind = '', block = '', body = ''] of texts.matchAll(
        /^(variable|output) "(\w+)" \{\n([\s\S]*?)^\}/gm,
      )) {
        assert.match(body, /^ {2}description = ".+\."$/m, `${kind} ${block}`);
      }
      const { variable } = await parseModule(name);
      const example = path.join(ROOT, name, 'example/main.tf');
      const parsed = await parse('main.tf', readFileSync(example, 'utf8'));
      const [used] = parsed.module.stowage;
      assert.equal(used.source, '../');
      const arguments_ = Object.keys(used).filter((each) => each !== 'source' && each !== 'providers');
      assert.deepEqual(
        arguments_.filter((each) => !(each in variable)),
        [],
      );
      const needed = Object.entries(variable).flatMap(([each, [block]]) =>
        'default' in block ? [] : [each],
      );
      assert.deepEqual(
        needed.filter((each) => !arguments_.includes(each)),
        [],
      );
      const versions = await parse('versions.tf', readFileSync(path.join(ROOT, name, 'versions.tf'), 'utf8'));
      assert.match(JSON.stringify(versions.terraform), /"version":">= [\d.]+, < [\d.]+"/);
    });
  }

  test('is HCL: the parser refuses what is none', async () => {
    await assert.rejects(parse('x.tf', 'resource "a" {'), /parse config/);
  });
});
