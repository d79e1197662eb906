import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { commandOf } from '../../src/cli/parse.ts';
import { knownNames } from '../../src/config/look-alikes.ts';
import { documents } from './blocks.ts';

const ROOT = join(import.meta.dirname, '../..');
const texts = documents().map((document) => [document, readFileSync(join(ROOT, document), 'utf8')] as const);
const { scripts }: { scripts: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);

/** Names in capitals that are no settings of Stowage: of other programs, of errors, of our tests. */
const OTHERS: ReadonlySet<string> = new Set([
  ...[
    'AWS_PROFILE',
    'AWS_ACCESS_KEY_ID',
    'GOOGLE_APPLICATION_CREDENTIALS',
    'NO_COLOR',
    'O_DIRECT',
    'O_NOFOLLOW',
  ],
  ...['EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
  ...['TEST_CLOUDS', 'CLOUD_CORE'],
  'SIGNING_SECRETS', // Shown as a typo.
]);

/** What the documents say that is not there, with the document: found by a pattern with one group. */
function wrong(pattern: RegExp, isThere: (found: string) => boolean): readonly string[] {
  let count = 0;
  const found = texts.flatMap(([document, text]) =>
    [...text.matchAll(pattern)].flatMap(([, name = '']) => {
      count += 1;
      return isThere(name) ? [] : [`${document}: ${name}`];
    }),
  );
  assert.ok(count > 0, `nothing is found by ${pattern}`);
  return found;
}

describe('what the documents name is there', () => {
  test('commands and their flags', () => {
    const line = /(?:`|\n *)(?:[A-Z_]+=\S+ )?(?:npx )?stowage ([a-z][^`\n#>]*)/g;
    const isCommand = (text: string): boolean => {
      const words = text.trim().replace(/[[\]]/g, '').split(/ +/);
      const command = commandOf(words, COMMANDS);
      // A group, such as `stowage provision`, stands for its commands.
      if (command === undefined)
        return words.length === 1 && COMMANDS.some(({ name }) => name.startsWith(`${words[0]} `));
      const flags = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0]);
      return flags.every((flag) => flag !== undefined && (flag === 'json' || flag in command.flags));
    };
    assert.deepEqual(wrong(line, isCommand), []);
  });

  test('scripts of the package', () => {
    assert.deepEqual(
      wrong(/\bnpm run (?:--silent )?([\w:-]+)/g, (name) => name in scripts),
      [],
    );
  });

  test('examples', () => {
    assert.deepEqual(
      wrong(/\bnpm run example ([\w-]+)/g, (name) =>
        [name, `${name}.ts`].some((path) => existsSync(join(ROOT, 'examples', path))),
      ),
      [],
    );
  });

  test('files and folders of the repository', () => {
    const isThere = (path: string) => existsSync(join(ROOT, path));
    assert.deepEqual(wrong(/\bnpm (?:test|run coverage) -- ([\w./-]+)/g, isThere), []);
    assert.deepEqual(
      wrong(/`((?:src|test|docs|deploy|examples|bench|scripts|bin|\.ci)\/[\w./-]+)`/g, isThere),
      [],
    );
  });

  test('settings', () => {
    const known = knownNames();
    const isThere = (name: string) => known.has(name) || OTHERS.has(name);
    assert.deepEqual(wrong(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`/g, isThere), []);
  });
});
