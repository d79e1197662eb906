import { type OpenCatalog, openCatalog } from '../catalog/open-catalog.ts';
import type { Config } from '../config/config.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';

/** Opens the catalog of a configuration: also while a service runs on it, the embedded database included. */
export function openCatalogOf(
  config: Pick<Config, 'database' | 'dataDir'>,
  options: {
    readonly signal?: AbortSignal;
    readonly log?: Log;
    readonly clock?: Clock;
    readonly connectionsMax?: number;
  },
): Promise<OpenCatalog> {
  return openCatalog({
    url: config.database.url,
    dataDir: config.dataDir,
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    ...(options.signal !== undefined && { signal: options.signal }),
    ...(options.connectionsMax !== undefined && { connectionsMax: options.connectionsMax }),
  });
}
