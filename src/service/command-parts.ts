import type { Catalog } from '../catalog/catalog.ts';
import type { OpenCatalog } from '../catalog/open-catalog.ts';
import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { localUrl } from './free-port.ts';
import { openCatalogOf } from './open-catalog-of.ts';
import { type OpenStorage, openStorage } from './open-storage.ts';
import { sweepParts } from './sweep-parts.ts';

/** Most connections of one command: a service that runs beside it needs the others. */
const COMMAND_CONNECTIONS_MAX = 4;

/** Opens the catalog for one command; `await using` closes it. */
export async function openCommandCatalog(
  config: Config,
  options: { readonly signal: AbortSignal },
): Promise<OpenCatalog & AsyncDisposable> {
  const opened = await openCatalogOf(config, {
    signal: options.signal,
    connectionsMax: COMMAND_CONNECTIONS_MAX,
  });
  return { ...opened, [Symbol.asyncDispose]: () => opened.close() };
}

/** Opens the store for one command; `await using` closes it. */
export async function openCommandStorage(config: Config): Promise<OpenStorage & AsyncDisposable> {
  const storage = await openStorage(config, {
    publicUrl: config.http.publicUrl ?? localUrl(config.http.host, config.http.port),
    clock: systemClock,
    log: silentLog,
  });
  return { ...storage, [Symbol.asyncDispose]: () => storage.stores.close() };
}

/** Opens what a sweep works on, beside an open catalog; `await using` closes it. */
export async function openSweep(
  config: Config,
  catalog: Catalog,
): Promise<ReturnType<typeof sweepParts> & AsyncDisposable> {
  const storage = await openCommandStorage(config);
  return {
    ...sweepParts(config, { catalog, storage, clock: systemClock, log: silentLog }),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}
