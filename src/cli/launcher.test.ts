import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, test } from 'node:test';

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

describe('the launcher of a Node that can parse dist/ but not src/', () => {
  const roots: string[] = [];
  afterEach(() => {
    for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
  });

  /** An installation whose command prints the version of the Node that runs it. */
  function install(entry: 'src/cli/main.ts' | 'dist/cli/main.js', hasPinnedNode: boolean): string {
    const root = mkdtempSync(join(tmpdir(), 'stowage-launcher-'));
    roots.push(root);
    cpSync(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
    mkdirSync(join(root, entry, '..'), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(root, entry),
      'export const runProcess = () => console.log(process.versions.node, process.argv[2]);',
    );
    if (hasPinnedNode) {
      mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true });
      symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'));
    }
    return root;
  }

  function launch(root: string, version: string) {
    const pretend = join(root, 'pretend.cjs');
    const versions = `{ value: { ...process.versions, node: ${JSON.stringify(version)} } }`;
    writeFileSync(pretend, `Object.defineProperty(process, 'versions', ${versions});`);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--require', pretend, join(root, 'bin/stowage.js'), 'word'],
      { encoding: 'utf8', env: { PATH: process.env.PATH } },
    );
    return { status, stdout: stdout.trim(), stderr };
  }

  const own = `${process.versions.node} word`;
  for (const version of ['22.18.0', '23.11.1']) {
    test(`runs dist/ under ${version} itself, and src/ under the pinned Node`, () => {
      assert.equal(launch(install('dist/cli/main.js', true), version).stdout, `${version} word`);
      assert.equal(launch(install('src/cli/main.ts', true), version).stdout, own);
    });
  }

  test('runs src/ itself from 24 on, and leaves dist/ to the pinned Node before 22.18', () => {
    assert.equal(launch(install('src/cli/main.ts', true), '24.0.0').stdout, '24.0.0 word');
    assert.equal(launch(install('dist/cli/main.js', true), '22.17.1').stdout, own);
  });

  test('says what is needed where no newer Node is', () => {
    const { status, stdout, stderr } = launch(install('src/cli/main.ts', false), '22.18.0');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^Stowage needs Node 24\.0 or newer; this is 22\.18\.0\.$/m);
  });
});
