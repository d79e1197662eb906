import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { jpeg } from '../acceptance/samples/images.ts';
import { freePort } from '../acceptance/service.ts';
import { blockWith } from './claims.ts';
import { freshDirectory } from './programs.ts';
import { missingPrograms, paste } from './shell.ts';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE_MS = 90_000;

test('the README begins with a command that starts a service, which prints a line to paste', {
  skip: missingPrograms('bash', 'curl', 'npm'),
}, async () => {
  const [, command = ''] = /^npm ci && (npm \w+) /m.exec(blockWith('README.md', 'npm ci').text) ?? [];
  assert.equal(command, 'npm start');
  const directory = freshDirectory();
  const [program = '', ...args] = command.split(' ');
  const service = spawn(program, args, {
    cwd: ROOT,
    env: {
      ...{ PATH: process.env.PATH, HOME: directory, npm_config_update_notifier: 'false' },
      ...{ DATA_DIR: join(directory, 'data'), PORT: String(await freePort()) },
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    // npm runs the service as its child: both end with their group.
    detached: true,
  });
  // Not when npm has ended: when nobody holds the pipe any more.
  const ended = once(service, 'close');
  try {
    const line = await lineToPaste(service);
    writeFileSync(join(directory, 'photo.jpg'), jpeg());
    const { code, stdout, stderr } = await paste(line, directory);
    assert.equal(code, 0, stderr);
    const { uploads } = JSON.parse(stdout);
    assert.equal((await fetch(uploads[0].presigned_url)).status, 200);
  } finally {
    if (service.pid !== undefined) process.kill(-service.pid, 'SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
});

/** The line with curl that the service prints for a person when it is ready: beside its log. */
async function lineToPaste(service: ChildProcess): Promise<string> {
  assert.ok(service.stderr);
  const lines = createInterface(service.stderr);
  const late = setTimeout(() => lines.close(), PATIENCE_MS);
  try {
    for await (const line of lines) if (line.trim().startsWith('curl ')) return line;
  } finally {
    clearTimeout(late);
    service.stderr.resume();
  }
  throw new Error('No line with curl was printed.');
}
