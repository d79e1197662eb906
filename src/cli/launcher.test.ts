import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = join(ROOT, 'bin', 'stowage.js');

/** Every Node on this machine: the pinned one, and what the PATH has beside it. */
function nodes(): readonly string[] {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory.startsWith('/') && !directory.includes('node_modules'))
    .map((directory) => join(directory, 'node'))
    .filter((path) => existsSync(path));
  return [process.execPath, ...new Set(found)];
}

describe('the launcher', () => {
  for (const node of nodes()) {
    const { stdout: version } = spawnSync(node, ['--version'], { encoding: 'utf8' });

    test(`runs under Node ${version.trim()} and keeps output and exit code`, () => {
      const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const { stdout, status } = spawnSync(node, [COMMAND, '--version'], { encoding: 'utf8' });
      assert.equal(status, 0);
      assert.ok(typeof manifest === 'object' && manifest !== null && 'version' in manifest);
      assert.equal(stdout.trim(), manifest.version);
      assert.equal(spawnSync(node, [COMMAND, 'nonsense']).status, 2);
    });
  }

  test('ends with the launcher that an older Node left behind', async () => {
    // The same wiring as between an old Node and the new one: an IPC channel and a variable that names its owner.
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(
        `require(${JSON.stringify(COMMAND)}); setInterval(() => {}, 1000); process.stdout.write(process.pid + '\\n');`,
      )}, 'x', '--version'], { stdio: ['ignore', 'inherit', 'ignore', 'ipc'], env: { ...process.env, STOWAGE_LAUNCHER_PID: '1' } });
      setInterval(() => child.connected, 1000);`;
    const launcher = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const childEnded = new Promise<void>((resolve) => launcher.stdout.once('close', resolve));
    await new Promise<void>((resolve) => launcher.stdout.once('data', () => resolve()));
    launcher.kill('SIGKILL');
    // The pipe closes when its last writer, the child, is gone.
    await childEnded;
  });
});
