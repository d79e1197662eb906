import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openTestDatabase } from '../catalog/testing.ts';
import { ConfigError } from '../config/problems.ts';
import { createStowage } from './create-stowage.ts';

const directory = mkdtempSync(join(tmpdir(), 'stowage-embed-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function urlOf(connection: { host?: string; port?: number; user?: string; database?: string }): string {
  const host = encodeURIComponent(connection.host ?? '');
  return `postgres://${connection.user}@/${connection.database}?host=${host}&port=${connection.port}`;
}

describe('Stowage inside a program', () => {
  test('opens without listening, answers when it listens, and closes', async () => {
    await using database = await openTestDatabase();
    const env = { DATABASE_URL: urlOf({ ...database.app } as Parameters<typeof urlOf>[0]) };
    const quiet = await createStowage({ cwd: directory, env, config: { port: 0, dataDir: 'quiet' } });
    await assert.rejects(fetch(`${quiet.url}/api/health`));
    assert.ok((await quiet.catalog.ping()) >= 0);
    await quiet.close();

    const serving = await createStowage({ cwd: directory, env, config: { port: 0 }, listen: true });
    const answer = await fetch(`${serving.url}/api/health/ready`);
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
    await serving.close();
    await assert.rejects(fetch(`${serving.url}/api/health`));
    assert.ok(existsSync(join(directory, 'data', 'secrets.json')));
  });

  test('needs no secret of tokens in production when the program says who is asking', async () => {
    await using database = await openTestDatabase();
    const env = {
      NODE_ENV: 'production',
      SIGNING_SECRET: 'a secret of thirty-two bytes or more',
      DATABASE_URL: urlOf({ ...database.app } as Parameters<typeof urlOf>[0]),
    };
    const options = { cwd: directory, env, config: { port: 0, dataDir: 'production' } } as const;
    await assert.rejects(createStowage(options), ConfigError);
    await using stowage = await createStowage({ ...options, authenticate: () => ({ userId: 'ana' }) });
    const request = new IncomingMessage(new Socket());
    assert.equal((await stowage.authenticate(request)).userId, 'ana');
  });

  test('names what is wrong with its settings', async () => {
    await assert.rejects(createStowage({ cwd: directory, config: { port: 70_000 } }), ConfigError);
    await assert.rejects(
      createStowage({ cwd: directory, config: { storageBackend: 's3', s3Region: 'eu' } }),
      ConfigError,
    );
  });
});
