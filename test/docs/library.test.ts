import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pdf } from '../acceptance/samples/documents.ts';
import { placeOf } from './blocks.ts';
import { claimed } from './claims.ts';
import { programText, runProgram, standsIn } from './programs.ts';

describe('the page about the library, and the one about sharing', () => {
  test('shows code that stands in a program', () => {
    const program = programText('library.ts');
    const shown = claimed('test/docs/library.test.ts');
    assert.ok(shown.length >= 12);
    for (const block of shown) assert.ok(standsIn(program, block), placeOf(block));
  });

  test('shows code that runs', async () => {
    assert.equal(await runProgram('test/docs/programs/library.ts', pdf()), 'All of it ran.\n');
  });
});
