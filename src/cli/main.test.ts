import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openTokenVerifier } from '../access/tokens.ts';
import type { Environment } from '../config/look-alikes.ts';
import { systemClock } from '../core/clock.ts';
import { runProcess } from './main.ts';

const SECRET = 'a-secret-of-more-than-thirty-two-bytes';
const directories: string[] = [];

after(() => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'stowage-cli-'));
  directories.push(path);
  return path;
}

async function stowage(argv: readonly string[], env: Environment = {}, cwd = temporaryDirectory()) {
  let stdout = '';
  let stderr = '';
  const stream = (take: (text: string) => void) => ({
    write(text: string) {
      take(text);
      return true;
    },
    once: () => undefined,
  });
  const fake = {
    argv: ['node', 'stowage', ...argv],
    env,
    stdout: stream((text) => {
      stdout += text;
    }),
    stderr: stream((text) => {
      stderr += text;
    }),
    cwd: () => cwd,
    exit: () => undefined,
    on: () => undefined,
    exitCode: undefined as number | string | null | undefined,
  };
  await runProcess(fake);
  return { code: fake.exitCode, stdout, stderr };
}

describe('the command line', () => {
  test('without a command shows the commands', async () => {
    const { code, stdout } = await stowage([]);
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}token /m);
  });

  test('shows the flags of one command', async () => {
    const { code, stdout } = await stowage(['token', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /Usage: stowage token --user ID/);
  });

  test('shows the flags of commands that belong together', async () => {
    const { code, stdout, stderr } = await stowage(['db', '--help']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Usage: stowage db export .*Usage: stowage db import /s);
  });

  test('names the commands there are when one is unknown', async () => {
    const { code, stdout, stderr } = await stowage(['nonsense']);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /There is no command "nonsense"\. There are: .*token/);
  });

  test('refuses unknown flags, missing values and superfluous arguments with the usage', async () => {
    for (const argv of [
      ['token', '--user', 'ann', '--colour'],
      ['token', '--user'],
      ['token'],
      ['token', '--user', 'ann', 'extra'],
      ['token', '--user', 'ann', '--expires', 'soon'],
      ['token', '--user', 'ann', '--role', 'king'],
      ['token', '--user', ''],
    ]) {
      const { code, stdout, stderr } = await stowage(argv, { JWT_SECRET: SECRET, SIGNING_SECRET: SECRET });
      assert.equal(code, 2, argv.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^Usage: stowage token --user ID/m, argv.join(' '));
    }
  });

  test('tells wrong settings as one document with --json', async () => {
    const { code, stdout } = await stowage(['token', '--user', 'ann', '--json'], {
      PORT: 'x',
      JWT_SECRET: 'short',
    });
    assert.equal(code, 2);
    const told: unknown = JSON.parse(stdout);
    assert.ok(typeof told === 'object' && told !== null && 'code' in told && 'problems' in told);
    assert.equal(told.code, 'invalid_settings');
    assert.equal(Array.isArray(told.problems) ? told.problems.length : 0, 2);
  });
});

describe('stowage token', () => {
  test('prints nothing but a token that the service takes', async () => {
    const { code, stdout, stderr } = await stowage(
      ['token', '--user', 'ann', '--tenant', 'acme', '--role', 'admin'],
      {
        JWT_SECRET: SECRET,
        SIGNING_SECRET: SECRET,
      },
    );
    assert.equal(code, 0, stderr);
    const settings = {
      jwtSecrets: [SECRET],
      jwksUrl: null,
      jwtIssuer: null,
      jwtAudience: null,
      jwtTenantClaim: 'tenant_id',
    };
    const principal = await openTokenVerifier(settings, systemClock).authenticate(`Bearer ${stdout.trim()}`);
    assert.deepEqual(principal, { userId: 'ann', tenantId: 'acme', role: 'admin' });
  });

  test('uses the secrets of the first start, and makes them when there are none', async () => {
    const cwd = temporaryDirectory();
    const first = await stowage(['token', '--user', 'ann', '--json'], {}, cwd);
    const second = await stowage(['token', '--user', 'ann', '--json'], {}, cwd);
    assert.equal(first.code, 0, first.stderr);
    assert.equal(second.code, 0, second.stderr);
    assert.match(first.stdout, /"expires_at":"20/);
  });

  test('says where tokens come from when an identity provider makes them', async () => {
    const { code, stderr } = await stowage(['token', '--user', 'ann'], {
      JWKS_URL: 'https://id.example.org/keys',
      JWT_ISSUER: 'https://id.example.org',
      JWT_AUDIENCE: 'stowage',
    });
    assert.equal(code, 2);
    assert.match(stderr, /JWKS_URL/);
  });
});

describe('the secrets that a command needs in production', () => {
  const PRODUCTION = { NODE_ENV: 'production', DATABASE_URL: 'postgres://u@127.0.0.1:1/x' };

  for (const command of ['migrate', 'db export out', 'audit verify', 'audit export', 'estimate']) {
    test(`are none for ${command}`, async () => {
      const { code, stdout } = await stowage([...command.split(' '), '--json'], PRODUCTION);
      assert.equal(JSON.parse(stdout).code, 'database_unavailable');
      assert.equal(code, 1);
    });
  }

  for (const [command, missing] of [
    ['token --user ann', ['JWT_SECRET']],
    ['sweep', ['SIGNING_SECRET']],
    ['move --from local --to s3', ['SIGNING_SECRET']],
    ['doctor', ['JWT_SECRET', 'SIGNING_SECRET']],
    ['serve', ['JWT_SECRET', 'SIGNING_SECRET']],
  ] as const) {
    test(`are ${missing.join(' and ')} for ${command}`, async () => {
      const { code, stdout } = await stowage([...command.split(' '), '--json'], PRODUCTION);
      assert.equal(code, 2);
      const problems: readonly string[] = JSON.parse(stdout).problems;
      assert.deepEqual(
        problems.map((problem) => problem.split(' ')[0]),
        missing,
      );
    });
  }

  test('are made by nobody who needs none', async () => {
    const cwd = temporaryDirectory();
    const { DATABASE_URL } = PRODUCTION;
    await stowage(['migrate'], { DATABASE_URL }, cwd);
    assert.deepEqual(readdirSync(cwd), []);
  });

  test('and token has enough of its own', async () => {
    const { code, stderr } = await stowage(['token', '--user', 'ann'], { ...PRODUCTION, JWT_SECRET: SECRET });
    assert.equal(code, 0, stderr);
  });
});

describe('stowage move', () => {
  const SECRETS = { JWT_SECRET: SECRET, SIGNING_SECRET: SECRET };

  test('wants two different backends, and numbers that make sense', async () => {
    for (const flags of [
      ['--from', 'local'],
      ['--from', 'local', '--to', 'local'],
      ['--from', 's3:old', '--to', 's3:new'],
      ['--from', 'local', '--to', 's3', '--rate', 'fast'],
      ['--from', 'local', '--to', 's3', '--rate', '0'],
      ['--from', 'local', '--to', 's3', '--concurrency', '65'],
      ['--from', 'local', '--to', 's3', '--min-age', '1 week'],
    ]) {
      const { code, stdout, stderr } = await stowage(['move', ...flags], SECRETS);
      assert.equal(code, 2, flags.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /stowage/);
    }
  });

  test('names the side that has no settings', async () => {
    const { code, stderr } = await stowage(['move', '--from', 'local', '--to', 'azure'], SECRETS);
    assert.equal(code, 2);
    assert.match(stderr, /The settings of azure are missing or incomplete/);
    assert.doesNotMatch(stderr, /settings of local/);
  });
});

test('a config file that imports nothing it can find is told without a stack', async () => {
  const cwd = temporaryDirectory();
  writeFileSync(join(cwd, 'stowage.config.js'), "import 'no-such-package-anywhere';");
  const { code, stderr } = await stowage(['token', '--user', 'ann'], {}, cwd);
  assert.equal(code, 2);
  assert.match(stderr, /stowage\.config\.js/);
  assert.doesNotMatch(stderr, /\n\s+at /);
});
