import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../src/catalog/testing.ts';
import { createClient } from '../../src/sdk/index.ts';
import { sample } from '../acceptance/samples/index.ts';
import { freePort } from '../acceptance/service.ts';
import { type Chromium, NO_CHROMIUM, openChromium } from '../browser/chromium.ts';
import { blockWith } from '../docs/claims.ts';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE_MS = 60_000;
const GUIDE = 'docs/guides/accept-uploads-from-a-browser.md';
const guide = readFileSync(join(ROOT, GUIDE), 'utf8');
const blockOf = (piece: string) => blockWith(GUIDE, piece).text;

describe('the guide to uploads from a browser', () => {
  let chromium: Chromium | null = null;
  let database: TestDatabase;
  let program: ReturnType<typeof spawn> | undefined;
  let directory = '';
  let origin = '';

  before(async () => {
    chromium = await openChromium();
    database = await openTestDatabase();
    const { host, port, user, database: name } = database.app;
    // Inside the package, whose name the files import.
    mkdirSync(join(ROOT, 'data'), { recursive: true });
    directory = mkdtempSync(join(ROOT, 'data', 'guide-'));
    mkdirSync(join(directory, 'public'));
    writeFileSync(join(directory, 'server.ts'), blockOf('express.static'));
    writeFileSync(join(directory, 'public/index.html'), blockOf('<!doctype html>'));
    writeFileSync(join(directory, 'page.js'), blockOf('document.createElement'));
    const [, command = ''] = /`npx esbuild ([^`]+)`/.exec(guide) ?? [];
    const bundling = spawnSync(
      join(ROOT, 'node_modules/.bin/esbuild'),
      [...command.split(' '), '--conditions=stowage-source'],
      { cwd: directory, encoding: 'utf8' },
    );
    assert.equal(bundling.status, 0, bundling.stderr);
    program = spawn(
      process.execPath,
      ['--conditions=stowage-source', 'server.ts', String(await freePort())],
      {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`,
        },
      },
    );
    assert.ok(program.stdout);
    [origin] = (await once(createInterface(program.stdout), 'line')) as [string];
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    if (program !== undefined) {
      const ended = once(program, 'exit');
      program.kill('SIGTERM');
      await ended;
    }
    await database?.[Symbol.asyncDispose]();
    if (directory !== '') rmSync(directory, { recursive: true, force: true });
  });

  test('shows a server that hands out the page, and tokens by which a client uploads', async () => {
    const page = await fetch(origin);
    assert.equal(await page.text(), blockOf('<!doctype html>'));
    const client = createClient({
      url: `${origin}/storage`,
      token: async () => ((await (await fetch(`${origin}/token`)).json()) as { token: string }).token,
    });
    const { bytes, filename } = sample('pdf');
    const asset = await client.upload(bytes, { filename, assetType: 'study_material' });
    assert.equal(asset.user_id, 'ana');
    const content = await (await client.download(asset.asset_id)).blob();
    assert.deepEqual(Buffer.from(await content.bytes()), bytes);
  });

  test('shows a page that uploads, and tells why a file is refused', async (context) => {
    if (chromium === null) return context.skip(NO_CHROMIUM);
    await using opened = await chromium.openPage(origin);
    const { page } = opened;
    page.setDefaultTimeout(PATIENCE_MS);
    const choose = (name: string, buffer: Buffer) =>
      page.setInputFiles('#file', { name, mimeType: 'application/pdf', buffer });
    const pdf = sample('pdf');
    await choose('plan.pdf', pdf.bytes);
    const link = await page.locator('#message a').getAttribute('href');
    assert.deepEqual(Buffer.from(await (await fetch(link ?? '')).arrayBuffer()), pdf.bytes);
    await choose('disguised.pdf', sample('zip').bytes);
    await page.locator('#message', { hasText: /disguised|zip/i }).waitFor();
    assert.deepEqual(
      opened.errors.filter((error) => !error.includes('400')),
      [],
    );
  });
});

test('the guide to attachments shows the table as it is', () => {
  const { text: shown } = blockWith('docs/guides/attachments.md', 'create table attachments');
  const migration = readFileSync(join(ROOT, 'examples/task-attachments/migrations/0001_tasks.sql'), 'utf8');
  assert.ok(shown.length > 50 && migration.includes(shown));
});
