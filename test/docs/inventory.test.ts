import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { blocksOf, documents, placeOf } from './blocks.ts';
import { blockWith, claimed, EXECUTED, NOT_EXECUTED } from './claims.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
/** Drawings and quotations are in the language `text`. */
const blocks = documents()
  .flatMap(blocksOf)
  .filter(({ language }) => language !== 'text');

/** Which tests execute each block, by its place. */
function executors(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>(blocks.map((block) => [placeOf(block), []]));
  for (const name of Object.keys(EXECUTED))
    for (const block of claimed(name)) found.get(placeOf(block))?.push(name);
  return found;
}

describe('the blocks of the documents', () => {
  test('are each executed by a test, or listed with the reason why none can', (context) => {
    const excused = new Map(
      NOT_EXECUTED.map(({ document, piece, why }) => [placeOf(blockWith(document, piece)), why]),
    );
    const all = executors();
    for (const [place, tests] of all)
      context.diagnostic(`${place}: ${tests.join(', ') || `not executed. ${excused.get(place)}`}`);
    const unclaimed = [...all].filter(([place, tests]) => tests.length === 0 && !excused.has(place));
    assert.deepEqual(
      unclaimed.map(([place]) => place),
      [],
      'Run the block in a test and name both in test/docs/claims.ts.',
    );
    const both = [...all].filter(([place, tests]) => tests.length > 0 && excused.has(place));
    assert.deepEqual(both, [], 'executed, and listed as what can not be');
  });

  test('are found at all: the pages that have code are read', () => {
    assert.ok(blocks.length > 80, `${blocks.length} blocks`);
    for (const language of ['sh', 'ts', 'json', 'sql', 'yaml', 'js', 'html'])
      assert.ok(
        blocks.some((block) => block.language === language),
        language,
      );
  });

  test('say in which language they are', () => {
    assert.deepEqual(
      blocks.filter(({ language }) => !/^(sh|ts|js|json|sql|yaml|html)$/.test(language)).map(placeOf),
      [],
    );
  });

  test('are claimed by tests that are there and read them', () => {
    for (const [name, pieces] of Object.entries(EXECUTED)) {
      assert.ok(existsSync(join(ROOT, name)), name);
      const text = read(name);
      for (const [document, each] of Object.entries(pieces))
        for (const piece of each)
          assert.ok(
            text.includes('claimed(') ||
              text.includes(piece) ||
              (blocksOf(document).length === 1 && text.includes(document)),
            `${name} does not read ${document}: ${piece}`,
          );
    }
  });

  test('are where this looks: no page but that of the commands indents its code instead', () => {
    const indented = documents().filter((document) =>
      /(^|\n)\n {4}(?! *(`{3,}|[-*|]|\d+\.))\S/.test(withoutBlocks(read(document))),
    );
    // Compared line by line with the commands, by src/cli/reference.test.ts.
    assert.deepEqual(indented, ['docs/reference/cli.md']);
  });

  const noBash = spawnSync('bash', ['--version']).status === 0 ? false : 'bash is not installed';
  test('in shell are shell', { skip: noBash }, () => {
    for (const block of blocks.filter(({ language }) => language === 'sh')) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: block.text, encoding: 'utf8' });
      assert.equal(status, 0, `${placeOf(block)}\n${stderr}`);
    }
  });

  test('in JSON are JSON', () => {
    for (const block of blocks.filter(({ language }) => language === 'json'))
      assert.doesNotThrow(() => JSON.parse(block.text), placeOf(block));
  });
});

function withoutBlocks(markdown: string): string {
  return markdown.replace(/^ *(`{3,}|~{3,})[^\n]*\n.*?^ *\1 *$/gms, '');
}
