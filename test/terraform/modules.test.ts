import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from '@cdktf/hcl2json';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { DELIVERY_CSP } from '../../src/delivery/headers.ts';
import { openAzureProvider } from '../../src/provisioning/azure/provider.ts';
import { openGcsProvider } from '../../src/provisioning/gcs/provider.ts';
import { canonical } from '../../src/provisioning/json.ts';
import { LATER, type Provider } from '../../src/provisioning/provider.ts';
import type { S3ProvisioningParts } from '../../src/provisioning/s3/parts.ts';
import { openAws, provisioningOf, startAws } from '../../src/provisioning/test-aws.ts';
import { startAzurite } from '../servers/azurite.ts';
import { makeTestAccount, type TestAccount } from '../servers/gcs/test-account.ts';
import { settingsOfAws } from './aws.ts';
import { settingsOfAzure } from './azure.ts';
import { settingsOfCloudFront } from './cloudfront.ts';
import { all, type Evaluated, evaluateModule, only, parseModule } from './evaluate.ts';
import { settingsOfGcp } from './gcp.ts';

const ROOT = path.resolve(import.meta.dirname, '../../deploy/terraform');
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000';
const never = new AbortController().signal;

/** What AWS decides when it makes something is known once it is made, here as there. */
const KNOWN_LATER = {
  ...Object.fromEntries(
    [
      ...['aws_iam_role.backend.arn', 'aws_iam_user.backend.arn', 'aws_cloudfront_distribution.files.arn'],
      ...['aws_cloudfront_origin_access_control.files.id', 'aws_cloudfront_key_group.signing.id'],
      ...['aws_cloudfront_cache_policy.immutable.id', 'aws_cloudfront_cache_policy.short.id'],
      'aws_cloudfront_cache_policy.public.id',
      ...['aws_cloudfront_response_headers_policy.files.id', 'aws_cloudfront_public_key.signing.id'],
      'aws_acm_certificate_validation.cdn.certificate_arn',
    ].map((name) => [name, LATER]),
  ),
  'aws_s3_bucket.files.bucket_regional_domain_name': 'my-files.s3.eu-central-1.amazonaws.com',
};

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
      const evaluated = await evaluateModule('aws', provider.variables, KNOWN_LATER);
      assertFits(provider, evaluated);
      assertSame(settingsOfAws(evaluated), await desiredOf(provider));
    });
  }

  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKeys = [publicKey.export({ type: 'spki', format: 'pem' }).toString()];
  const delivery = [
    { prefix: 'brand-images/', isImmutable: true, isPublic: false },
    { prefix: 'posters/', isImmutable: false, isPublic: true },
    { prefix: 'invoices/', isImmutable: false, isPublic: false },
  ];
  for (const [what, cdn, fields] of [
    ['with a distribution', { publicKeys }, {}],
    [
      'with a distribution on a domain',
      { publicKeys, domain: 'cdn.example.org', priceClass: 'PriceClass_All' },
      {},
    ],
    ['with a distribution and no origins', { publicKeys }, { corsOrigins: [] }],
  ] as const) {
    test(what, async () => {
      const provisioning = provisioningOf({ ...fields, aws: { cdn } });
      await using provider = await openAws(aws, { provisioning, delivery });
      const evaluated = await evaluateModule('aws', provider.variables, KNOWN_LATER);
      assertFits(provider, evaluated);
      const settings = { ...settingsOfAws(evaluated), ...settingsOfCloudFront(evaluated) };
      assertSame(settings, await desiredOf(provider));
    });
  }

  test('with a distribution that lets in only who has a signature, but for public folders', async () => {
    const provisioning = provisioningOf({ aws: { cdn: { publicKeys } } });
    await using provider = await openAws(aws, { provisioning, delivery });
    const { resources } = await evaluateModule('aws', provider.variables, KNOWN_LATER);
    const distribution = only(resources.get('aws_cloudfront_distribution.files') as never);
    const behaviours = [
      only(distribution.default_cache_behavior),
      ...all(distribution.ordered_cache_behavior),
    ];
    assert.deepEqual(
      behaviours.map((each) => [each.path_pattern ?? '*', each.trusted_key_groups !== undefined]),
      [
        ['*', true],
        ['brand-images/*', true],
        ['posters/*', false],
      ],
    );
    const headers = only(resources.get('aws_cloudfront_response_headers_policy.files') as never);
    const csp = only(only(headers.security_headers_config).content_security_policy);
    assert.equal(csp.content_security_policy, DELIVERY_CSP);
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
