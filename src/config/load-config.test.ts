import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseTrustedProxies } from '../access/client-address.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load-config.ts';
import type { Environment } from './look-alikes.ts';
import { openMadeSecrets } from './made-secrets.ts';
import { ConfigError } from './problems.ts';
import { gatherSettingValues } from './setting-values.ts';
import { SETTINGS } from './settings.ts';

const directories: string[] = [];
const JUDGED = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/avif',
  'image/tiff',
  'video/mp4',
  'application/zip',
  'application/pdf',
  'text/plain',
  'text/markdown',
  'application/xml',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
]);
const SECRET = 'a-secret-of-more-than-thirty-two-bytes';
const OTHER_SECRET = 'another-secret-of-more-than-32-bytes!';

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'stowage-config-'));
  directories.push(path);
  return path;
}

function load(env: Environment, cwd = temporaryDirectory()): Promise<Config> {
  return loadConfig({ env, cwd, canJudge: (mediaType) => JUDGED.has(mediaType) });
}

async function problemsOf(env: Environment, cwd?: string): Promise<readonly string[]> {
  try {
    await load(env, cwd);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  assert.fail('the settings were accepted');
}

after(() => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

describe('without any setting', () => {
  test('Stowage has everything it needs', async () => {
    const cwd = temporaryDirectory();
    const config = await load({}, cwd);
    assert.equal(config.environment, 'development');
    assert.deepEqual([config.http.host, config.http.port], ['127.0.0.1', 3000]);
    assert.equal(config.dataDir, join(cwd, 'data'));
    assert.equal(config.storage.backend, 'local');
    assert.equal(config.storage.local.path, join(cwd, 'data', 'files'));
    assert.equal(config.storage.signedUrlSeconds, 3600);
    assert.equal(config.database.url, null);
    assert.equal(config.uploads.filesPerHour, 100);
    assert.equal(config.http.bodyBytesMax, 100 * 1024 * 1024);
    assert.equal(config.assetTypes.size, 7);
    assert.ok(Object.isFrozen(config.http));
  });

  test('secrets are made once, kept for their owner only, and found again', async () => {
    const cwd = temporaryDirectory();
    const first = await load({}, cwd);
    const second = await load({}, cwd);
    assert.deepEqual(first.madeSecrets, ['JWT_SECRET', 'SIGNING_SECRET']);
    assert.deepEqual(second.madeSecrets, []);
    assert.deepEqual(second.access.jwtSecrets, first.access.jwtSecrets);
    assert.deepEqual(second.storage.signingSecrets, first.storage.signingSecrets);
    assert.equal(statSync(join(cwd, 'data', 'secrets.json')).mode & 0o777, 0o600);
    assert.ok(Buffer.byteLength(first.access.jwtSecrets[0] ?? '') >= 32);
  });

  test('a damaged secrets file is named, and its content is not', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'secrets.json'), '{"signing_secret":"half-a-sec');
    const problems = await problemsOf({ DATA_DIR: cwd });
    assert.match(problems.join(), /^DATA_DIR/);
    assert.doesNotMatch(problems.join(), /half-a-sec/);
  });
});

describe('secrets from the environment and from files', () => {
  test('a file gives the secret without its last line end', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'jwt'), `${SECRET}\n`);
    const config = await load({ JWT_SECRET_FILE: 'jwt', SIGNING_SECRET: `${SECRET}, ${OTHER_SECRET}` }, cwd);
    assert.deepEqual(config.access.jwtSecrets, [SECRET]);
    assert.deepEqual(config.storage.signingSecrets, [SECRET, OTHER_SECRET]);
    assert.deepEqual(config.madeSecrets, []);
  });

  test('every secret may come from a file, whatever name it is set by, and no other setting may', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'secret'), `postgres://u:${SECRET}@db.example/x\n`);
    const problems: string[] = [];
    for (const { name, aliases, secret } of SETTINGS) {
      for (const each of [name, ...aliases]) {
        const values = gatherSettingValues({ [`${each}_FILE`]: 'secret' }, new Map(), cwd, problems);
        const given = secret
          ? { text: `postgres://u:${SECRET}@db.example/x`, source: `${each}_FILE` }
          : undefined;
        assert.deepEqual(values.get(name), given, each);
      }
    }
    assert.deepEqual(problems, []);
    assert.ok(SETTINGS.filter(({ secret }) => secret).length >= 8);
    const config = await load({ DATABASE_URL_FILE: 'secret' }, cwd);
    assert.match(config.database.url ?? '', /^postgres:\/\/u:/);
  });

  test('the name and its file together are refused', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'jwt'), SECRET);
    const problems = await problemsOf({ JWT_SECRET_FILE: 'jwt', JWT_SECRET: OTHER_SECRET }, cwd);
    assert.deepEqual(problems, ['JWT_SECRET and JWT_SECRET_FILE are both set; keep one']);
  });

  test('an unreadable and an empty file are refused by name', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'empty'), '\n');
    const problems = await problemsOf({ JWT_SECRET_FILE: 'missing', SIGNING_SECRET_FILE: 'empty' }, cwd);
    assert.match(problems[0] ?? '', /^JWT_SECRET_FILE .*ENOENT/);
    assert.match(problems[1] ?? '', /^SIGNING_SECRET_FILE/);
  });

  test('a secret of 31 bytes is refused, one of 32 is not', async () => {
    assert.match(
      (await problemsOf({ SIGNING_SECRET: 'x'.repeat(31) })).join(),
      /SIGNING_SECRET needs at least 32/,
    );
    assert.match(
      (await problemsOf({ JWT_SECRET: `${SECRET},short` })).join(),
      /^JWT_SECRET .*secret 2 of 2 is shorter$/,
    );
    assert.equal((await load({ SIGNING_SECRET: 'x'.repeat(32) })).storage.signingSecrets.length, 1);
  });
});

describe('wrong settings', () => {
  test('all problems are told at once, by name, without a secret', async () => {
    const problems = await problemsOf({
      PORT: '70000',
      SIGNED_URL_EXPIRATION_SECONDS: '30',
      STORAGE_BACKEND: 'ftp',
      DATABASE_URL: 'hunter2-not-a-url',
      BODY_LIMIT: 'lots',
      JWT_SECRET: 'short-secret',
      CORS_ORIGINS: 'example.org',
      TRUST_PROXY: 'everyone',
      PUBLIC_URL: 'ftp://example.org',
      NODE_ENV: 'prodution',
    });
    const names = problems.map((problem) => problem.split(' ')[0]).sort();
    assert.deepEqual(names, [
      'BODY_LIMIT',
      'CORS_ORIGINS',
      'DATABASE_URL',
      'JWT_SECRET',
      'NODE_ENV',
      'PORT',
      'PUBLIC_URL',
      'SIGNED_URL_EXPIRATION_SECONDS',
      'STORAGE_BACKEND',
      'TRUST_PROXY',
    ]);
    assert.doesNotMatch(problems.join(), /hunter2|short-secret/);
  });

  test('a misspelt setting is a problem that names the right one', async () => {
    const problems = await problemsOf({
      SIGNING_SECRETS: SECRET,
      S3_BUKET_NAME: 'bucket',
      STOWAGE_COLOUR: 'blue',
      STOWAGE_SIGNING_SECRET: SECRET,
    });
    assert.deepEqual(problems, [
      'S3_BUKET_NAME is no setting; did you mean S3_BUCKET_NAME?',
      'SIGNING_SECRETS is no setting; did you mean SIGNING_SECRET?',
      'STOWAGE_COLOUR is no setting',
      'STOWAGE_SIGNING_SECRET is no setting; did you mean SIGNING_SECRET?',
    ]);
  });

  test('variables of the machine and of an orchestrator are left alone', async () => {
    await load({
      HOME: '/root',
      HOSTNAME: 'web-1',
      PWD: '/',
      LANG: 'C',
      STOWAGE_SERVICE_HOST: '10.0.0.1',
      STOWAGE_PORT: 'tcp://10.0.0.1:3000',
      STOWAGE_PORT_3000_TCP_PROTO: 'tcp',
      AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
      PORT: '',
    });
  });

  test('production needs a token verifier and a signing secret', async () => {
    const problems = await problemsOf({ NODE_ENV: 'production' });
    assert.match(problems.join('\n'), /JWT_SECRET or JWKS_URL/);
    assert.match(problems.join('\n'), /SIGNING_SECRET/);
    const config = await load({ NODE_ENV: 'production', JWT_SECRET: SECRET, SIGNING_SECRET: SECRET });
    assert.match(config.warnings.join('\n'), /local disk in production/);
    assert.deepEqual(config.madeSecrets, []);
  });

  test('production takes the keys of an identity provider for a token verifier, and makes no secret', async () => {
    const cwd = temporaryDirectory();
    const env = {
      ...{ NODE_ENV: 'production', SIGNING_SECRET: SECRET, JWKS_URL: 'https://id.example.org/keys' },
      ...{ JWT_ISSUER: 'https://id.example.org', JWT_AUDIENCE: 'stowage' },
    };
    const config = await load(env, cwd);
    assert.deepEqual([config.access.jwtSecrets, config.madeSecrets], [[], []]);
    assert.ok(!existsSync(join(cwd, 'data', 'secrets.json')));
  });

  test('TRUST_PROXY may name the networks of this machine and of its neighbours by a word', async () => {
    const { trustProxy } = (await load({ TRUST_PROXY: 'loopback, private,192.0.2.7' })).http;
    const isTrusted = parseTrustedProxies(trustProxy);
    for (const address of [
      '127.0.0.1',
      '::1',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      'fd00::1',
      '192.0.2.7',
    ])
      assert.ok(isTrusted(address), address);
    for (const address of ['192.0.2.8', '172.32.0.1', '2001:db8::1', '8.8.8.8'])
      assert.ok(!isTrusted(address), address);
    assert.deepEqual((await load({})).http.trustProxy, []);
  });

  test('keys of an identity provider need the issuer and the audience', async () => {
    const problems = await problemsOf({ JWKS_URL: 'https://id.example.org/keys' });
    assert.deepEqual(
      problems.map((problem) => problem.split(' ')[0]),
      ['JWT_ISSUER', 'JWT_AUDIENCE'],
    );
  });

  test('an encryption key is refused while files would be stored plain', async () => {
    for (const key of ['f'.repeat(64), Buffer.alloc(32, 7).toString('base64')]) {
      assert.match((await problemsOf({ ENCRYPTION_KEY: key })).join(), /ENCRYPTION_KEY .*does not encrypt/);
    }
    for (const key of ['abc', 'f'.repeat(62), Buffer.alloc(31, 7).toString('base64')]) {
      assert.match((await problemsOf({ ENCRYPTION_KEY: key })).join(), /ENCRYPTION_KEY must be 32 bytes/);
    }
  });

  test('REDIS_URL is accepted with a warning that it is not used', async () => {
    assert.match((await load({ REDIS_URL: 'redis://localhost' })).warnings.join(), /REDIS_URL is not used/);
  });
});

describe('cloud settings', () => {
  const aws = { USE_S3: 'true', AWS_S3_BUCKET: 'bucket', AWS_REGION: 'eu-central-1' };

  test('the AWS names are understood, and our own names win', async () => {
    const config = await load({
      ...aws,
      S3_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key',
    });
    assert.equal(config.storage.backend, 's3');
    assert.equal(config.storage.s3?.bucket, 'bucket');
    assert.equal(config.storage.s3?.region, 'eu-west-1');
    assert.deepEqual(config.storage.s3?.credentials, {
      accessKeyId: 'id',
      secretAccessKey: 'key',
      sessionToken: null,
    });
  });

  test('half a pair of keys, and keys of two sets, are refused', async () => {
    assert.match((await problemsOf({ ...aws, S3_ACCESS_KEY: 'id' })).join(), /^S3_ACCESS_KEY is set without/);
    const mixed = { ...aws, S3_ACCESS_KEY: 'id', AWS_SECRET_ACCESS_KEY: 'key' };
    assert.match((await problemsOf(mixed)).join(), /mix two sets/);
  });

  test('each backend names what it lacks', async () => {
    const first = (problems: readonly string[]) => problems.map((problem) => problem.split(' ')[0]);
    assert.deepEqual(first(await problemsOf({ STORAGE_BACKEND: 's3' })), ['S3_BUCKET_NAME', 'S3_REGION']);
    assert.deepEqual(first(await problemsOf({ STORAGE_BACKEND: 'azure' })), [
      'AZURE_STORAGE_CONNECTION_STRING',
      'AZURE_CONTAINER_NAME',
    ]);
    assert.deepEqual(first(await problemsOf({ STORAGE_BACKEND: 'gcs' })), ['GCS_BUCKET_NAME']);
  });

  test('other backends that are set up can hold files too, when their settings are complete', async () => {
    const s3 = { S3_BUCKET_NAME: 'old-files', S3_REGION: 'eu-central-1' };
    const azure = {
      AZURE_CONTAINER_NAME: 'files',
      AZURE_STORAGE_CONNECTION_STRING: 'AccountName=a;AccountKey=eA==',
    };
    const both = (await load({ ...s3, ...azure, STORAGE_BACKEND: 'azure' })).storage;
    assert.deepEqual([both.s3?.bucket, both.azure?.container, both.gcs], ['old-files', 'files', null]);
    const half = await load({ S3_BUCKET_NAME: 'old-files' });
    assert.deepEqual([half.storage.backend, half.storage.s3], ['local', null]);
    assert.match(
      half.warnings.join(),
      /^S3_BUCKET_NAME is set, but the other settings of s3 are not complete/,
    );
  });

  test('USE_S3 against another backend is a contradiction', async () => {
    assert.match((await problemsOf({ ...aws, STORAGE_BACKEND: 'gcs' })).join(), /contradict/);
  });
});

describe('the config file', () => {
  test('TypeScript is loaded with its helper, and the environment wins', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(
      join(cwd, 'stowage.config.ts'),
      `import { defineConfig } from 'stowage';
       const port: number = 4000;
       export default defineConfig({
         port, uploadsPerHour: 7, corsOrigins: ['https://a.example', 'https://b.example'],
         assetTypes: {
           avatar: { accepts: { 'image/png': ['png'] }, maxSize: '1mb', keyTemplate: 'avatars/{team_id}/{uuid8}_{filename}' },
           brand_image: { maxSize: 1024 },
           invoice: null,
         },
       });`,
    );
    const config = await load({ UPLOADS_PER_HOUR: '9' }, cwd);
    assert.equal(config.http.port, 4000);
    assert.equal(config.uploads.filesPerHour, 9);
    assert.deepEqual(config.http.corsOrigins, ['https://a.example', 'https://b.example']);
    assert.equal(config.assetTypes.get('avatar')?.fileBytesMax, 1024 * 1024);
    assert.equal(config.assetTypes.get('avatar')?.unusedDaysMax, null);
    assert.equal(config.assetTypes.get('brand_image')?.fileBytesMax, 1024);
    assert.equal(config.assetTypes.get('brand_image')?.unusedDaysMax, 90);
    assert.equal(config.assetTypes.has('invoice'), false);
  });

  test('public types have no retention: nobody can tell which of their assets are read', async () => {
    const cwd = temporaryDirectory();
    const write = (brandImage: object) =>
      writeFileSync(
        join(cwd, 'stowage.config.json'),
        JSON.stringify({ assetTypes: { brand_image: { visibility: 'public', ...brandImage } } }),
      );
    for (const fields of [{}, { retentionDays: null }]) {
      write(fields);
      assert.equal((await load({}, cwd)).assetTypes.get('brand_image')?.unusedDaysMax, null);
    }
    write({ retentionDays: 30 });
    assert.match(
      (await problemsOf({}, cwd)).join(),
      /assetTypes\.brand_image\.retentionDays must not be set/,
    );
  });

  test('STOWAGE_CONFIG names another one, and a missing one is a problem', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'other.json'), '{"port": 4001}');
    assert.equal((await load({ STOWAGE_CONFIG: 'other.json' }, cwd)).http.port, 4001);
    assert.match(
      (await problemsOf({ STOWAGE_CONFIG: 'none.json' }, cwd)).join(),
      /^STOWAGE_CONFIG names a file/,
    );
  });

  test('unknown fields, secrets and wrong asset types are refused with their path', async () => {
    const cwd = temporaryDirectory();
    const type = { accepts: { 'image/png': ['png'] }, maxSize: '1mb', keyTemplate: 'a/{uuid}' };
    writeFileSync(
      join(cwd, 'stowage.config.json'),
      JSON.stringify({
        prot: 1,
        jwtSecret: SECRET,
        assetTypes: {
          brand_image: { maxSise: '5mb' },
          Bad: type,
          no_uuid: { ...type, keyTemplate: 'a/{filename}' },
          unknown_placeholder: { ...type, keyTemplate: 'a/{uuid}_{colour}' },
          climbing: { ...type, keyTemplate: '../{uuid}' },
          incoming: { ...type, keyTemplate: 'incoming/{uuid}' },
          unjudged: { ...type, accepts: { 'application/x-msdownload': ['exe'] } },
          dotted: { ...type, accepts: { 'image/png': ['.png'] } },
          many: { ...type, filesPerRequest: 11 },
          open: { ...type, visibility: 'world' },
          short: { maxSize: '1mb' },
        },
      }),
    );
    const problems = (await problemsOf({}, cwd)).join('\n');
    for (const expected of [
      'prot in the config file is no setting',
      'jwtSecret in the config file is a secret; set JWT_SECRET',
      'assetTypes.brand_image.maxSise is no field; did you mean maxSize?',
      'assetTypes.Bad: a name',
      'assetTypes.no_uuid.keyTemplate must hold {uuid}',
      'assetTypes.unknown_placeholder.keyTemplate has the unknown placeholder {colour}',
      'assetTypes.climbing.keyTemplate makes no valid key',
      'assetTypes.incoming.keyTemplate must not begin with incoming/',
      'assetTypes.unjudged.accepts: application/x-msdownload',
      'assetTypes.dotted.accepts: image/png needs a list of extensions',
      'assetTypes.many.filesPerRequest',
      'assetTypes.open.visibility',
      'assetTypes.short.accepts is missing',
      'assetTypes.short.keyTemplate is missing',
    ]) {
      assert.ok(problems.includes(expected), `${expected}\nis not in\n${problems}`);
    }
    assert.ok(!problems.includes(SECRET));
  });

  test('a file that throws is a problem, not a crash', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'stowage.config.js'), 'throw new TypeError("nothing here");');
    assert.match((await problemsOf({}, cwd)).join(), /can't be loaded \(TypeError: nothing here\)/);
  });
});

test('of many processes that make secrets at once all have the same', async () => {
  const cwd = temporaryDirectory();
  const { spawn } = await import('node:child_process');
  const script = `import { openMadeSecrets } from ${JSON.stringify(new URL('./made-secrets.ts', import.meta.url).href)};
    const secrets = openMadeSecrets(process.argv[1]);
    process.stdout.write(secrets.signingSecret + ' ' + secrets.made + '\\n');`;
  const runs = Array.from({ length: 6 }, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, join(cwd, 'd')]);
    let output = '';
    for await (const chunk of child.stdout) output += chunk;
    return output.trim().split(' ');
  });
  const results = await Promise.all(runs);
  assert.equal(new Set(results.map(([secret]) => secret)).size, 1);
  assert.equal(results.filter(([, made]) => made === 'true').length, 1);
  assert.equal(openMadeSecrets(join(cwd, 'd')).signingSecret, results[0]?.[0]);
  assert.match(readFileSync(join(cwd, 'd', 'secrets.json'), 'utf8'), /jwt_secret/);
});
