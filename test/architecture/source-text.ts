import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Root of the repository. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** One file of our own code. */
export interface SourceFile {
  /** Path from the root, with slashes: `src/core/key.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments, strings and templates blanked out, line for line and column for column. */
  readonly code: string;
}

/** What only tests use and lies beside them: law books, fixtures, programs that tests start. Conformance ships. */
const TEST_SUPPORT =
  /(?:^|\/)(?:testing(?:-[a-z-]+)?|test-[a-z-]+|(?:[a-z-]+-)?fixtures?|crash-writer)\.ts$|^src\/catalog\/laws(?:\.ts|\/)|^src\/validation\/samples\//;

/** Whether a file of `src` is there for tests only. */
export function isTestSupport(file: string): boolean {
  return file.endsWith('.test.ts') || TEST_SUPPORT.test(file);
}

/** All TypeScript of `src` that ships: no tests. */
export function shippedSource(): readonly SourceFile[] {
  return globSync('src/**/*.ts', { cwd: ROOT })
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => !isTestSupport(file))
    .sort()
    .map((file) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      return { path: file, text, code: blanked(text) };
    });
}

/** An import of one file by another. */
export interface Import {
  readonly from: string;
  /** Path from the root for our own files; the specifier itself for packages and for node. */
  readonly to: string;
  /** Whether the import vanishes when types are stripped. */
  readonly typeOnly: boolean;
}

const IMPORT =
  /^[ \t]*(?:import|export)\s+(type\s)?[^'";]*?from\s+['"]([^'"]+)['"]|^[ \t]*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

/** What a file imports, statically or dynamically. */
export function importsOf(file: SourceFile): readonly Import[] {
  return [...withoutComments(file.text).matchAll(IMPORT)].map((match) => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? '';
    const own = specifier.startsWith('.');
    return {
      from: file.path,
      to: own ? path.posix.join(path.posix.dirname(file.path), specifier) : specifier,
      typeOnly: match[1] !== undefined,
    };
  });
}

/** The folder below `src` that a path belongs to; the file's own name for files directly in `src`. */
export function folderOf(file: string): string {
  return file.split('/')[1] ?? file;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*/g;

/** Replaces comments, strings, templates and regular expressions by blanks; positions stay. */
export function blanked(text: string): string {
  return text.replace(TOKEN, (token) => token.replace(/[^\n]/g, ' '));
}

/** The text with its comments blanked out; strings stay. */
export function withoutComments(text: string): string {
  return text.replace(TOKEN, (token) => (/^\/[/*]/.test(token) ? token.replace(/[^\n]/g, ' ') : token));
}
