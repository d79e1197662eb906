import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** One fenced block of a document. */
export interface Block {
  /** Path below the root of the repository, with `/`. */
  readonly document: string;
  /** Of the opening fence; the first line of a document is 1. */
  readonly line: number;
  /** What stands behind the fence; empty when nothing does. */
  readonly language: string;
  /** The lines between the fences as a reader copies them: a block inside of a list without the list's indent. */
  readonly text: string;
}

/** Every document of the repository but the change log. */
export function documents(): readonly string[] {
  const exclude = (name: string) =>
    /^(node_modules|dist|data|coverage|changes|CHANGELOG\.md|\..*)$/.test(name);
  return globSync('**/*.md', { cwd: ROOT, exclude })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

/** The fenced blocks of a document, in its order. */
export function blocksOf(document: string): readonly Block[] {
  return parseBlocks(document, readFileSync(join(ROOT, document), 'utf8'));
}

/** @throws Error when a fence is never closed: everything below it would be code. */
export function parseBlocks(document: string, markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { indent: number; fence: string; line: number; language: string; lines: string[] } | null = null;
  for (const [index, text] of markdown.split('\n').entries()) {
    const [, indent = '', fence = '', rest = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(text) ?? [];
    if (open === null) {
      if (fence !== '')
        open = { indent: indent.length, fence, line: index + 1, language: rest.trim(), lines: [] };
    } else if (fence.startsWith(open.fence) && rest.trim() === '') {
      const { line, language, lines } = open;
      blocks.push({ document, line, language, text: `${lines.join('\n')}\n` });
      open = null;
    } else open.lines.push(text.slice(Math.min(open.indent, text.search(/\S|$/))));
  }
  if (open !== null) throw new Error(`${document}:${open.line}: the block is never closed.`);
  return blocks;
}

/** Whether a block is a whole module: what it imports and exports can be checked and run as it stands. */
export function isModule({ text }: Block): boolean {
  return /^(import|export) /m.test(text);
}

/** Where a block is, for messages. */
export function placeOf({ document, line, language }: Block): string {
  return `${document}:${line} (${language || 'no language'})`;
}
