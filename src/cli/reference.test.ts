import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from './commands/index.ts';
import { usageLine } from './usage.ts';

test('docs/reference/cli.md shows every command as it is, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/reference/cli.md'), 'utf8');
  const shown = text
    .split('\n')
    .filter((line) => line.startsWith('    stowage ') && !line.includes('COMMAND'));
  assert.deepEqual(
    shown.map((line) => line.trim()),
    COMMANDS.map(usageLine),
  );
  for (const command of COMMANDS) {
    assert.ok(text.includes(command.summary), command.name);
    for (const [name, flag] of Object.entries(command.flags)) {
      const shownFlag = flag.type === 'string' ? `--${name} ${flag.value ?? 'VALUE'}` : `--${name}`;
      assert.ok(text.includes(`| \`${shownFlag}\` | ${flag.summary} |`), `${command.name} ${shownFlag}`);
    }
  }
});
