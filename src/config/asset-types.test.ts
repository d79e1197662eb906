import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AssetType } from '../core/asset-type.ts';
import { formatByteSize, MIB } from '../core/bytes.ts';
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

/** What was promised of the shipped types; a change of these is a change of the product. */
const PROMISED: Readonly<Record<string, readonly [sizeMib: number, unusedDays: number | null]>> = {
  brand_image: [10, 90],
  generated_video: [500, 90],
  lora_training: [2048, 90],
  study_material: [50, null],
  task_attachment: [100, null],
  invoice: [25, null],
  image: [20, null],
};
const EXTENSIONS: Readonly<Record<string, string>> = {
  brand_image: 'jpeg jpg png webp',
  generated_video: 'm4v mp4',
  lora_training: 'zip',
  study_material: 'avif docx gif jpeg jpg markdown md pdf png pptx txt webp',
  task_attachment: 'avif docx gif jpeg jpg markdown md pdf png pptx txt webp xlsx zip',
  invoice: 'jpeg jpg pdf png tif tiff webp xml',
  image: 'avif gif jpeg jpg png webp',
};

test('the shipped asset types take what was promised, as large as promised, ten at a time, and keep it private', () => {
  assert.deepEqual([...shippedAssetTypes().keys()], Object.keys(PROMISED));
  for (const type of shippedAssetTypes().values()) {
    const [sizeMib, unusedDays] = PROMISED[type.name] ?? assert.fail(type.name);
    assert.deepEqual([type.fileBytesMax, type.unusedDaysMax], [sizeMib * MIB, unusedDays], type.name);
    assert.equal(Object.values(type.accepts).flat().toSorted().join(' '), EXTENSIONS[type.name], type.name);
    assert.deepEqual([type.filesPerRequestMax, type.visibility], [10, 'private'], type.name);
  }
});

test('caches keep shipped pictures for a year, and ask for videos each time', () => {
  const cached = (name: string) => shippedAssetTypes().get(name)?.cacheControl;
  for (const name of ['brand_image', 'image'])
    assert.equal(cached(name), 'private, max-age=31536000, immutable', name);
  assert.equal(cached('generated_video'), 'private, no-cache');
});

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
