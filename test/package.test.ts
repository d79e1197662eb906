import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);
let project = '';

/** Packs Stowage and unpacks it where npm would install it; what it depends on is linked from this checkout. */
before(async () => {
  project = mkdtempSync(join(tmpdir(), 'stowage-package-'));
  const packed = await run('npm', ['pack', '--json', '--silent', '--pack-destination', project], {
    cwd: ROOT,
    timeout: 120_000,
  });
  assert.match(packed.stdout, /stowage/);
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) ?? 'none';
  const installed = join(project, 'node_modules', 'stowage');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(project, tarball), '-C', installed, '--strip-components=1']);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
});

after(() => rmSync(project, { recursive: true, force: true }));

describe('the installed package', () => {
  test('has JavaScript and declarations, and neither sources nor tests', () => {
    const files = readdirSync(join(project, 'node_modules', 'stowage'), {
      recursive: true,
      encoding: 'utf8',
    });
    assert.ok(files.includes(join('dist', 'index.js')));
    assert.ok(files.includes(join('dist', 'index.d.ts')));
    assert.ok(files.includes(join('dist', 'catalog', 'migrations')));
    assert.ok(files.includes('LICENSE'));
    assert.deepEqual(
      files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file)),
      [],
    );
    const sql = readdirSync(join(ROOT, 'src', 'catalog', 'migrations')).filter((name) =>
      name.endsWith('.sql'),
    );
    assert.ok(sql.length > 0);
    for (const name of sql) assert.ok(files.includes(join('dist', 'catalog', 'migrations', name)), name);
  });

  test('runs its command', async () => {
    const command = join(project, 'node_modules', 'stowage', 'bin', 'stowage.js');
    const { stdout } = await run(process.execPath, [command, '--help'], { cwd: project, timeout: 30_000 });
    assert.match(stdout, /serve/);
  });

  test('is imported by its name', async () => {
    const script =
      "import { createStowage, defineConfig, StowageError } from 'stowage';" +
      'console.log(typeof createStowage, typeof defineConfig, typeof StowageError);';
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
      timeout: 30_000,
    });
    assert.equal(stdout.trim(), 'function function function');
  });
});
