import type { Config } from '../config/config.ts';
import { type ConfigSources, loadConfig } from '../config/load-config.ts';
import { inspectorFor } from '../validation/registry.ts';

/**
 * Reads the settings, knowing what the gate can judge.
 *
 * @throws ConfigError naming every problem at once.
 */
export function loadServiceConfig(sources: Omit<ConfigSources, 'canJudge'>): Promise<Config> {
  return loadConfig({ ...sources, canJudge: (mediaType) => inspectorFor(mediaType) !== undefined });
}
