import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SweepParts } from '../maintenance/sweep.ts';
import type { OpenStorage } from './open-storage.ts';

/** Directory in which each process on this machine has a spool of its own. */
export function spoolRoot(config: Pick<Config, 'dataDir'>): string {
  return join(config.dataDir, 'spool');
}

/** What a sweep of this configuration works on. */
export function sweepParts(
  config: Pick<Config, 'assetTypes' | 'dataDir'>,
  parts: {
    readonly catalog: Catalog;
    readonly storage: OpenStorage;
    readonly clock: Clock;
    readonly log: Log;
  },
): SweepParts {
  const { local } = parts.storage;
  return {
    bucket: parts.storage.bucket,
    catalog: parts.catalog,
    assetTypes: config.assetTypes,
    listStaleMultipart:
      local === null ? null : (startedBeforeMs) => local.listStaleMultipart(startedBeforeMs),
    spoolDir: spoolRoot(config),
    clock: parts.clock,
    log: parts.log,
  };
}
