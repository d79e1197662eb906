import { type Jobs, openJobs } from '../catalog/jobs.ts';
import type { OpenCatalog } from '../catalog/open-catalog.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { purgeDue } from '../delivery/cdn/purge.ts';
import { expireUploads } from '../maintenance/expire-uploads.ts';
import { pause, type RepeatedTask, startSchedule } from '../maintenance/schedule.ts';
import { SWEEP_AGE_SECONDS_DEFAULT } from '../maintenance/sweep.ts';
import { sweepStores } from '../maintenance/sweep-stores.ts';
import type { Removal } from '../uploads/remove.ts';
import type { Health } from './health.ts';
import { openPurgers } from './open-purgers.ts';
import type { OpenStorage } from './open-storage.ts';
import { sweepParts } from './sweep-parts.ts';
import { watchProvisioning } from './watch-provisioning.ts';

/** Between two seals of the access log, in milliseconds: what an intruder could still change unnoticed. */
const SEAL_EVERY_MS = 10_000;
/** Between two attempts to start the jobs while the database refuses, in milliseconds. */
const JOBS_RETRY_MS = 60_000;
/** Between two looks for what caches must forget, in milliseconds. */
const PURGE_EVERY_MS = 2_000;
/** Between two looks for erasures that a crash interrupted or that failed, in milliseconds. */
const ERASURES_EVERY_MS = 5_000;
const EXPIRE_CRON = '41 * * * *';
const SWEEP_CRON = '17 3 * * *';
/** Longest sweep, in seconds: a million objects of a slow store. */
const SWEEP_SECONDS_MAX = 6 * 60 * 60;

export interface BackgroundParts {
  readonly opened: OpenCatalog;
  readonly storage: OpenStorage;
  readonly removal: Pick<Removal, 'resumeErasures'>;
  readonly health: Pick<Health, 'noteStore'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Starts what a service does beside answering: it seals the access log all the time, goes on with erasures, and takes part in the jobs of which
 * one node at a time runs each (expiry by the hour, the sweep by night). Closing it seals once more.
 */
export function startBackgroundTasks(config: Config, parts: BackgroundParts): { close(): Promise<void> } {
  const { catalog } = parts.opened;
  const purging = startPurging(config, parts);
  const schedule = startSchedule(
    [
      { name: 'seal', everyMs: SEAL_EVERY_MS, run: (signal) => catalog.sealAccessLog(signal) },
      { name: 'erasures', everyMs: ERASURES_EVERY_MS, run: () => parts.removal.resumeErasures() },
      ...purging.tasks,
      ...watchProvisioning(config, parts),
    ],
    parts.log,
  );
  const stop = new AbortController();
  const jobs = startJobs(config, parts, stop.signal);
  return {
    async close() {
      stop.abort();
      await (await jobs)?.close();
      await schedule.close();
      await purging.close();
      await catalog.sealAccessLog().catch((error: unknown) => {
        parts.log.warn({ err: error }, 'The access log could not be sealed while stopping.');
      });
    },
  };
}

/** Tells caches to forget what was deleted; the database knows what, so every node does it for all. */
function startPurging(config: Config, { opened, clock, log }: BackgroundParts) {
  const { catalog } = opened;
  const purgers = openPurgers(config);
  const caches = config.cdn === null || purgers.length === 0 ? [] : [config.cdn.url];
  // Deletes ask for purges while a cache is known: it is, from the first start on.
  const note = async (): Promise<boolean> => {
    try {
      await catalog.noteCaches(caches, clock.now());
      return true;
    } catch (error) {
      log.warn({ err: error }, 'The caches in front of the assets could not be noted; tried again.');
      return false;
    }
  };
  let noted = note();
  const task: RepeatedTask = {
    name: 'purge',
    everyMs: PURGE_EVERY_MS,
    async run(signal) {
      // Again and again: a process of the same catalog that has no CDN in its settings says at its start that there is none.
      if (!(await noted) || caches.length > 0) noted = note();
      if (purgers.length > 0) await purgeDue({ catalog, purgers, clock, log }, signal);
    },
  };
  return {
    tasks: [task],
    async close(): Promise<void> {
      await noted;
      await Promise.all(purgers.map((purger) => purger.close()));
    },
  };
}

/** @returns the jobs; undefined when the service stopped before they could be started. */
async function startJobs(
  config: Config,
  parts: BackgroundParts,
  signal: AbortSignal,
): Promise<Jobs | undefined> {
  for (let delayMs = 0; !signal.aborted; delayMs = JOBS_RETRY_MS) {
    await pause(delayMs, signal);
    if (signal.aborted) break;
    let jobs: Jobs | undefined;
    try {
      jobs = await openJobs({ connection: parts.opened.connection, log: parts.log });
      await jobs.schedule('expire', EXPIRE_CRON, (stopped) => expireOnce(parts, stopped));
      await jobs.schedule('sweep', SWEEP_CRON, (stopped) => sweepOnce(config, parts, stopped), {
        secondsMax: SWEEP_SECONDS_MAX,
      });
      return jobs;
    } catch (error) {
      await jobs?.close().catch(() => undefined);
      parts.log.warn({ err: error }, 'Background jobs could not be started; tried again in a minute.');
    }
  }
  return undefined;
}

/** What has an end of its own: bytes of direct uploads should not wait for the night. */
async function expireOnce(
  { opened, storage, clock, log }: BackgroundParts,
  signal: AbortSignal,
): Promise<void> {
  const { catalog } = opened;
  for (const backend of storage.backends()) {
    // A store that is not needed is not opened.
    const query = { backend, nowMs: clock.now(), after: null, limit: 1 };
    if ((await catalog.listExpiredUploads(query)).length === 0) continue;
    const bucket = await storage.stores.of(backend);
    await expireUploads({ bucket, catalog, clock, log }, { apply: true, signal });
  }
  await catalog.removeExpired(clock.now());
}

async function sweepOnce(config: Config, parts: BackgroundParts, signal: AbortSignal): Promise<void> {
  const { storage, clock, log } = parts;
  const swept = sweepParts(config, { catalog: parts.opened.catalog, storage, clock, log });
  const report = await sweepStores(swept.main, swept.others, {
    ...{ apply: true, force: false, ageSecondsMin: SWEEP_AGE_SECONDS_DEFAULT, signal },
  });
  const { damaged: _damaged, orphan_keys: _keys, ...counts } = report;
  if (
    report.stopped === null &&
    report.missing + report.wrong_size + report.unreadable + report.failures === 0
  ) {
    parts.log.info({ sweep: counts }, 'Swept.');
  } else parts.log.warn({ sweep: counts }, 'Swept, and something needs a look: run "stowage sweep".');
}
