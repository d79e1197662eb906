import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const documents = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (name) => /^(node_modules|dist|data|coverage|\..*)$/.test(name),
}).sort();

/** The text without code, which may hold what looks like a link. */
function prose(markdown: string): string {
  return markdown.replace(/^ *(```|~~~)[^\n]*\n.*?^ *\1 *$/gms, '').replace(/`[^`\n]*`/g, '``');
}

/** The anchors of a document's headings, as GitHub makes them; the second of two alike gets a number. */
function anchors(markdown: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading = ''] of markdown
    .replace(/^ *(```|~~~)[^\n]*\n.*?^ *\1 *$/gms, '')
    .matchAll(/^#{1,6} +(.*?) *$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    found.add(times === 0 ? slug : `${slug}-${times}`);
  }
  for (const [, id = ''] of markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)) found.add(id);
  return found;
}

/** Where links of a document start from: fragments of the change log become part of one at the root. */
function directoryOf(name: string): string {
  return name.startsWith('changes/') ? ROOT : join(ROOT, dirname(name));
}

/** The links of a document that stay in this repository. */
function links(markdown: string): string[] {
  return [...prose(markdown).matchAll(/\]\(([^()\s]+)(?: "[^"]*")?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

describe('the documents', () => {
  it('link only to files that are there', () => {
    const broken = documents.flatMap((name) =>
      links(readFileSync(join(ROOT, name), 'utf8'))
        .map((target) => decodeURI(target.split('#')[0] ?? ''))
        .filter((path) => path !== '' && !existsSync(join(directoryOf(name), path)))
        .map((path) => `${name} → ${path}`),
    );
    assert.deepEqual(broken, []);
  });

  it('link only to headings that are there', () => {
    const broken = documents.flatMap((name) =>
      links(readFileSync(join(ROOT, name), 'utf8')).flatMap((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? join(ROOT, name) : join(directoryOf(name), decodeURI(path));
        if (anchor === undefined || !file.endsWith('.md') || !existsSync(file)) return [];
        return anchors(readFileSync(file, 'utf8')).has(anchor)
          ? []
          : [`${name} → ${relative(ROOT, file)}#${anchor}`];
      }),
    );
    assert.deepEqual(broken, []);
  });

  it('number each decision once, in its name and its heading', () => {
    const seen = new Map<number, string>();
    for (const path of globSync('docs/adr/[0-9]*.md', { cwd: ROOT }).sort()) {
      const number = Number(basename(path).slice(0, 4));
      assert.ok(!seen.has(number), `${path} has the number of ${seen.get(number)}`);
      seen.set(number, path);
      const heading = /^# (\d+)[:.] /.exec(readFileSync(join(ROOT, path), 'utf8'));
      assert.equal(Number(heading?.[1]), number, `the heading of ${path}`);
    }
  });

  it('say of each change what kind it is, and then something', () => {
    for (const path of globSync('changes/unreleased/*.md', { cwd: ROOT })) {
      assert.match(readFileSync(join(ROOT, path), 'utf8'), /^(Added|Changed|Fixed|Security)\n\n\S/, path);
    }
  });
});
