import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { blockWith } from './claims.ts';
import { directoryInPackage } from './programs.ts';

/** What a block takes for granted, and what makes it a program that says that it ran. */
interface Frame {
  readonly before: string;
  readonly after: string;
}

test('src/catalog/README.md shows how a test opens a catalog', () => {
  const text = blockWith('src/catalog/README.md', 'openTestCatalog').text;
  const printed = run(text.replace("'../catalog/", "'../../src/catalog/"), {
    before: `const entry = {
      ...{ action: 'download', outcome: 'ok', reason: null, tenantId: 'default', userId: 'ana', assetId: null },
      ...{ assetType: null, key: null, ipAddress: '127.0.0.1', userAgent: null, storageBackend: 'local' },
      ...{ requestId: 'request-1', atMs: Date.now() },
    } as const;`,
    after: `const { entries } = await store.catalog.verifyAccessLog();
      if (entries !== 1) throw new Error(String(entries));`,
  });
  assert.equal(printed, '');
});

test('src/storage/conformance/README.md shows how a backend is held to the laws', () => {
  const text = blockWith('src/storage/conformance/README.md', 'describeBackend').text;
  const printed = run(text, {
    before: `import { after } from 'node:test';
      import { listenOnLoopback } from 'stowage/conformance';
      import { MemoryBackend } from 'stowage/storage';
      let opened;
      const server = await listenOnLoopback((request, response) => void opened.serve(request, response));
      after(() => server[Symbol.asyncDispose]());
      const openMine = async () => (opened = new MemoryBackend({ publicUrl: () => server.origin }));`,
    after: '',
  });
  assert.ok(Number(/pass (\d+)/.exec(printed)?.[1]) > 50, printed.slice(0, 2000));
});

/** Runs a block inside of the package. @returns what it prints. */
function run(block: string, { before, after }: Frame): string {
  const directory = directoryInPackage();
  try {
    writeFileSync(join(directory, 'block.ts'), `${before}\n${block}\n${after}\n`);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=stowage-source', 'block.ts'],
      { cwd: directory, encoding: 'utf8', timeout: 60_000, env: { PATH: process.env.PATH } },
    );
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
