import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';

const COMMAND = path.resolve(import.meta.dirname, '../../../bin/stowage.js');
const DIRECTORY = mkdtempSync(path.join(tmpdir(), 'stowage-estimate-'));
after(() => rmSync(DIRECTORY, { recursive: true, force: true }));
const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'estimate', ...args], {
    encoding: 'utf8',
    cwd: DIRECTORY,
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'test' },
  });
  return { status, stdout, stderr };
};
const PLAN = ['--stored', '1000gb', '--files', '500000'];

describe('stowage estimate', () => {
  test('shows what a plan costs now and later, with its arithmetic and its sources', () => {
    const { status, stdout } = run(...PLAN, '--growth-per-month', '10%', '--downloads', '1000000');
    assert.equal(status, 0);
    assert.match(stdout, /^Stored: 500000 files, 1000 GiB$/m);
    assert.match(stdout, /^This month$/m);
    assert.match(stdout, /^In 12 months, a month$/m);
    assert.match(stdout, /\$23\.00 {2}Storage, S3 Standard: 1,000 GiB × \$0\.023$/m);
    assert.match(stdout, /List prices as of 20\d\d-\d\d, in US dollars, without tax, discounts and trials/);
    assert.match(stdout, /^ {2}https:\/\/cloud\.google\.com\/storage\/pricing$/m);
  });

  test('is one document with --json, for one provider when asked', () => {
    const { status, stdout } = run(...PLAN, '--json', '--provider', 'gcp', '--months', '0');
    assert.equal(status, 0);
    const report = JSON.parse(stdout);
    assert.equal(report.currency, 'USD');
    assert.match(report.prices_as_of, /^20\d\d-\d\d$/);
    assert.equal(report.months.length, 1);
    assert.deepEqual(
      report.months[0].providers.map(({ provider }: { provider: string }) => provider),
      ['gcp'],
    );
    assert.equal(report.months[0].use.downloads, 500_000, 'each file once');
    assert.ok(report.months[0].providers[0].direct.dollars > 20);
    assert.ok(report.months[0].providers[0].via_cdn.dollars > 20);
    assert.equal(report.months[0].providers[0].classes[1].days_min, 30);
    assert.doesNotMatch(stdout, /"[a-z]+[A-Z]\w*":/, 'names are snake_case');
  });

  for (const args of [
    ['--stored', '1gb'],
    ['--files', '7'],
    ['--growth-per-month', 'much'],
    ['--growth-per-month', '10'],
    ['--cdn-hit-rate', '101%'],
    ['--months', '121'],
    ['--downloads', '-1'],
    ['--download-size', '2 apples'],
    ['--provider', 'oracle'],
  ]) {
    test(`does not take ${args.join(' ')}`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, new RegExp(args[0] ?? ''));
    });
  }
});
