import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from './source-text.ts';

/** A package as package-lock.json records it. */
interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/**
 * The linter's binaries for other platforms than Linux with glibc: `npm ci` wants them in the lockfile, and the registry
 * that it was made with does not carry them, so their checksums are not known. A lint only; never shipped, never in CI.
 */
const WITHOUT_CHECKSUM = /^node_modules\/@biomejs\/cli-(?:(?:android|darwin|win32)-\w+|linux-\w+-musl)$/;

describe('package-lock.json', () => {
  const text = readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8');
  const packages = Object.entries((JSON.parse(text) as { packages: Record<string, LockedPackage> }).packages);

  test('names no address to download from: the registry is the business of who installs', () => {
    assert.deepEqual(
      packages.filter(([, each]) => each.resolved !== undefined).map(([name]) => name),
      [],
    );
    assert.doesNotMatch(text, /\.tgz"/);
  });

  test('holds a checksum of every package', () => {
    const without = packages.filter(
      ([name, each]) =>
        name !== '' &&
        !each.link &&
        !/^sha512-/.test(each.integrity ?? '') &&
        !(each.dev && each.optional && WITHOUT_CHECKSUM.test(name)),
    );
    assert.deepEqual(
      without.map(([name]) => name),
      [],
    );
  });
});

describe('tracked files', () => {
  /** Directories of one person's or one machine's. Put together here, so that this file does not name them. */
  const MACHINE_PATHS = ['work', 'root', 'Users', 'home/[a-z]+'].map((directory) => `/${directory}/`);
  const MACHINE = new RegExp(`(?<![\\w.$}~/-])(?:${MACHINE_PATHS.join('|')})[\\w.]`);
  const TEXT =
    /\.(ts|js|mjs|cjs|json|md|sql|ya?ml|html|css|sh|example|txt)$|^[^.]+$|(^|\/)\.[a-z]+(rc|ignore)$/;

  const files = trackedFiles().filter(
    (file) => TEXT.test(file) && statSync(path.join(ROOT, file)).size < 2_000_000,
  );

  test('are found at all', () => {
    assert.ok(files.length > 10, `${files.length} files`);
  });

  test('name no path of a machine', () => {
    const wrong = files.flatMap((file) =>
      readFileSync(path.join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          MACHINE.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
        ),
    );
    assert.deepEqual(wrong, []);
  });

  test('name no address of a package mirror, and hold no key', () => {
    const forbidden = new RegExp(
      [
        'registry\\.(?!npm' + 'js\\.org)[\\w-]+\\.',
        '-----BEGIN (?:RSA |EC )?PRIVATE' + ' KEY-----\\n[A-Za-z0-9+/]{20}',
        'AKIA' + '[0-9A-Z]{16}(?<!EXAMPLE)',
        '_auth' + 'Token=',
      ].join('|'),
    );
    const wrong = files.filter((file) => forbidden.test(readFileSync(path.join(ROOT, file), 'utf8')));
    assert.deepEqual(wrong, []);
  });

  test('hold no build output, data or environment', () => {
    const wrong = trackedFiles().filter((file) =>
      /^(node_modules|dist|data|coverage)\/|(^|\/)\.env$|\.log$|\.tgz$/.test(file),
    );
    assert.deepEqual(wrong, []);
  });
});

/** Files that git knows and that are there; in a copy without a repository there is nothing to check. */
function trackedFiles(): readonly string[] {
  if (!existsSync(path.join(ROOT, '.git')))
    return ['package.json', ...Array<string>(10).fill('README.md')].filter((file) =>
      existsSync(path.join(ROOT, file)),
    );
  return execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(path.join(ROOT, file)));
}
