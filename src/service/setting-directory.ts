import { ConfigError } from '../config/problems.ts';
import { makeDirectories } from '../core/make-directories.ts';

/**
 * Makes a directory that a setting names, or one below it.
 *
 * @throws ConfigError that names the setting.
 */
export function makeSettingDirectory(setting: string, path: string): void {
  try {
    makeDirectories(path, 0o700);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${setting} names a directory that can't be made (${reason})`]);
  }
}
