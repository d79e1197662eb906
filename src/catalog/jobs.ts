import type { ClientConfig } from 'pg';
import type { PgBoss } from 'pg-boss';
import type { Log } from '../core/log.ts';

/** Runs one job. Fired when the job takes too long or the service stops; a job that throws is tried again. */
export type JobHandler = (signal: AbortSignal) => Promise<void>;

/** Background jobs of which one node at a time runs each, kept in the catalog's database. */
export interface Jobs {
  /**
   * Runs `handler` by a cron expression (UTC, minutes at the finest) on one of the nodes that scheduled it.
   *
   * @param options.secondsMax after which a run is given up and may be tried again.
   */
  schedule(
    name: string,
    cron: string,
    handler: JobHandler,
    options?: { readonly secondsMax?: number },
  ): Promise<void>;
  /** Asks for one run of a scheduled job soon, unless one is waiting already. */
  sendOnce(name: string): Promise<void>;
  /** Waits for running jobs, up to half a minute. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 3;
const SECONDS_MAX = 15 * 60;
const POLL_SECONDS = 5;
const STOP_TIMEOUT_MS = 30_000;

/**
 * Starts pg-boss in the schema `pgboss`, which it makes and which belongs to the role that connects. Loaded only when asked
 * for: a command that runs no jobs should not pay for it.
 */
export async function openJobs(options: {
  readonly connection: ClientConfig;
  readonly log: Log;
}): Promise<Jobs> {
  const { PgBoss } = await import('pg-boss');
  const { host, port, user, database, connectionString } = options.connection;
  const connection = Object.fromEntries(
    Object.entries({ host, port, user, database, connectionString }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const boss = new PgBoss({ ...connection, application_name: 'stowage-jobs', max: CONNECTIONS_MAX });
  boss.on('error', (error) => options.log.warn({ err: error }, 'A background job met a database error.'));
  await boss.start();
  return {
    schedule: (name, cron, handler, { secondsMax = SECONDS_MAX } = {}) =>
      schedule(boss, { name, cron, secondsMax }, handler),
    async sendOnce(name) {
      await boss.send(name, {}, { singletonKey: 'once' });
    },
    close: () => boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS }),
  };
}

async function schedule(
  boss: PgBoss,
  job: { readonly name: string; readonly cron: string; readonly secondsMax: number },
  handler: JobHandler,
): Promise<void> {
  const settings = {
    expireInSeconds: job.secondsMax,
    retryLimit: 2,
    retryBackoff: true,
    deleteAfterSeconds: 86_400,
  };
  // `stately`: at most one waiting and one running, over all nodes.
  await boss.createQueue(job.name, { policy: 'stately', ...settings });
  await boss.work(job.name, { batchSize: 1, pollingIntervalSeconds: POLL_SECONDS }, async ([run]) => {
    if (run !== undefined) await handler(run.signal);
  });
  await boss.schedule(job.name, job.cron);
}
