import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from './settings.ts';

const ROOT = join(import.meta.dirname, '../..');

test('docs/reference/configuration.md says of every setting what the code says', () => {
  const rows = readFileSync(join(ROOT, 'docs/reference/configuration.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| `[A-Z]/.test(line));
  const expected = SETTINGS.map((setting) => {
    const aliases = setting.aliases.map((name) => `\`${name}\``).join(', ');
    const effect = setting.effect + (aliases === '' ? '' : ` Also understood: ${aliases}.`);
    const name = `\`${setting.name}\`${setting.secret ? ' (secret)' : ''}`;
    return `| ${name} | ${setting.defaultText} | ${setting.range} | ${effect} |`;
  });
  assert.deepEqual(rows, expected);
});

test('.env.example covers every setting, and nothing else', () => {
  const names = readFileSync(join(ROOT, '.env.example'), 'utf8')
    .split('\n')
    .flatMap((line) => /^#?([A-Z][A-Z0-9_]+)=/.exec(line)?.[1] ?? []);
  assert.deepEqual(names.toSorted(), SETTINGS.map((setting) => setting.name).toSorted());
});
