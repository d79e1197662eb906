import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { knownNames } from '../../src/config/look-alikes.ts';
import { loadServiceConfig } from '../../src/service/load-service-config.ts';
import { type Block, placeOf } from './blocks.ts';
import { blockWith, claimed } from './claims.ts';
import { missingPrograms, settingsIn } from './shell.ts';

const TEST = 'test/docs/settings.test.ts';
const AWS = 'docs/guides/provision-aws.md';
const CONNECTION =
  'DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=YQ==;EndpointSuffix=core.windows.net';
const directory = mkdtempSync(join(tmpdir(), 'stowage-settings-'));
const repository = process.cwd();

before(() => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const secrets = join(directory, 'secrets');
  mkdirSync(secrets);
  writeFileSync(join(secrets, 'cdn-private.pem'), privateKey);
  writeFileSync(join(secrets, 'cdn-origin'), 'sixteen characters or more\n');
  writeFileSync(join(secrets, 'azure'), CONNECTION);
  writeFileSync(join(directory, 'connection-string'), CONNECTION);
  writeFileSync(join(directory, 'cdn-public.pem'), publicKey);
  // A config file may read files beside it, as the one of the CDN does: from where the command runs.
  process.chdir(directory);
});
after(() => {
  process.chdir(repository);
  rmSync(directory, { recursive: true, force: true });
});

/** A block of settings: what the page sets beside it, and what must come of it. */
interface Case {
  readonly with?: Readonly<Record<string, string>>;
  /** The block that the page says comes before it. */
  readonly follows?: Block;
  is(config: Config): void;
}

const isS3 = ({ storage }: Config) => assert.equal(storage.backend, 's3');
const S3 = { STORAGE_BACKEND: 's3', S3_BUCKET_NAME: 'my-files', S3_REGION: 'eu-central-1' };
const OVER_A_BUCKET = blockWith('docs/guides/cdn.md', 'CDN_DISTRIBUTION_ID=');

const SETTINGS: readonly (readonly [document: string, piece: string, Case])[] = [
  [
    ...(['docs/guides/cdn.md', 'CDN_DISTRIBUTION_ID='] as const),
    {
      with: S3,
      is: ({ cdn }) => {
        assert.equal(cdn?.origin, 'store');
        assert.equal(cdn?.keyPair?.id, 'K2JCJMDEHXQW5F');
        assert.equal(cdn?.distributionId, 'E2EXAMPLE1234');
      },
    },
  ],
  [
    ...(['docs/guides/cdn.md', 'CDN_ORIGIN=service'] as const),
    {
      follows: OVER_A_BUCKET,
      is: ({ cdn }) => {
        assert.equal(cdn?.origin, 'service');
        assert.equal(cdn?.originSecret, 'sixteen characters or more');
      },
    },
  ],
  [
    ...(['docs/guides/cdn.md', 'CDN_PURGE_URL='] as const),
    {
      is: ({ cdn, http }) => {
        assert.equal(cdn?.origin, 'service');
        assert.deepEqual(cdn?.purgeUrls.length, 2);
        assert.deepEqual(http.trustProxy, ['10.0.0.7', '10.0.0.8']);
      },
    },
  ],
  [
    ...(['docs/guides/move-to-a-cloud.md', 'LOCAL_STORAGE_PATH='] as const),
    {
      is: ({ storage }) => {
        assert.equal(storage.backend, 's3');
        assert.equal(storage.s3?.bucket, 'my-files');
        assert.equal(storage.local.path, '/srv/files');
      },
    },
  ],
  [
    ...(['docs/guides/move-to-a-cloud.md', 'STORAGE_BACKEND=azure'] as const),
    {
      with: { S3_BUCKET_NAME: 'my-files', S3_REGION: 'eu-central-1' },
      is: ({ storage }) => {
        assert.equal(storage.backend, 'azure');
        assert.equal(storage.azure?.connectionString, CONNECTION);
        assert.ok(storage.s3, 'the old side');
      },
    },
  ],
  [
    AWS,
    'S3_BUCKET_NAME=',
    {
      is: (config) => {
        isS3(config);
        assert.deepEqual(config.provisioning.corsOrigins, ['https://app.example.org']);
        assert.equal(config.provisioning.aws.store, 'aws');
      },
    },
  ],
  [
    ...(['docs/guides/provision-azure.md', 'AZURE_ACCOUNT_URL='] as const),
    { is: ({ storage }) => assert.equal(storage.azure?.container, 'my-files-prod') },
  ],
  [
    ...(['docs/guides/provision-gcp.md', 'GCS_BUCKET_NAME='] as const),
    { is: ({ storage }) => assert.equal(storage.gcs?.projectId, 'my-project') },
  ],
  [
    ...(['docs/guides/provision-local.md', 'LOCAL_STORAGE_PATH='] as const),
    { is: ({ storage }) => assert.equal(storage.local.path, '/srv/stowage/files') },
  ],
  [
    ...(['docs/providers/azure.md', 'AZURE_STORAGE_CONNECTION_STRING_FILE='] as const),
    { is: ({ storage }) => assert.equal(storage.azure?.connectionString, CONNECTION) },
  ],
  [
    ...(['docs/providers/azure.md', 'AZURE_ACCOUNT_URL='] as const),
    { is: ({ storage }) => assert.equal(storage.azure?.accountUrl, 'https://ACCOUNT.blob.core.windows.net') },
  ],
];

/** A config file: the settings of its page, and what must come of both. */
const FILES: readonly (readonly [document: string, piece: string, (config: Config) => void])[] = [
  [
    AWS,
    'ecs-tasks',
    ({ provisioning }) => {
      assert.equal(provisioning.environment, 'prod');
      assert.equal(provisioning.aws.identity?.trustedService, 'ecs-tasks.amazonaws.com');
    },
  ],
  [
    AWS,
    'readFileSync',
    ({ provisioning }) => {
      assert.equal(provisioning.aws.cdn?.domain, 'cdn.example.org');
      assert.match(provisioning.aws.cdn?.publicKeys[0] ?? '', /^-----BEGIN PUBLIC KEY-----/);
    },
  ],
  [
    AWS,
    'leaveOut',
    ({ provisioning }) => assert.deepEqual(provisioning.leaveOut, ['object_ownership', 'encryption']),
  ],
  [
    ...(['docs/guides/provision-azure.md', 'defineConfig'] as const),
    ({ provisioning }) => {
      assert.equal(provisioning.azure.resourceGroup, 'stowage');
      assert.equal(provisioning.azure.softDeleteDays, 14);
    },
  ],
  [
    ...(['docs/guides/provision-gcp.md', 'defineConfig'] as const),
    ({ provisioning }) => assert.equal(provisioning.gcs.location, 'europe-west3'),
  ],
  [
    ...(['docs/guides/provision-local.md', 'defineConfig'] as const),
    ({ provisioning }) => {
      assert.equal(provisioning.local.mountPoint, '/srv/stowage');
      assert.equal(provisioning.local.freeBytesMin, 20 * 1024 ** 3);
    },
  ],
  [
    ...(['docs/reference/configuration.md', 'defineConfig'] as const),
    ({ http, assetTypes }) => {
      assert.equal(http.publicUrl, 'https://files.example.org');
      assert.equal(assetTypes.get('avatar')?.fileBytesMax, 2 * 1024 ** 2);
      assert.equal(assetTypes.get('brand_image')?.fileBytesMax, 20 * 1024 ** 2);
      assert.equal(assetTypes.has('invoice'), false);
    },
  ],
];

describe('settings that the pages show', { skip: missingPrograms('bash') }, () => {
  for (const [document, piece, { with: more, follows, is }] of SETTINGS) {
    const block = blockWith(document, piece);
    test(`${placeOf(block)} are what a service starts with`, async () => {
      const before = follows === undefined ? {} : await read(follows);
      const settings = await read(block);
      const known = knownNames();
      assert.deepEqual(
        Object.keys(settings).filter((name) => !known.has(name)),
        [],
      );
      is(await load({ ...more, ...before, ...settings }));
    });
  }
});

describe('config files that the pages show', () => {
  for (const [document, piece, is] of FILES) {
    const block = blockWith(document, piece);
    test(`${placeOf(block)} are read`, async () => {
      // Each has a name of its own: Node loads a module once.
      const file = join(directory, `line-${block.line}-${document.split('/').at(-1)}.ts`);
      writeFileSync(file, block.text);
      const backend = document === AWS ? S3 : {};
      is(await load({ ...backend, STOWAGE_CONFIG: file }));
    });
  }
});

test('every block that is said to be loaded here is', () => {
  const here = [...SETTINGS, ...FILES].map(([document, piece]) => placeOf(blockWith(document, piece)));
  assert.deepEqual(here.toSorted(), claimed(TEST).map(placeOf).toSorted());
});

/** Settings of a block, with files of secrets that are there. */
function read(block: Block): Promise<Readonly<Record<string, string>>> {
  return settingsIn(block.text.replaceAll('/run/secrets/', `${directory}/secrets/`), directory);
}

function load(settings: Readonly<Record<string, string>>): Promise<Config> {
  const env = { DATA_DIR: join(directory, 'data'), ...settings };
  return loadServiceConfig({ env, cwd: directory });
}
