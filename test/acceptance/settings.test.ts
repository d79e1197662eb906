import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { fieldParts, filePart, onlyUpload } from './caller.ts';
import { form } from './http.ts';
import { rawConnection } from './raw.ts';
import { sample } from './samples/index.ts';
import {
  type CommandResult,
  type Environment,
  environmentFor,
  freePort,
  freshDirectory,
  runStowage,
  type Service,
  startService,
  until,
} from './service.ts';
import type { Asset, LogEntry } from './wire.ts';

/** Runs `serve` with an environment in which it must refuse to start. */
async function refusedStart(more: Environment): Promise<CommandResult> {
  const directory = freshDirectory();
  try {
    const environment = environmentFor(directory, { PORT: String(await freePort()), ...more });
    return await runStowage(['serve'], environment);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('wrong settings', () => {
  const wrong: Environment = {
    PORT: '70000',
    STORAGE_BACKEND: 'ftp',
    SIGNED_URL_EXPIRATION_SECONDS: '5',
    UPLOADS_PER_HOUR: '-1',
    BODY_LIMIT: 'lots',
    LOG_LEVEL: 'loud',
    PUBLIC_URL: 'not a url',
    TRUST_PROXY: 'everyone.example',
    JWT_SECRET: 'short-jwt-value',
    SIGNING_SECRET: 'short-signing-value',
    ENCRYPTION_KEY: 'not-a-key-value',
    DATABASE_URL: 'mysql://user:database-password-value@localhost/x',
  };

  test('that name a directory which can’t be made end the start at once, by name', {
    skip: process.platform !== 'linux',
  }, async () => {
    for (const [setting, more] of [
      ['DATA_DIR', { DATA_DIR: '/proc/stowage/data', JWT_SECRET: undefined }],
      ['DATA_DIR', { DATA_DIR: '/proc/stowage/data' }],
      ['LOCAL_STORAGE_PATH', { LOCAL_STORAGE_PATH: '/proc/stowage/objects' }],
    ] as const) {
      // Not refused in time: the command is killed, and there is no code.
      const { code, stderr } = await refusedStart(more);
      assert.ok(code === 1 || code === 2, `${setting}: ${code} ${stderr}`);
      assert.ok(stderr.includes(setting), `${setting} is not named in:\n${stderr}`);
    }
  });

  test('end the start with code 2, all named at once, without a secret’s value', async () => {
    const { code, stdout, stderr } = await refusedStart(wrong);
    assert.equal(code, 2, stdout + stderr);
    for (const name of Object.keys(wrong))
      assert.ok(stderr.includes(name), `${name} is not named in:\n${stderr}`);
    for (const secret of ['short-jwt', 'short-signing', 'not-a-key', 'database-password']) {
      assert.ok(!(stdout + stderr).includes(secret), `${secret} is printed`);
    }
    assert.doesNotMatch(stderr, /\bat .+\.ts:\d+/, 'a message, no stack');
  });

  for (const [title, more, name] of [
    ['S3 without a bucket', { STORAGE_BACKEND: 's3' }, 'S3_BUCKET_NAME'],
    ['Azure without a container', { STORAGE_BACKEND: 'azure' }, 'AZURE_CONTAINER_NAME'],
    ['Google Cloud Storage without a bucket', { STORAGE_BACKEND: 'gcs' }, 'GCS_BUCKET_NAME'],
    ['a secret and a file with it', { JWT_SECRET_FILE: '/nowhere/secret' }, 'JWT_SECRET'],
    [
      'a file with a secret that is not there',
      { JWT_SECRET: undefined, JWT_SECRET_FILE: '/nowhere/x' },
      'JWT_SECRET_FILE',
    ],
    [
      'a configuration file that is not there',
      { STOWAGE_CONFIG: '/nowhere/stowage.config.json' },
      'STOWAGE_CONFIG',
    ],
  ] as const) {
    test(`${title} is named`, async () => {
      const { code, stderr } = await refusedStart(more);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(name), stderr);
    });
  }

  test('in production, without a token verifier and a signing secret, refuse to start and name both', async () => {
    const { code, stderr } = await refusedStart({
      NODE_ENV: 'production',
      JWT_SECRET: undefined,
      SIGNING_SECRET: undefined,
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /JWT_SECRET/);
    assert.match(stderr, /SIGNING_SECRET/);
  });

  test('in production start with both, and warn of local disk; LOG_LEVEL decides what is written', async () => {
    await using service = await startService(
      { NODE_ENV: 'production', LOG_LEVEL: 'warn', PUBLIC_URL: 'https://files.example.test' },
      { backend: 'local' },
    );
    await service.as('alice').store('image', sample('png'));
    const lines = service
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { readonly level: string; readonly msg: string });
    assert.ok(
      lines.some(({ level, msg }) => level === 'warn' && /local disk in production/.test(msg)),
      service.output(),
    );
    assert.deepEqual(
      lines.filter(({ level }) => level !== 'warn'),
      [],
    );
  });

  test('an unknown field in the configuration file is refused by name', async () => {
    const directory = freshDirectory();
    try {
      const file = path.join(directory, 'stowage.config.json');
      writeFileSync(file, JSON.stringify({ colourOfTheShip: 'red' }));
      const { code, stderr } = await runStowage(
        ['serve'],
        environmentFor(directory, { STOWAGE_CONFIG: file }),
      );
      assert.equal(code, 2, stderr);
      assert.match(stderr, /colourOfTheShip/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('a configuration file that is no JSON is refused by name', async () => {
    const directory = freshDirectory();
    try {
      const file = path.join(directory, 'stowage.config.json');
      writeFileSync(file, '{ oops');
      const { code, stderr } = await runStowage(
        ['serve'],
        environmentFor(directory, { STOWAGE_CONFIG: file }),
      );
      assert.equal(code, 2, stderr);
      assert.match(stderr, /stowage\.config\.json|STOWAGE_CONFIG/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

test('a database that is away ends the start with code 1, and the password is not told', async () => {
  const { code, stdout, stderr } = await refusedStart({
    DATABASE_URL: 'postgres://u:hidden-password@127.0.0.1:1/x',
  });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^The database is not available\./m);
  assert.doesNotMatch(stdout + stderr, /hidden-password|\bat .+\.ts:\d+/);
});

describe('the command line', () => {
  for (const args of [
    ['nonsense'],
    ['serve', '--nonsense'],
    ['token'],
    ['sweep', '--min-age', 'soon'],
    ['db', 'nonsense'],
  ]) {
    test(`stowage ${args.join(' ')} is wrong usage: code 2 and a sentence`, async () => {
      const directory = freshDirectory();
      try {
        const { code, stderr } = await runStowage(args, environmentFor(directory));
        assert.equal(code, 2, stderr);
        assert.ok(stderr.length > 10);
        assert.doesNotMatch(stderr, /\bat .+\.ts:\d+/);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  }

  test('stowage --help names every command and ends well', async () => {
    const { code, stdout } = await runStowage(['--help'], { PATH: process.env.PATH });
    assert.equal(code, 0);
    for (const command of ['serve', 'migrate', 'token', 'doctor', 'sweep', 'audit', 'db']) {
      assert.match(stdout, new RegExp(`\\b${command}\\b`));
    }
  });

  test('stowage --version says the version of the package', async () => {
    const { code, stdout } = await runStowage(['--version'], { PATH: process.env.PATH });
    assert.equal(code, 0);
    const manifest = readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    assert.ok(stdout.includes(version), stdout);
  });
});

describe('the first start without any setting', () => {
  test('makes secrets that only the user can read, and prints a token and a curl line that work', async () => {
    await using service = await startService({ JWT_SECRET: undefined, SIGNING_SECRET: undefined });
    const output = await until(
      async () => service.output(),
      (text) => /curl /.test(text),
      5,
    );
    const curl = /curl [^\n]*(?:\\\n[^\n]*)*/.exec(output)?.[0] ?? '';
    assert.match(curl, /\/api\/upload/, output);
    const token = /[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}/.exec(output)?.[0] ?? '';
    assert.equal(
      (await service.send('GET', '/api/assets', { headers: { authorization: `Bearer ${token}` } })).status,
      200,
    );

    const dataDir = String(service.environment.DATA_DIR);
    const secretFiles = readdirSync(dataDir, { recursive: true, withFileTypes: true })
      .filter(
        (entry) => entry.isFile() && /secret/i.test(entry.parentPath.slice(dataDir.length) + entry.name),
      )
      .map((entry) => path.join(entry.parentPath, entry.name));
    assert.ok(secretFiles.length > 0, 'secrets are kept in DATA_DIR');
    for (const file of secretFiles) {
      assert.equal(statSync(file).mode & 0o077, 0, `${file} can be read by others`);
      for (const secret of readFileSync(file, 'utf8').match(/[A-Za-z0-9+/_-]{40,}/g) ?? []) {
        assert.ok(!output.includes(secret), 'a secret is printed');
      }
    }

    await pasteIntoShell(curl, service);

    await service.stop();
    await using again = await service.restart();
    assert.equal(
      (await again.send('GET', '/api/assets', { headers: { authorization: `Bearer ${token}` } })).status,
      200,
      'the secrets are the same after a restart',
    );
  });
});

/** Runs the printed line as a newcomer would, with a picture of the name that the line asks for. */
async function pasteIntoShell(curl: string, service: Service): Promise<void> {
  const filename = /files?(?:\[\])?=@"?'?([^;"'\s]+)/.exec(curl)?.[1] ?? 'photo.jpg';
  const base = path.basename(filename);
  const picture = path.join(service.directory, base);
  const extension = base.endsWith('.png') ? 'png' : 'jpg';
  writeFileSync(picture, sample(extension).bytes);
  chmodSync(picture, 0o644);
  const { stdout } = await promisify(execFile)('sh', ['-c', curl], {
    cwd: service.directory,
    timeout: 20_000,
  });
  assert.match(stdout, /"uploads"\s*:/, stdout);
}

describe('commands while the service runs', () => {
  test('token mints a token that the service takes', async () => {
    await using service = await startService();
    const asked = await runStowage(
      ['token', '--user', 'zoe', '--tenant', 'acme', '--role', 'admin', '--expires', '1h'],
      service.environment,
    );
    assert.equal(asked.code, 0, asked.stderr);
    const token = asked.stdout.trim().split('\n').at(-1) ?? '';
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await service.send('GET', '/api/access-log', { headers })).status, 200);
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    assert.equal(claims.sub, 'zoe');
    assert.equal(claims.role, 'admin');
    assert.ok(Math.abs(Number(claims.exp) - Date.now() / 1000 - 3600) < 60);

    const asJson = await runStowage(['token', '--user', 'zoe', '--json'], service.environment);
    assert.equal(asJson.code, 0);
    assert.equal(typeof asJson.json<{ token: string }>().token, 'string');

    for (const args of [['doctor'], ['migrate'], ['sweep'], ['audit', 'verify']]) {
      const result = await runStowage([...args, '--json'], service.environment);
      assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      assert.equal(typeof result.json<unknown>(), 'object');
      const plain = await runStowage(args, service.environment);
      assert.equal(plain.code, 0, plain.stderr);
      assert.ok(plain.stdout.length > 0);
    }
    // A second one on the same port: it has joined the database by then, and leaves it to the first.
    const second = await runStowage(['serve'], service.environment);
    assert.equal(second.code, 1, second.stderr);
    assert.match(second.stderr, /^HOST and PORT name an address that is in use/m);
    assert.doesNotMatch(second.stderr, /\bat .+\.ts:\d+/);
    assert.equal(
      (await service.send('GET', '/api/health/ready')).status,
      200,
      'the service is not disturbed',
    );
  });

  test('audit export writes each entry of the log as one line of JSON, oldest first, with its hash', async () => {
    await using service = await startService();
    const asset = await service.as('alice').store('image', sample('png', 6));
    await service.as('alice').send('DELETE', `/api/assets/${asset.asset_id}`);
    for (const args of [
      ['audit', 'export'],
      ['audit', 'export', '--json'],
    ]) {
      const { code, stdout, stderr } = await runStowage(args, service.environment);
      assert.equal(code, 0, stderr);
      const entries = stdout
        .trimEnd()
        .split('\n')
        .map(
          (line) =>
            JSON.parse(line) as LogEntry & { readonly tenant_id: string; readonly entry_hash: string },
        );
      assert.deepEqual(
        entries.map(({ action, outcome, user_id, tenant_id, key }) => [
          action,
          outcome,
          user_id,
          tenant_id,
          key,
        ]),
        ['upload', 'delete'].map((action) => [action, 'ok', 'alice', 'default', asset.key]),
      );
      for (const { entry_hash } of entries) assert.match(entry_hash, /^[0-9a-f]{64}$/);
    }
  });

  test('db export and import carry the catalog to another database', async () => {
    await using source = await startService();
    const asset = await source.as('alice').store('image', sample('png', 5));
    const backup = path.join(source.directory, 'catalog.backup');
    const exported = await runStowage(['db', 'export', backup, '--json'], source.environment);
    assert.equal(exported.code, 0, exported.stderr);
    assert.equal(exported.json<{ exported: { assets: number } }>().exported.assets, 1);
    await source.stop();
    await using target = await source.restart({ DATA_DIR: path.join(source.directory, 'data-2') });
    assert.deepEqual(await target.as('alice').assets(), []);
    const imported = await runStowage(['db', 'import', backup, '--json'], target.environment);
    assert.equal(imported.code, 0, imported.stderr);
    assert.equal(imported.json<{ imported: { assets: number } }>().imported.assets, 1);
    const [carried] = await target.as('alice').assets();
    assert.equal(carried?.asset_id, asset.asset_id);
    assert.equal(
      (await target.as('alice').get(`/api/assets/${asset.asset_id}/download`)).body.length,
      asset.size_bytes,
    );
    const audit = await runStowage(['audit', 'verify', '--json'], target.environment);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);

    const again = await runStowage(['db', 'import', backup], target.environment);
    assert.notEqual(again.code, 0, 'a database that holds something is not overwritten');
    assert.equal((await target.as('alice').assets()).length, 1);
    writeFileSync(`${backup}.cut`, readFileSync(backup).subarray(0, -40));
    await using empty = await startService();
    const cut = await runStowage(['db', 'import', `${backup}.cut`], empty.environment);
    assert.notEqual(cut.code, 0, 'half a backup is none');
    assert.deepEqual(await empty.as('alice').assets(), []);
  });

  test('doctor without a database that answers ends with code 3 and says which', async () => {
    const directory = freshDirectory();
    try {
      const environment = environmentFor(directory, {
        DATABASE_URL: 'postgres://u:hidden-password@127.0.0.1:1/x',
      });
      const { code, stdout, stderr } = await runStowage(['doctor'], environment);
      assert.equal(code, 3, stderr);
      assert.match(stdout, /^FAIL database /m);
      assert.ok(!(stdout + stderr).includes('hidden-password'));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('ending', () => {
  test('SIGTERM lets an upload in flight finish, then ends with code 0', async () => {
    await using service = await startService();
    const caller = service.as('alice');
    const made = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png', 3))]);
    const connection = await rawConnection(service.port);
    await connection.write(
      `POST /api/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${caller.token}\r\nContent-Type: ${made.headers['content-type']}\r\nContent-Length: ${made.body.length}\r\n\r\n`,
    );
    await connection.write(made.body.subarray(0, 400));
    // A request that is answered shows that the first bytes above have been read as well.
    await caller.assets();
    const ended = service.stop();
    await until(
      async () =>
        await service.send('GET', '/api/health/live').then(
          () => false,
          () => true,
        ),
      (refused) => refused,
      2,
    );
    await connection.write(made.body.subarray(400));
    const answer = await connection.answer(10);
    assert.equal(answer.status, 200, answer.text);
    const [asset] = answer.json<{ uploads: [Asset] }>().uploads;
    connection.cut();
    assert.equal(await ended, 0);
    await using again = await service.restart();
    assert.equal((await again.as('alice').get(`/api/assets/${asset.asset_id}`)).status, 200);
  });
});

describe('secrets that rotate', () => {
  test('the newest signs, older ones are still believed, removed ones are not', async () => {
    const oldSecret = 'o'.repeat(40);
    const newSecret = 'n'.repeat(40);
    let service = await startService({ SIGNING_SECRET: oldSecret });
    try {
      const asset = await service.as('alice').store('image', sample('png', 4));
      await service.stop();
      service = await service.restart({ SIGNING_SECRET: `${newSecret},${oldSecret}` });
      assert.equal(
        (await service.send('GET', asset.presigned_url)).status,
        200,
        'the old one is still believed',
      );
      const fresh = (await service.as('alice').get(`/api/assets/${asset.asset_id}`)).json<Asset>();
      assert.notEqual(fresh.presigned_url, asset.presigned_url);
      await service.stop();
      service = await service.restart({ SIGNING_SECRET: newSecret });
      assert.equal((await service.send('GET', asset.presigned_url)).status, 403);
      assert.equal((await service.send('GET', fresh.presigned_url)).status, 200);
    } finally {
      await service[Symbol.asyncDispose]();
    }
  });
});

test('<NAME>_FILE reads a secret from a file', async () => {
  const directory = freshDirectory();
  const file = path.join(directory, 'jwt-secret');
  const secret = 'f'.repeat(48);
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  try {
    await using service = await startService({ JWT_SECRET: undefined, JWT_SECRET_FILE: file });
    const made = await runStowage(['token', '--user', 'ann', '--json'], service.environment);
    const headers = { authorization: `Bearer ${made.json<{ token: string }>().token}` };
    assert.equal((await service.send('GET', '/api/assets', { headers })).status, 200);
    const upload = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png'))]);
    const answer = await service.send('POST', '/api/upload', {
      headers: { ...headers, ...upload.headers },
      body: upload.body,
    });
    assert.equal(onlyUpload(answer).user_id, 'ann');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
