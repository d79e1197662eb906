import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AssetType } from '../core/asset-type.ts';
import { formatByteSize } from '../core/bytes.ts';
import { OWN_PLACEHOLDERS } from './asset-type-fields.ts';
import { shippedAssetTypes } from './asset-types.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/reference/asset-types.md'), 'utf8');

function rowsBelow(heading: string): readonly string[] {
  const section = TEXT.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `'));
}

function limitsRow(type: AssetType): string {
  const kept = type.unusedDaysMax === null ? 'for ever' : `until unread for ${type.unusedDaysMax} days`;
  const cells = [
    ...[`\`${type.name}\``, formatByteSize(type.fileBytesMax), `${type.filesPerRequestMax}`, kept],
    ...[type.visibility, `\`${type.cacheControl}\``, `\`${type.keyTemplate}\``],
  ];
  return `| ${cells.join(' | ')} |`;
}

function acceptsRows(): readonly string[] {
  const accepted = new Map<string, { readonly extensions: string; readonly types: string[] }>();
  for (const type of shippedAssetTypes().values()) {
    for (const [mediaType, extensions] of Object.entries(type.accepts)) {
      const known = accepted.get(mediaType);
      if (known === undefined)
        accepted.set(mediaType, { extensions: extensions.join(', '), types: [type.name] });
      else known.types.push(type.name);
    }
  }
  return [...accepted].map(
    ([mediaType, { extensions, types }]) => `| \`${mediaType}\` | ${extensions} | ${types.join(', ')} |`,
  );
}

test('docs/reference/asset-types.md says of every shipped asset type what the code says', () => {
  assert.deepEqual(rowsBelow('Limits and places'), [...shippedAssetTypes().values()].map(limitsRow));
  assert.deepEqual(rowsBelow('What they accept'), acceptsRows());
});

test('docs/reference/asset-types.md explains every placeholder that Stowage fills, and no other', () => {
  const explained = rowsBelow('Placeholders of keys').flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`\{(\w+)\}`/g)].map((match) => match[1]),
  );
  assert.deepEqual(explained.toSorted(), [...OWN_PLACEHOLDERS].toSorted());
});
