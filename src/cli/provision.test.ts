import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newBucket } from '../../test/servers/aws-recorder/s3.ts';
import { type AwsRecorder, startAwsRecorder } from '../../test/servers/aws-recorder/server.ts';
import type { Environment } from '../config/look-alikes.ts';
import { runProcess } from './main.ts';

const OPERATOR = {
  name: 'operator',
  accessKeyId: 'TESTOPERATORKEY',
  secretAccessKey: 'operator-on-loopback',
};
const NOBODY = { name: 'nobody', accessKeyId: 'NOBODY', secretAccessKey: 'nobody', identity: 'role/none' };

let aws: AwsRecorder;
let cwd: string;
before(async () => {
  aws = await startAwsRecorder({ operator: OPERATOR, backend: NOBODY });
  cwd = mkdtempSync(join(tmpdir(), 'stowage-provision-'));
  const provisioning = {
    corsOrigins: 'https://app.example.org',
    aws: { store: 'aws', identity: null },
    local: { freeSpaceMin: '1kb' },
  };
  writeFileSync(join(cwd, 'stowage.config.json'), JSON.stringify({ provisioning }));
});
after(async () => {
  await aws[Symbol.asyncDispose]();
  rmSync(cwd, { recursive: true, force: true });
});

async function provision(words: string, changes: Environment = {}, answers?: string) {
  let [stdout, stderr] = ['', ''];
  const stream = (take: (text: string) => void, isTTY: boolean) => ({
    isTTY,
    write(text: string) {
      take(text);
      return true;
    },
    once: () => undefined,
  });
  const isWatched = answers !== undefined;
  const { PassThrough } = await import('node:stream');
  const stdin = Object.assign(new PassThrough(), { isTTY: isWatched }) as unknown as NodeJS.ReadStream;
  if (isWatched) (stdin as unknown as InstanceType<typeof PassThrough>).write(`${answers}\n`);
  const fake = {
    argv: ['node', 'stowage', 'provision', ...words.split(' ')],
    env: {
      DATA_DIR: join(cwd, 'data'),
      STORAGE_BACKEND: 's3',
      S3_BUCKET_NAME: 'my-files',
      S3_REGION: 'eu-central-1',
      S3_ENDPOINT: aws.origin,
      S3_ACCESS_KEY: OPERATOR.accessKeyId,
      S3_SECRET_KEY: OPERATOR.secretAccessKey,
      ...changes,
    },
    stdout: stream((text) => {
      stdout += text;
    }, isWatched),
    stderr: stream((text) => {
      stderr += text;
    }, isWatched),
    stdin,
    cwd: () => cwd,
    exit: () => undefined,
    on: () => undefined,
    exitCode: undefined as number | string | null | undefined,
  };
  await runProcess(fake);
  return { code: fake.exitCode, stdout, stderr };
}

describe('stowage provision', () => {
  test('plan shows what would be made, changes nothing, and ends with 3', async () => {
    const { code, stdout } = await provision('plan');
    assert.equal(code, 3);
    assert.match(stdout, /^\+ bucket /m);
    assert.match(stdout, /^\+ lifecycle /m);
    assert.match(stdout, /^ {4}stowage-expire-incoming\.expire: 1$/m);
    assert.equal(stdout.includes('\u001b['), false);
    assert.equal(aws.buckets.size, 0);
    assert.equal(existsSync(join(cwd, 'data')), false, 'not even secrets of the service');
    assert.equal((await provision('plan', { NODE_ENV: 'production' })).code, 3, 'no need of them either');
  });

  test('plan --json is one document with every difference', async () => {
    const { code, stdout } = await provision('plan --json');
    const plan = JSON.parse(stdout);
    assert.equal(code, 3);
    assert.equal(plan.has_drift, true);
    const cors = plan.changes.find(({ setting }: { setting: string }) => setting === 'cors');
    assert.deepEqual(cors.differences[0].desired[0].origins, ['https://app.example.org']);
  });

  test('apply makes what is not there without a question, and ends with verify', async () => {
    const { code, stdout, stderr } = await provision('apply');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Made or changed: bucket, /);
    assert.match(stdout, /^ok {3}anonymous_read /m);
    assert.ok(aws.buckets.has('my-files'));
    const again = await provision('apply');
    assert.equal(again.code, 0);
    assert.match(again.stdout, /Nothing had to be changed/);
    assert.equal((await provision('plan')).code, 0);
  });

  test('apply refuses to change what exists where nobody can be asked', async () => {
    aws.buckets.get('my-files')?.settings.delete('cors');
    for (const words of ['apply', 'apply --json']) {
      const { code, stdout, stderr } = await provision(words);
      assert.equal(code, 2);
      assert.match(stdout + stderr, /--yes/);
    }
    assert.equal(aws.buckets.get('my-files')?.settings.has('cors'), false);
    assert.equal((await provision('verify')).code, 3);
    assert.equal((await provision('apply --yes')).code, 0);
    assert.equal((await provision('verify --json')).code, 0);
  });

  test('apply asks a person, in colours, and takes no for no', async () => {
    aws.buckets.get('my-files')?.settings.delete('cors');
    const no = await provision('apply', {}, 'no');
    assert.equal(no.code, 1);
    assert.ok(no.stdout.includes('\u001b[3'));
    assert.match(no.stderr, /Change my-files\?/);
    assert.equal(aws.buckets.get('my-files')?.settings.has('cors'), false);
    const yes = await provision('apply', {}, 'yes');
    assert.equal(yes.code, 0, yes.stderr);
    assert.equal(aws.buckets.get('my-files')?.settings.has('cors'), true);
  });

  test('export prints the desired state, the documents and the variables', async () => {
    const json = JSON.parse((await provision('export')).stdout);
    assert.deepEqual(json.settings.bucket, { region: 'eu-central-1' });
    const documents = JSON.parse((await provision('export --format documents')).stdout);
    assert.equal(documents.identity_policy.Statement[0].Resource, 'arn:aws:s3:::my-files');
    const variables = JSON.parse((await provision('export --format terraform')).stdout);
    assert.equal(variables.bucket, 'my-files');
    assert.equal((await provision('export --format yaml')).code, 2);
  });

  test('destroy refuses objects without --force and the name, then takes all away', async () => {
    const bucket = aws.buckets.get('my-files') ?? newBucket('my-files', 'eu-central-1');
    bucket.objects.set('photo', [{ id: '1', bytes: Buffer.from('x'), isMarker: false }]);
    for (const words of [
      '--yes',
      '--yes --force',
      '--yes --bucket my-files',
      '--yes --force --bucket other',
    ]) {
      const { code } = await provision(`destroy ${words}`);
      assert.equal(code, 1, words);
      assert.ok(aws.buckets.has('my-files'), words);
    }
    const refused = JSON.parse((await provision('destroy --yes --json')).stdout);
    assert.equal(refused.kind, 'refused');
    assert.deepEqual(refused.contents, { exists: true, objects: 1, has_more: false });
    const { code, stdout } = await provision('destroy --yes --force --bucket my-files');
    assert.equal(code, 0);
    assert.match(stdout, /bucket my-files/);
    assert.equal(aws.buckets.size, 0);
    assert.match((await provision('destroy --yes')).stdout, /nothing to remove/);
  });

  test('works on local disk too', async () => {
    const path = join(cwd, 'files');
    const env = { STORAGE_BACKEND: 'local', LOCAL_STORAGE_PATH: path };
    assert.equal((await provision('plan', env)).code, 3);
    const applied = await provision('apply', env);
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal((await provision('plan', env)).code, 0);
  });
});
