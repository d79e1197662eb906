import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openTestDatabase } from '../../src/catalog/testing.ts';
import { startAwsRecorder } from '../servers/aws-recorder/server.ts';
import { startAzurite } from '../servers/azurite.ts';
import { startGcsServer } from '../servers/gcs/server.ts';
import { makeTestAccount } from '../servers/gcs/test-account.ts';
import { type Block, placeOf } from './blocks.ts';
import { blockWith, claimed } from './claims.ts';
import { freshDirectory } from './programs.ts';
import { missingPrograms, type Pasted, paste, settingsIn } from './shell.ts';

const AWS = 'docs/guides/provision-aws.md';
const AZURE = 'docs/guides/provision-azure.md';
const GCP = 'docs/guides/provision-gcp.md';
const LOCAL = 'docs/guides/provision-local.md';
const OPERATOR = { name: 'operator', accessKeyId: 'OPERATORKEY', secretAccessKey: 'operator-on-loopback' };
const BACKEND = {
  ...{ name: 'backend', accessKeyId: 'BACKENDKEY', secretAccessKey: 'backend-on-loopback' },
  identity: 'role/none',
};

const executed = new Set<string>();
const noBash = missingPrograms('bash');
let cwd = '';
beforeEach(() => {
  cwd = freshDirectory();
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

describe('the commands that pages show', { skip: noBash }, () => {
  const noOpenssl = missingPrograms('openssl');
  for (const document of [AWS, 'docs/guides/cdn.md']) {
    test(`make a key pair that Stowage takes (${document})`, { skip: noOpenssl }, async () => {
      const { code, stderr } = await paste(take(document, 'openssl').text, cwd);
      assert.equal(code, 0, stderr);
      const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(
        readFileSync(join(cwd, 'cdn-public.pem')),
      );
      assert.equal(asymmetricKeyType, 'rsa');
      assert.equal(asymmetricKeyDetails?.modulusLength, 2048);
      assert.match(readFileSync(join(cwd, 'cdn-private.pem'), 'utf8'), /PRIVATE KEY/);
    });
  }

  test('estimate what is stored, and what is planned', async () => {
    await using database = await openTestDatabase();
    const { host, port, user, database: name } = database.app;
    const url = `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`;
    const lines = stowageLines(take('docs/guides/cost.md', 'stowage estimate'));
    assert.equal(lines.length, 5);
    for (const line of lines) {
      const { code, stdout, stderr } = await paste(line, cwd, { DATABASE_URL: url, NODE_ENV: 'test' });
      assert.equal(code, 0, line + stderr);
      assert.match(stdout, line.includes('--json') ? /"currency":"USD"/ : /List prices as of/, line);
    }
  });

  test('make a bucket on AWS, prove it, hand it on, and take it away', async () => {
    await using aws = await startAwsRecorder({ operator: OPERATOR, backend: BACKEND });
    writeFileSync(join(cwd, 'stowage.config.ts'), blockWith(AWS, 'ecs-tasks').text);
    mkdirSync(join(cwd, '.aws'));
    writeFileSync(
      join(cwd, '.aws/credentials'),
      `[administrator]\naws_access_key_id=${OPERATOR.accessKeyId}\naws_secret_access_key=${OPERATOR.secretAccessKey}\n`,
    );
    const env = {
      ...(await settingsIn(blockWith(AWS, 'S3_BUCKET_NAME=').text, cwd)),
      S3_ENDPOINT: aws.origin,
      AWS_ENDPOINT_URL_IAM: aws.origin,
      S3_ACCESS_KEY: OPERATOR.accessKeyId,
      S3_SECRET_KEY: OPERATOR.secretAccessKey,
    };
    const [plan, apply] = await eachLine(take(AWS, 'provision plan'), env);
    assert.equal(plan?.code, 3, plan?.stderr);
    assert.equal(apply?.code, 0, apply?.stdout);
    assert.ok(aws.buckets.has('my-files-prod'));
    const [verify] = await eachLine(take(AWS, 'provision verify'), env);
    assert.equal(verify?.code, 0, verify?.stdout);
    const [state, documents, terraform] = await eachLine(take(AWS, 'provision export'), env);
    assert.ok(JSON.parse(state?.stdout ?? '').settings.bucket);
    assert.ok(JSON.parse(documents?.stdout ?? '').identity_policy);
    assert.equal(terraform?.code, 0, terraform?.stderr);
    assert.equal(variables().bucket, 'my-files-prod');
    rmSync(join(cwd, 'terraform.tfvars.json'));
    const [again] = await eachLine(take('deploy/terraform/README.md', 'provision export'), env);
    assert.equal(again?.code, 0, again?.stderr);
    assert.equal(variables().bucket, 'my-files-prod');
    aws.buckets
      .get('my-files-prod')
      ?.objects.set('photo', [{ id: '1', bytes: Buffer.from('x'), isMarker: false }]);
    const [careful, forced] = await eachLine(take(AWS, 'provision destroy'), env);
    assert.equal(careful?.code, 1, 'refuses a bucket with objects');
    assert.equal(forced?.code, 0, forced?.stderr);
    assert.equal(aws.buckets.size, 0);
  });

  test('make a container on Azure', async () => {
    await using azurite = await startAzurite();
    // The account itself is reached by the management API, whose address no setting changes: src/provisioning/azure
    // has the tests of that. Azurite keeps no versions.
    writeFileSync(
      join(cwd, 'stowage.config.json'),
      JSON.stringify({ provisioning: { environment: 'prod', leaveOut: ['old_version'] } }),
    );
    const { AZURE_ACCOUNT_URL: _url, ...settings } = await settingsIn(
      blockWith(AZURE, 'AZURE_ACCOUNT_URL=').text,
      cwd,
    );
    const env = { ...settings, AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString };
    const [plan, apply, verify] = await eachLine(take(AZURE, 'az login'), env);
    assert.equal(plan?.code, 3, plan?.stderr);
    assert.equal(apply?.code, 0, apply?.stdout);
    assert.equal(verify?.code, 0, verify?.stdout);
  });

  test('make a bucket on Google', async () => {
    await using operator = await makeTestAccount('operator');
    await using backend = await makeTestAccount('backend');
    await using server = await startGcsServer({
      accounts: new Map([operator, backend].map(({ email, publicKey }) => [email, publicKey])),
      operators: [operator.email],
      buckets: [],
    });
    copyFileSync(operator.keyFilePath, join(cwd, 'administrator.json'));
    writeFileSync(join(cwd, 'stowage.config.ts'), blockWith(GCP, 'defineConfig').text);
    const settings = await settingsIn(blockWith(GCP, 'GCS_BUCKET_NAME=').text, cwd);
    const env = { ...settings, GCS_CREDENTIALS_PATH: backend.keyFilePath, GCS_ENDPOINT: server.origin };
    const [plan, apply, verify] = await eachLine(take(GCP, 'gcloud iam'), env);
    assert.equal(plan?.code, 3, plan?.stderr);
    assert.equal(apply?.code, 0, apply?.stdout);
    assert.equal(verify?.code, 0, verify?.stdout);
    assert.ok(server.buckets.has('my-files-prod'));
  });

  test('make a directory on this machine, once its disk is there', async (context) => {
    const config = blockWith(LOCAL, 'defineConfig').text.replace('20gb', '1kb');
    const configure = (mount: string) =>
      writeFileSync(join(cwd, 'stowage.config.ts'), config.replaceAll('/srv/stowage', mount));
    const settings = async (mount: string) =>
      await settingsIn(blockWith(LOCAL, 'STORAGE_BACKEND=').text.replaceAll('/srv/stowage', mount), cwd);
    const block = take(LOCAL, 'provision plan');

    configure(cwd);
    const [, refused] = await eachLine(block, await settings(cwd));
    assert.notEqual(refused?.code, 0);
    assert.match(`${refused?.stdout}${refused?.stderr}`, /mount/);

    // In memory, where Linux has it: a mount that needs no rights to be written to.
    const mount = '/dev/shm';
    const disk = statSync(mount, { throwIfNoEntry: false });
    if (disk === undefined || disk.dev === statSync('/dev').dev) return context.skip('no mount to write to');
    const place = `${mount}/stowage-docs-${process.pid}`;
    configure(mount);
    try {
      const env = { STORAGE_BACKEND: 'local', LOCAL_STORAGE_PATH: place };
      const [plan, apply] = await eachLine(block, env);
      assert.equal(plan?.code, 3, plan?.stderr);
      assert.equal(apply?.code, 0, apply?.stdout);
      assert.equal(statSync(place).mode & 0o777, 0o700);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });

  test('are all run here', () => {
    const missed = claimed('test/docs/commands.test.ts').map(placeOf);
    assert.deepEqual(
      missed.filter((place) => !executed.has(place)),
      missingPrograms('openssl') === false ? [] : missed.filter((place) => /cdn|aws/.test(place)),
    );
  });
});

/** What the page about AWS needs to be installed is what the package says. */
test('the packages that the page about AWS installs are those that the command asks for', () => {
  const { text } = blockWith(AWS, 'npm install');
  const { peerDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  );
  assert.deepEqual(text.trim().split(' ').slice(2).toSorted(), Object.keys(peerDependencies).toSorted());
});

function take(document: string, piece: string): Block {
  const block = blockWith(document, piece);
  executed.add(placeOf(block));
  return block;
}

function stowageLines({ text }: Block): readonly string[] {
  return text.split('\n').filter((line) => /^(npx )?stowage /.test(line));
}

/**
 * Runs each `stowage` line of a block in a shell of its own, after what the block exports: some end with a code that would
 * stop a script. Nobody watches: what asks first is told yes. Lines of `az` and `gcloud` need an account and are left out.
 */
async function eachLine(
  block: Block,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Pasted[]> {
  // CORS rules and soft delete of Azure are of the whole account: to change them is always asked.
  const asking = block.document === AZURE ? / apply\b/ : / destroy\b/;
  const exported = block.text.split('\n').filter((line) => line.startsWith('export '));
  const results: Pasted[] = [];
  for (const line of stowageLines(block)) {
    const told = line.replace(asking, '$& --yes');
    results.push(await paste([...exported, told].join('\n'), cwd, { NODE_ENV: 'test', ...env }));
  }
  return results;
}

function variables(): { readonly bucket?: string } {
  return JSON.parse(readFileSync(join(cwd, 'terraform.tfvars.json'), 'utf8'));
}
