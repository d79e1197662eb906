import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openTestDatabase } from '../../src/catalog/testing.ts';
import { ERROR_TRAITS } from '../../src/core/errors.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { placeOf } from '../docs/blocks.ts';
import { claimed } from '../docs/claims.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const GUIDES = [
  ...['attachments', 'brand-images', 'testing-your-app', 'monitoring'],
  ...['troubleshooting', 'security-checklist', 'tuning'],
];
const TEST = 'test/guides/guides.test.ts';
const examples = globSync('examples/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules'] }).map(read);

describe('the guides', () => {
  for (const guide of GUIDES) {
    const text = read(`docs/guides/${guide}.md`);

    test(`${guide} shows code that stands in the examples, which are run by tests`, () => {
      for (const block of claimed(TEST, `docs/guides/${guide}.md`)) {
        assert.ok(
          examples.some((example) => example.includes(block.text)),
          placeOf(block),
        );
      }
    });

    test(`${guide} leads to files that are there`, () => {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)/g)) {
        if (/^https?:/.test(target)) continue;
        assert.ok(existsSync(join(ROOT, 'docs/guides', target)), target);
      }
    });
  }

  test('name settings and codes that there are', () => {
    const settings = read('docs/reference/configuration.md');
    for (const guide of GUIDES) {
      const text = read(`docs/guides/${guide}.md`);
      for (const [, name = ''] of text.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`/g)) {
        assert.ok(settings.includes(`\`${name}\``), `${guide}: ${name}`);
      }
      for (const [, code = ''] of text.matchAll(/^\| `([a-z]+(?:_[a-z]+)+)`/gm)) {
        assert.ok(code in ERROR_TRAITS || code.startsWith('stowage_'), `${guide}: ${code}`);
      }
    }
  });

  test('testing-your-app shows a test file that passes', async () => {
    await using database = await openTestDatabase();
    const { host, port, user, database: name } = database.app;
    const url = `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`;
    const run = spawnSync(
      process.execPath,
      ['--conditions=stowage-source', '--test', join(ROOT, 'examples/testing-your-app.ts')],
      { encoding: 'utf8', env: { PATH: process.env.PATH, TEST_DATABASE_URL: url }, timeout: 120_000 },
    );
    assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
    assert.match(run.stdout, /pass 3/);
  });
});

describe('the dashboard and the alerts', () => {
  for (const file of [
    'deploy/monitoring/dashboard.json',
    'deploy/monitoring/alerts.yml',
    'docs/guides/monitoring.md',
  ]) {
    test(`of ${file} name metrics and labels that the service shows`, async () => {
      const metrics = createMetrics({ processMetrics: true });
      metrics.watchHealth({ snapshot: () => ({ dependencies: {} }) } as never);
      metrics.observeRequest('/api/health', 'GET', 200, 1);
      metrics.countUpload('image', 'stored', 1);
      metrics.countBytes('in', 1);
      metrics.observeCatalogBatch('upload', 1);
      const shown = await metrics.render();
      const names = new Set([...shown.matchAll(/^(?:# TYPE )?([a-z]\w+)/gm)].map(([, name]) => name));
      const text = read(file);
      const used = [...text.matchAll(/\b(?:stowage|nodejs|process)_\w+/g)].map(([name]) => name);
      assert.ok(used.length > 4);
      assert.deepEqual(
        used.filter((name) => !names.has(name)),
        [],
      );
      for (const [, labels = ''] of text.matchAll(/\bby \(([a-z_, ]+)\)/g)) {
        for (const label of labels.split(', ')) {
          assert.ok(label === 'dependency' || shown.includes(`${label}="`), label);
        }
      }
    });
  }
});
