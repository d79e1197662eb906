import type { FastifyInstance } from 'fastify';
import { openTokenVerifier } from '../access/tokens.ts';
import type { OpenCatalog } from '../catalog/open-catalog.ts';
import { type CatalogEvent, watchedCatalog } from '../catalog/watched-catalog.ts';
import type { Config } from '../config/config.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Authenticator } from '../http/authenticate.ts';
import type { Deps } from '../http/deps.ts';
import { createMetrics } from '../http/metrics.ts';
import { completeDeps, serverOf } from '../http/server.ts';
import type { Removal } from '../uploads/remove.ts';
import type { Intake } from '../uploads/upload.ts';
import { startBackgroundTasks } from './background.ts';
import { createClosers } from './closers.ts';
import { findFreePort, localUrl } from './free-port.ts';
import { createHealth } from './health.ts';
import { openCatalogOf } from './open-catalog-of.ts';
import { type OpenStorage, openStorage } from './open-storage.ts';
import { openUploads } from './open-uploads.ts';

/** A running service. */
export interface Service {
  /** What clients reach it by, without a trailing slash. */
  readonly url: string;
  readonly catalog: OpenCatalog['catalog'];
  readonly intake: Intake;
  readonly removal: Removal;
  readonly storage: OpenStorage;
  /** What the routes work with: for a library that serves them inside another server. */
  readonly deps: Deps;
  /** How to connect to the database as the service does: for the application's own tables. */
  readonly connection: OpenCatalog['connection'];
  /**
   * Takes no more connections, waits for requests in flight (at most 25 seconds), finishes what is under way in the
   * background, and closes the store and the database.
   */
  close(): Promise<void>;
}

export interface ServiceOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Gives up starting. A running service is stopped by `close`. */
  readonly signal?: AbortSignal;
  /** False for programs that embed Stowage and serve its requests themselves, or none. */
  readonly listen?: boolean;
  /** Tells who asks; without it the tokens of the settings do. */
  readonly authenticator?: Authenticator;
  /** What clients reach the service by, without a trailing slash; asked when a URL is made. Default: as the settings say. */
  readonly publicUrl?: () => string;
  /** Told of all that this process records in the catalog; must not throw. */
  readonly onEvent?: (event: CatalogEvent) => void;
}

/** Longest wait for requests in flight when the service stops, in milliseconds. */
const DRAIN_MS_MAX = 25_000;

/**
 * Opens every part of a service and wires them together: database and store first, requests as soon as both answer,
 * background tasks after that.
 *
 * @throws ConfigError, EmbeddedDatabaseError, MigrationError, StowageError or the system's error of the address; what
 *   was opened by then is closed again.
 */
export async function openService(config: Config, options: ServiceOptions): Promise<Service> {
  const closers = createClosers(options.log);
  try {
    return await openParts(config, options, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function openParts(
  config: Config,
  options: ServiceOptions,
  closers: ReturnType<typeof createClosers>,
): Promise<Service> {
  const { log, signal } = options;
  const clock = options.clock ?? systemClock;
  const port = config.http.port === 0 ? await findFreePort(config.http.host) : config.http.port;
  const url = config.http.publicUrl ?? localUrl(config.http.host, port);

  const publicUrl = options.publicUrl ?? (() => url);

  // Side by side: the database takes longest, and needs nothing of the store.
  const [opened, storage] = await openBoth(
    openCatalogOf(config, { log, clock, ...(signal !== undefined && { signal }) }).then((catalog) => {
      closers.add('catalog', () => catalog.close());
      return catalog;
    }),
    openStorage(config, { publicUrl, clock, log }).then((store) => {
      closers.add('storage', () => store.stores.close());
      return store;
    }),
  );
  for (const warning of opened.warnings) log.warn({}, warning);
  if (storage.isNew) await warnOfLostFiles(opened.catalog, log);
  const { onEvent } = options;
  const catalog = onEvent === undefined ? opened.catalog : watchedCatalog(opened.catalog, onEvent);
  const { bucket, stores, localFiles } = storage;

  const health = createHealth({ catalog, bucket, clock, log });
  const [uploads] = await Promise.all([
    openUploads(config, { stores, catalog, clock, log }, closers),
    health.measure(),
  ]);
  const background = startBackgroundTasks(config, {
    ...{ opened: { ...opened, catalog }, storage, removal: uploads.removal, health, clock, log },
  });
  closers.add('background', () => background.close());

  const deps = completeDeps({
    config,
    catalog,
    stores,
    localFiles,
    ...uploads,
    verifier: options.authenticator ?? openTokenVerifier(config.access, clock, log),
    health,
    metrics: createMetrics({ processMetrics: true }),
    publicUrl,
    clock,
    log,
  });
  if (options.listen ?? true) {
    const server = serverOf(deps);
    closers.add('server', () => drain(server));
    await server.listen({ host: config.http.host, port });
  }
  health.start();
  return {
    url,
    catalog,
    intake: uploads.intake,
    removal: uploads.removal,
    storage,
    deps,
    connection: opened.connection,
    async close() {
      health.stop();
      await closers.closeAll();
    },
  };
}

/** A disk that is not mounted leaves an empty directory, where a new store was made just now. */
async function warnOfLostFiles(catalog: OpenCatalog['catalog'], log: Log): Promise<void> {
  const lost = (await catalog.storedUsage()).filter(({ backend }) => backend === 'local');
  const files = lost.reduce((sum, usage) => sum + usage.files, 0);
  if (files === 0) return;
  log.error(
    { files },
    'LOCAL_STORAGE_PATH held no store, and a new one was made, but the catalog knows files on local disk. Is its disk mounted?',
  );
}

/** Waits for both, also when one fails: what the other opened must be known before it is closed. */
async function openBoth<Left, Right>(left: Promise<Left>, right: Promise<Right>): Promise<[Left, Right]> {
  await Promise.allSettled([left, right]);
  return await Promise.all([left, right]);
}

/** Closes the server; requests that are still in flight after the bound are cut. */
async function drain(server: FastifyInstance): Promise<void> {
  const late = setTimeout(() => server.server.closeAllConnections(), DRAIN_MS_MAX);
  try {
    await server.close();
  } finally {
    clearTimeout(late);
  }
}
