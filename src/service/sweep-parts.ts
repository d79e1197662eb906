import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SweepParts } from '../maintenance/sweep.ts';
import type { OtherStore } from '../maintenance/sweep-stores.ts';
import type { Bucket } from '../storage/index.ts';
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
): { readonly main: SweepParts; readonly others: readonly OtherStore[] } {
  const { catalog, storage, clock, log } = parts;
  const partsOf = (bucket: Bucket): SweepParts => ({
    bucket,
    stores: storage.stores,
    catalog,
    assetTypes: config.assetTypes,
    listStaleMultipart:
      bucket.name === 'local'
        ? async (startedBeforeMs) => (await storage.localFiles.open()).listStaleMultipart(startedBeforeMs)
        : null,
    spoolDir: null,
    clock,
    log,
  });
  return {
    main: { ...partsOf(storage.bucket), spoolDir: spoolRoot(config) },
    others: storage
      .backends()
      .slice(1)
      .map((backend) => ({ backend, open: async () => partsOf(await storage.stores.of(backend)) })),
  };
}
