import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Block, blocksOf, documents, isModule, placeOf } from './blocks.ts';
import { claimed } from './claims.ts';
import { directoryInPackage, standsIn } from './programs.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What `npm run typecheck` reads already. */
const programs = globSync(['examples/**/*.{ts,tsx}', 'test/docs/programs/*.ts'], {
  cwd: ROOT,
  exclude: ['**/node_modules'],
}).map((path) => readFileSync(join(ROOT, path), 'utf8'));
/** Pieces of programs, which a test completes before it runs them. */
const completed = new Set(claimed('test/docs/source-readmes.test.ts').map(placeOf));

const shown = documents()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'ts');
const standing = shown.filter((block) => programs.some((program) => standsIn(program, block)));
const modules = shown.filter((block) => !standing.includes(block) && !completed.has(placeOf(block)));

describe('TypeScript in the documents', () => {
  test('stands in a program that is type-checked, or is a whole module', () => {
    assert.ok(standing.length > 25, `${standing.length} blocks stand in programs`);
    assert.deepEqual(modules.filter((block) => !isModule(block)).map(placeOf), []);
  });

  test('compiles as it stands, against the types of the package', () => {
    assert.ok(modules.length > 5);
    const { status, stdout } = check(modules);
    assert.equal(status, 0, stdout);
  });

  test('would not compile with a field that no config file has', () => {
    const text = "import { defineConfig } from 'stowage';\nexport default defineConfig({ publicUri: '' });\n";
    const { status, stdout } = check([{ document: 'a.md', line: 1, language: 'ts', text }]);
    assert.notEqual(status, 0);
    assert.match(stdout, /publicUri/);
  });
});

/** Runs the compiler over blocks, with the options of the repository. */
function check(blocks: readonly Block[]): { readonly status: number | null; readonly stdout: string } {
  const directory = directoryInPackage();
  try {
    const options = { extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(options));
    for (const { document, line, text } of blocks)
      writeFileSync(join(directory, `${document.replace(/\W+/g, '-')}-${line}.ts`), text);
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { status, stdout } = spawnSync(tsc, ['--noEmit', '-p', directory], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { status, stdout };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
