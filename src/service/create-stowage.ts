import type { Config } from '../config/config.ts';
import { readConfigFile } from '../config/config-file.ts';
import type { StowageConfigFile } from '../config/define-config.ts';
import type { Environment } from '../config/look-alikes.ts';
import { ConfigError } from '../config/problems.ts';
import { type Log, silentLog } from '../core/log.ts';
import { createLibrary, type Library } from './library.ts';
import { loadServiceConfig } from './load-service-config.ts';
import { openService, type Service } from './open-service.ts';

/** How a program embeds Stowage. */
export interface StowageOptions {
  /** What the config file would hold; no file is looked for. */
  readonly config?: StowageConfigFile;
  /** Settings by their names in the environment, secrets among them. Pass `process.env` to take the machine's. */
  readonly env?: Environment;
  /** Directory that relative paths start from, absolute. */
  readonly cwd: string;
  /** Where log lines go. Default: nowhere. */
  readonly log?: Log;
  /** Whether to listen for HTTP requests. Default: false. */
  readonly listen?: boolean;
}

/** Stowage inside another program. */
export interface Stowage extends Service, Library {
  readonly config: Config;
}

/**
 * Opens Stowage inside a program: the same parts as `stowage serve`, without signals, and listening only when asked.
 *
 * @throws ConfigError naming every wrong setting.
 */
export async function createStowage(options: StowageOptions): Promise<Stowage> {
  const problems: string[] = [];
  const file = readConfigFile(options.config ?? {}, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const config = await loadServiceConfig({ env: options.env ?? {}, cwd: options.cwd, file });
  const service = await openService(config, {
    log: options.log ?? silentLog,
    listen: options.listen ?? false,
  });
  return { ...service, ...createLibrary(service, config), config };
}
