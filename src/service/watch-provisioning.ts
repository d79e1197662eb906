import { stat } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { RepeatedTask } from '../maintenance/schedule.ts';
import type { Finding } from '../provisioning/provider.ts';
import { hasFailures, verifyProvisioning } from '../provisioning/verify.ts';
import type { Health } from './health.ts';
import { openProvisioning } from './provision-parts.ts';

/** How often it is looked whether a verification is due, in milliseconds. */
const LOOK_EVERY_MS = 60_000;
const HOUR_MS = 60 * 60_000;

export interface WatchParts {
  readonly health: Pick<Health, 'noteStore'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Asks the store; absent: as {@link askStore}. */
  readonly ask?: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

/**
 * The verification that the settings schedule, as a task; none when they don't. Its result is in the health and, with
 * what is wrong, in the log.
 */
export function watchProvisioning(config: Config, parts: WatchParts): readonly RepeatedTask[] {
  const { verifyEveryHours } = config.provisioning;
  if (verifyEveryHours === null) return [];
  const { health, clock, log, ask = (signal) => askStore(config, signal) } = parts;
  let dueMs = Number.NEGATIVE_INFINITY;
  return [
    {
      name: 'verify',
      everyMs: LOOK_EVERY_MS,
      async run(signal) {
        if (clock.now() < dueMs) return;
        dueMs = clock.now() + verifyEveryHours * HOUR_MS;
        try {
          const findings = await ask(signal);
          const failed = findings.filter(({ status }) => status === 'fail');
          health.noteStore(hasFailures(findings) ? 'drift' : 'ok');
          if (failed.length > 0)
            log.warn(
              { findings: failed },
              'The store is not as it should be: run "stowage provision verify".',
            );
        } catch (error) {
          // An outage is shown as one already; it says nothing about how the store is set up.
          health.noteStore('unknown');
          throw error;
        }
      },
    },
  ];
}

/**
 * Asks the store as a stranger and as the service itself, with no rights but the service's own. A directory is compared
 * with what it should be.
 */
export async function askStore(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const isLocal = config.storage.backend === 'local';
  // It is made closed on the first start.
  if (isLocal && (await stat(config.storage.local.path).catch(() => undefined)) === undefined) return [];
  await using provider = await openProvisioning(config, null);
  return await verifyProvisioning(provider, {
    leaveOut: config.provisioning.leaveOut,
    askers: isLocal ? ['operator'] : ['stranger', 'backend'],
    signal,
  });
}
