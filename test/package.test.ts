import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { withoutComments } from './architecture/source-text.ts';

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

/** The client as a page loads it, compressed and without comments, in bytes. A minifier makes it smaller still. */
const CLIENT_BYTES_MAX = 14 * 1024;

describe('the installed client', () => {
  test('runs in plain Node by its name', async () => {
    const script =
      "import { createClient, StowageClientError } from 'stowage/client';" +
      "const client = createClient({ url: 'http://127.0.0.1:1', token: 't', retry: { attemptsMax: 1 } });" +
      'client.usage().catch((error) => console.log(error instanceof StowageClientError, error.code));';
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
      timeout: 30_000,
    });
    assert.equal(stdout.trim(), 'true network_error');
  });

  test(`loads nothing but itself, less than ${CLIENT_BYTES_MAX / 1024} KiB`, (context) => {
    const folder = join(project, 'node_modules', 'stowage', 'dist', 'sdk');
    const code = new Map<string, string>();
    const load = (name: string): void => {
      if (code.has(name)) return;
      const text = withoutComments(readFileSync(join(folder, name), 'utf8'));
      code.set(name, text);
      for (const [, specifier = ''] of text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g)) {
        assert.match(specifier, /^\.\/[a-z-]+\.js$/, `${name} imports ${specifier}`);
        load(specifier.slice(2));
      }
    };
    load('index.js');
    assert.ok(code.size > 10, `${code.size} files`);
    const bytes = gzipSync([...code.values()].join('\n'), { level: 9 }).byteLength;
    context.diagnostic(`${code.size} files, ${bytes} bytes compressed`);
    assert.ok(bytes < CLIENT_BYTES_MAX, `${bytes} bytes`);
  });

  test('has types for a page, without those of Node', async () => {
    writeFileSync(
      join(project, 'page.ts'),
      `import { createClient, isClientError, type UploadState } from 'stowage/client';
const client = createClient({ url: '/', token: async () => 't', fetch: (url, init) => fetch(url, init) });
export async function send(file: File, keep: (state: UploadState) => void): Promise<string> {
  try {
    const asset = await client.upload(file, { assetType: 'image', onState: keep, onProgress: (p) => p.sentBytes });
    for await (const each of client.list()) if (each.asset_id === asset.asset_id) return each.presigned_url;
  } catch (error) {
    if (isClientError(error, 'file_too_large')) return String(error.limitBytes);
    // @ts-expect-error the code of no error
    const wrong: Parameters<typeof isClientError>[1] = 7;
    return String(wrong);
  }
  return await new Response((await client.download('id')).body).text();
}
`,
    );
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2024,dom', '--types', ''];
    const modules = ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck'];
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = await run(process.execPath, [compiler, ...flags, ...modules, 'page.ts'], {
      cwd: project,
      timeout: 120_000,
    }).catch((error: { stdout: string }) => error);
    assert.equal(compiled.stdout, '');
  });
});

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

  test('has the thread that stores small files on local disk', async () => {
    const script = `
      import { existsSync, readdirSync } from 'node:fs';
      import { openLocalBackend } from 'stowage/storage';
      const backend = await openLocalBackend({
        root: ${JSON.stringify(join(project, 'store'))}, publicUrl: 'http://127.0.0.1', freeBytesMin: 0,
        signingSecrets: ['a secret of the tests, 32 bytes +'],
      });
      // Linux tells the threads of a process; one whose file is missing has ended before the put is done.
      const countThreads = () => existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : NaN;
      const before = countThreads();
      const body = (async function* () { yield Buffer.from('hello'); })();
      const facts = { mode: 'create', contentType: 'text/plain', cacheControl: '', metadata: {} };
      const { sizeBytes } = await backend.put('a', body, facts);
      console.log(sizeBytes, countThreads() - before);
      await backend.close();`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
      timeout: 30_000,
    });
    assert.match(stdout, process.platform === 'linux' ? /^5 [1-9]/ : /^5 /);
  });
});
