import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/library.md'), 'utf8');

/** Names of the members of an interface of this folder. */
function membersOf(file: string, type: string): readonly string[] {
  const source = readFileSync(join(import.meta.dirname, file), 'utf8');
  const body = new RegExp(`interface ${type}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(source)?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, name = '']) => name);
}

describe('docs/reference/library.md', () => {
  for (const [file, type] of [
    ['stowage.ts', 'Stowage'],
    ['assets.ts', 'Assets'],
    ['uploads.ts', 'Uploads'],
  ] as const) {
    test(`tells every member of ${type}`, () => {
      const names = membersOf(file, type);
      assert.ok(names.length > 3);
      const missing = names.filter((name) => !new RegExp(`\\| \`${name}\\(|stowage\\.${name}\\b`).test(page));
      assert.deepEqual(missing, []);
    });
  }

  for (const [file, type] of [
    ['create-stowage.ts', 'StowageOptions'],
    ['callers.ts', 'Caller'],
    ['receive.ts', 'ReceivedForm'],
    ['receive.ts', 'FormReceipt'],
    ['send.ts', 'SendOptions'],
    ['deletion.ts', 'DeleteOptions'],
    ['assets.ts', 'ListOptions'],
    ['assets.ts', 'SignedUrlOptions'],
    ['access-log.ts', 'AccessLogFilter'],
    ['app-database.ts', 'AppDatabase'],
    ['handler.ts', 'HandlerOptions'],
    ['transactions.ts', 'Transaction'],
    ['transactions.ts', 'RecordAsset'],
    ['record-links.ts', 'LinkBounds'],
  ] as const) {
    test(`names every field of ${type}`, () => {
      const names = membersOf(file, type);
      assert.ok(names.length > 0);
      const missing = names.filter((name) => !new RegExp(`[\`{ .(]${name}[\`,( ?.:})]`).test(page));
      assert.deepEqual(missing, []);
    });
  }
});
