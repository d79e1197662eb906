import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { start } from '../../examples/invoices/main.ts';
import { placeOf } from '../docs/blocks.ts';
import { claimed } from '../docs/claims.ts';
import { makeSamples } from '../examples/invoices/samples.ts';
import { openStand } from '../examples/stand.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const guide = read('docs/guides/invoices.md');
const missing = ['bash', 'curl', 'jq'].filter((name) => spawnSync(name, ['--version']).status !== 0);

const blocksIn = (language: string) =>
  claimed('test/guides/invoices.test.ts').filter((block) => block.language === language);

describe('the guide to invoices', () => {
  test('shows code that stands in the example', () => {
    const code = globSync('examples/invoices/**/*.ts', { cwd: ROOT }).map(read);
    const shown = blocksIn('ts');
    assert.ok(shown.length >= 4);
    for (const block of shown)
      assert.ok(
        code.some((file) => file.includes(block.text)),
        placeOf(block),
      );
  });

  test('names routes that the example has, and leads to files that are there', () => {
    const routes = globSync('examples/invoices/routes/*.ts', { cwd: ROOT }).map(read).join('\n');
    const text = guide + read('examples/invoices/README.md');
    for (const [, path = ''] of text.matchAll(/`(?:POST|GET|PATCH|DELETE) (\/[^?`]+)/g)) {
      assert.ok(routes.includes(`'${path.replace(/\{(\w+)\}/g, ':$1')}'`), path);
    }
    for (const [, target = ''] of guide.matchAll(/\]\(([^)#]+)/g)) {
      assert.ok(existsSync(join(ROOT, 'docs/guides', target)), target);
    }
  });

  const skip = missing.length > 0 ? `${missing.join(' and ')} not installed` : false;
  test('has lines to paste that upload an invoice, read it, and show its log', { skip }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stowage-guide-'));
    try {
      await using stand = await openStand(start);
      const [sample] = await makeSamples();
      assert.ok(sample);
      writeFileSync(join(directory, 'invoice.pdf'), sample.bytes);
      const lines = blocksIn('sh')
        .map(({ text }) => text)
        .join('\n');
      const script = `set -euo pipefail\n${lines.replaceAll('http://127.0.0.1:4000', stand.origin)}`;
      const options = { cwd: directory, timeout: 60_000 };
      const { stdout } = await promisify(execFile)('bash', ['-c', script], options);
      assert.match(stdout, /\ndownload\ndownload\nupload\n$|\}download\ndownload\nupload\n$/);
      assert.deepEqual(readFileSync(join(directory, 'same.pdf')), Buffer.from(sample.bytes));
      // What the guide shows as the answer is the answer, where it says something.
      const shown = JSON.parse(blocksIn('json')[0]?.text ?? '');
      const answer = JSON.parse(readFileSync(join(directory, 'invoice.json'), 'utf8'));
      for (const [name, value] of Object.entries({ ...shown, ...shown.confidence })) {
        const real = name in shown.confidence ? [answer[name], answer.confidence[name]] : [answer[name]];
        if (value !== '…' && name !== 'confidence') assert.ok(real.includes(value), `${name}: ${value}`);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
