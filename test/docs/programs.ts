import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestDatabase } from '../../src/catalog/testing.ts';
import type { Block } from './blocks.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Whether the lines of a block stand in a program one after the other, indented as the program needs it. */
export function standsIn(program: string, { text }: Block): boolean {
  const block = withoutIndent(text.trimEnd().split('\n'));
  const lines = program.split('\n');
  return lines.some((_, start) => {
    const piece = withoutIndent(lines.slice(start, start + block.length));
    return piece.length === block.length && piece.every((line, index) => line === block[index]);
  });
}

/** Lines without the spaces that all of them begin with. */
function withoutIndent(lines: readonly string[]): readonly string[] {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent).trimEnd());
}

/** A program of test/docs/programs, as text. */
export function programText(name: string): string {
  return readFileSync(join(ROOT, 'test/docs/programs', name), 'utf8');
}

/**
 * Runs a program in an empty directory, on an empty database of a real server.
 *
 * @param program path below the root.
 * @returns what it prints.
 * @throws Error when it ends with another code than 0, or takes longer than a minute and a half.
 */
export async function runProgram(program: string, input: Buffer | string = ''): Promise<string> {
  await using database = await openTestDatabase();
  const { host, port, user, database: name } = database.app;
  const directory = freshDirectory();
  const options = {
    cwd: directory,
    timeout: 90_000,
    env: {
      PATH: process.env.PATH,
      DATA_DIR: join(directory, 'data'),
      DATABASE_URL: `postgres://${user}@/${name}?host=${encodeURIComponent(host ?? '')}&port=${port}`,
    },
  };
  try {
    return await new Promise<string>((resolve, reject) => {
      const flags = ['--conditions=stowage-source', join(ROOT, program)];
      const child = execFile(process.execPath, flags, options, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stdout}${stderr}`)),
      );
      child.stdin?.on('error', () => {}); // A program need not read what it is given.
      child.stdin?.end(input);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** An empty directory that PostgreSQL's account may look into. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-docs-'));
  chmodSync(directory, 0o755);
  return directory;
}

/** An empty directory inside of the package, where `import … from 'stowage'` means this package. */
export function directoryInPackage(): string {
  mkdirSync(join(ROOT, 'data'), { recursive: true });
  return mkdtempSync(join(ROOT, 'data', 'docs-'));
}
