import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { Environment } from './look-alikes.ts';
import { fileFieldOf, SETTINGS, type Setting } from './settings.ts';

/** Largest file that `<NAME>_FILE` may name, in bytes. */
const SECRET_FILE_BYTES_MAX = 64 * 1024;

/** The text of a setting and the name it was found under, which problems then name. */
export interface SettingValue {
  readonly text: string;
  readonly source: string;
}

/** Values of settings by the setting's name; those that are unset are absent. */
export type SettingValues = ReadonlyMap<string, SettingValue>;

/**
 * Gathers the value of every setting: the environment wins over the config file, a setting's own name over its aliases.
 * Variables that are set to nothing count as unset, as compose files write them.
 *
 * @param fileValues values of the config file by field name.
 * @param problems where unreadable or doubly set secrets are reported.
 */
export function gatherSettingValues(
  env: Environment,
  fileValues: ReadonlyMap<string, string>,
  cwd: string,
  problems: string[],
): SettingValues {
  const values = new Map<string, SettingValue>();
  for (const setting of SETTINGS) {
    const value = environmentValue(setting, env, cwd, problems) ?? fileValue(setting, fileValues);
    if (value !== undefined) values.set(setting.name, value);
  }
  return values;
}

function environmentValue(
  setting: Setting,
  env: Environment,
  cwd: string,
  problems: string[],
): SettingValue | undefined {
  for (const name of [setting.name, ...setting.aliases]) {
    const text = textOf(env[name]);
    const path = setting.secret ? textOf(env[`${name}_FILE`]) : undefined;
    if (text !== undefined && path !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set; keep one`);
      return { text, source: name };
    }
    if (text !== undefined) return { text, source: name };
    if (path === undefined) continue;
    const secret = readSecretFile(`${name}_FILE`, isAbsolute(path) ? path : resolve(cwd, path), problems);
    if (secret !== undefined) return { text: secret, source: `${name}_FILE` };
  }
  return undefined;
}

function fileValue(setting: Setting, values: ReadonlyMap<string, string>): SettingValue | undefined {
  const field = fileFieldOf(setting.name);
  const text = textOf(values.get(field));
  return text === undefined ? undefined : { text, source: `${field} in the config file` };
}

function readSecretFile(name: string, path: string, problems: string[]): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > SECRET_FILE_BYTES_MAX)
      problems.push(`${name} names a file that is too large for a secret`);
    else if (text.trim() === '') problems.push(`${name} names an empty file`);
    else return text.replace(/[\r\n]+$/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    problems.push(`${name} names a file that can't be read (${code})`);
  }
  return undefined;
}

function textOf(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}
