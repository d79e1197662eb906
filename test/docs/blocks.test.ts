import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBlocks } from './blocks.ts';

describe('the blocks of a document', () => {
  test('have their line, their language, and their text without the indent of a list', () => {
    const markdown = [
      '# A',
      '',
      '```sh',
      'a b',
      '',
      '  c',
      '```',
      '',
      '1. b',
      '',
      '   ~~~ts',
      '   d',
      '',
      '     e',
    ];
    assert.deepEqual(parseBlocks('a.md', [...markdown, '   ~~~', ''].join('\n')), [
      { document: 'a.md', line: 3, language: 'sh', text: 'a b\n\n  c\n' },
      { document: 'a.md', line: 11, language: 'ts', text: 'd\n\n  e\n' },
    ]);
  });

  test('may show a shorter fence', () => {
    assert.deepEqual(
      parseBlocks('a.md', '````md\n```sh\na\n```\n````\n').map(({ text }) => text),
      ['```sh\na\n```\n'],
    );
  });

  test('must be closed', () => {
    assert.throws(() => parseBlocks('a.md', 'a\n```sh\nb\n'), /a\.md:2: the block is never closed/);
  });
});
