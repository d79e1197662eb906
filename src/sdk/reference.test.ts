import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const manual = readFileSync(join(ROOT, 'docs/reference/client.md'), 'utf8');
const sourceOf = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

/** Names of the fields of an interface. */
function fieldsOf(file: string, type: string): readonly string[] {
  const body = new RegExp(`interface ${type}\\b[^{]*\\{(.*?)\\n\\}`, 's').exec(sourceOf(file))?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, name = '']) => name);
}

describe('docs/reference/client.md', () => {
  for (const [file, type] of [
    ['options.ts', 'ClientOptions'],
    ['upload.ts', 'CallOptions'],
    ['upload.ts', 'TransferOptions'],
    ['upload.ts', 'FileFacts'],
    ['upload.ts', 'AssetFacts'],
    ['upload.ts', 'UploadOptions'],
    ['list.ts', 'ListOptions'],
    ['download.ts', 'DownloadOptions'],
    ['download.ts', 'Download'],
    ['progress.ts', 'UploadProgress'],
    ['client.ts', 'StowageClient'],
  ] as const) {
    it(`names everything of ${type}`, () => {
      const names = fieldsOf(file, type);
      assert.ok(names.length > 0);
      const missing = names.filter((name) => !new RegExp(`[\`{ .]${name}[\`,( .]`).test(manual));
      assert.deepEqual(missing, []);
    });
  }

  it('names the codes of the client, and no others', () => {
    const type = /type LocalErrorCode =(.*?);\n\n/s.exec(sourceOf('errors.ts'))?.[1] ?? '';
    const codes = [...type.matchAll(/\| '(\w+)'/g)].map(([, code]) => code);
    assert.ok(codes.length > 5);
    const table = manual.slice(manual.indexOf('| code | what happened |'));
    const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    assert.deepEqual(named.toSorted(), codes.toSorted());
  });

  it('tells the fields of an error', () => {
    const body = /class StowageClientError.*?constructor/s.exec(sourceOf('errors.ts'))?.[0] ?? '';
    const names = [...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name);
    assert.ok(names.length > 10);
    assert.deepEqual(
      names.filter((name) => !manual.includes(`\`${name}\``)),
      [],
    );
  });
});
