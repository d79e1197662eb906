import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const COMMAND = join(import.meta.dirname, '../../bin/stowage.js');

/** What a reader's lines left. */
export interface Pasted {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why lines can't be pasted on this machine; false when they can. For `skip` of a test. */
export function missingPrograms(...names: readonly string[]): string | false {
  const missing = names.filter((name) => {
    const { status } = spawnSync(name, [name === 'openssl' ? 'version' : '--version']);
    return status !== 0;
  });
  return missing.length === 0 ? false : `${missing.join(' and ')} not installed`;
}

/**
 * Runs lines as a reader would paste them, each after the one before has succeeded, with `stowage` and `npx stowage` being
 * this repository's.
 *
 * @param cwd where the reader stands; `stowage` is put below it.
 * @param env everything that is set, but the path.
 */
export async function paste(
  lines: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Pasted> {
  const bin = join(cwd, '.bin');
  mkdirSync(bin, { recursive: true });
  program(join(bin, 'stowage'), `exec '${process.execPath}' '${COMMAND}' "$@"`);
  program(join(bin, 'npx'), 'exec "$@"');
  const options = {
    cwd,
    env: { HOME: cwd, ...env, PATH: `${bin}${delimiter}${process.env.PATH}` },
    timeout: 90_000,
    maxBuffer: 16 * 1024 * 1024,
  };
  return await new Promise((resolve) => {
    execFile('bash', ['-c', `set -euo pipefail\n${lines}`], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** The variables that lines of `NAME=value` set, read by a shell as a reader's would. */
export async function settingsIn(lines: string, cwd: string): Promise<Readonly<Record<string, string>>> {
  const told = `'${process.execPath}' -e 'process.stdout.write(JSON.stringify(process.env))'`;
  const { code, stdout, stderr } = await paste(`set -a\n${lines}\n${told}`, cwd);
  if (code !== 0) throw new Error(stderr);
  const all: Readonly<Record<string, string>> = JSON.parse(stdout);
  return Object.fromEntries(Object.entries(all).filter(([name]) => !OF_EVERY_SHELL.has(name)));
}

const OF_EVERY_SHELL: ReadonlySet<string> = new Set([
  ...['HOME', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_', '__CF_USER_TEXT_ENCODING'],
]);

function program(path: string, line: string): void {
  writeFileSync(path, `#!/usr/bin/env bash\n${line}\n`);
  chmodSync(path, 0o755);
}
