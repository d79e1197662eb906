import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { basename, extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nearestName } from './look-alikes.ts';
import { fileFieldOf, SETTINGS } from './settings.ts';

/** What a config file holds: settings as text by field name; asset types and provisioning, still unchecked. */
export interface ConfigFile {
  readonly values: ReadonlyMap<string, string>;
  readonly assetTypes: unknown;
  readonly provisioning?: unknown;
}

const DEFAULT_NAMES = ['stowage.config.ts', 'stowage.config.js', 'stowage.config.json'];
const NO_FILE: ConfigFile = { values: new Map(), assetTypes: undefined };

/**
 * Loads the config file: the one `STOWAGE_CONFIG` names, else the first of `stowage.config.{ts,js,json}` in the
 * working directory, else nothing. TypeScript is run by Node itself, which strips the types.
 *
 * @param named the value of `STOWAGE_CONFIG`; undefined when unset.
 */
export async function loadConfigFile(
  named: string | undefined,
  cwd: string,
  problems: string[],
): Promise<ConfigFile> {
  const path =
    named === undefined
      ? DEFAULT_NAMES.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate))
      : isAbsolute(named)
        ? named
        : resolve(cwd, named);
  if (path === undefined) return NO_FILE;
  if (!existsSync(path)) {
    problems.push('STOWAGE_CONFIG names a file that does not exist');
    return NO_FILE;
  }
  try {
    return readConfigFile(await loadValue(path), problems);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'it threw no Error';
    problems.push(`${basename(path)}: the config file can't be loaded (${reason})`);
    return NO_FILE;
  }
}

/** Splits a loaded config into settings and asset types; unknown fields and secrets are problems. */
export function readConfigFile(value: unknown, problems: string[]): ConfigFile {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push('The config file must export an object as its default');
    return NO_FILE;
  }
  const fields = new Map(SETTINGS.map((setting) => [fileFieldOf(setting.name), setting]));
  for (const name of ENVIRONMENT_ONLY) fields.delete(name);
  const values = new Map<string, string>();
  for (const [field, content] of Object.entries(value)) {
    if (field === 'assetTypes' || field === 'provisioning' || content === undefined) continue;
    const setting = fields.get(field);
    const text = textOf(content);
    if (setting === undefined) {
      const meant = nearestName(field, ['assetTypes', 'provisioning', ...fields.keys()]);
      problems.push(`${field} in the config file is no setting${meant ? `; did you mean ${meant}?` : ''}`);
    } else if (setting.secret) {
      problems.push(
        `${field} in the config file is a secret; set ${setting.name} or ${setting.name}_FILE instead`,
      );
    } else if (text === undefined) problems.push(`${field} in the config file has a value of the wrong kind`);
    else values.set(field, text);
  }
  return {
    values,
    assetTypes: 'assetTypes' in value ? value.assetTypes : undefined,
    provisioning: 'provisioning' in value ? value.provisioning : undefined,
  };
}

/** Settings that say where the file is or what it is for can't be inside it. */
const ENVIRONMENT_ONLY = [fileFieldOf('STOWAGE_CONFIG'), fileFieldOf('NODE_ENV')];

function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (typeof content === 'boolean') return String(content);
  if (typeof content === 'number' && Number.isFinite(content)) return String(content);
  if (Array.isArray(content) && content.every((item) => typeof item === 'string')) return content.join(',');
  return undefined;
}

async function loadValue(path: string): Promise<unknown> {
  if (extname(path) === '.json') return JSON.parse(readFileSync(path, 'utf8'));
  // `import { defineConfig } from 'stowage'` works wherever the file lies, also beside a global installation.
  const ownEntry = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url);
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'stowage' ? { url: ownEntry.href, shortCircuit: true } : next(specifier, context),
  });
  try {
    const loaded: { readonly default?: unknown } = await import(pathToFileURL(path).href);
    return loaded.default;
  } finally {
    hooks.deregister();
  }
}
