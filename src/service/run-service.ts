import type { Config } from '../config/config.ts';
import type { Log } from '../core/log.ts';
import { compileEarly } from './early-code.ts';
import { firstSteps } from './first-start.ts';
import { openService } from './open-service.ts';
import { collectReceivedChunks } from './received-chunks.ts';
import { keepHeapSteady } from './steady-heap.ts';

/** What a service that runs in the foreground needs besides its settings. */
export interface RunOptions {
  readonly log: Log;
  /** Fires when the service is to stop. */
  readonly signal: AbortSignal;
  /** Shows lines to whoever started the service. */
  readonly tell: (lines: readonly string[]) => void;
  /** Whether a person watches. */
  readonly isWatched: boolean;
}

/**
 * Runs a service until the signal fires: then it takes no more connections, lets uploads in flight finish for up to 30
 * seconds, and closes the store and the database.
 *
 * @throws whatever kept it from starting; what was opened by then is closed.
 */
export async function runService(config: Config, options: RunOptions): Promise<void> {
  const { log, signal } = options;
  const stopLooking = keepHeapSteady();
  compileEarly();
  for (const warning of config.warnings) log.warn({}, warning);
  const service = await openService(config, { log, signal });
  const stopCollecting = collectReceivedChunks();
  log.info({ url: service.url, started_ms: Math.round(performance.now()) }, 'Stowage is ready.');
  options.tell(
    await firstSteps(config, { url: service.url, nowMs: Date.now(), isWatched: options.isWatched }),
  );
  await fired(signal);
  log.info({}, 'Stopping: uploads in flight may finish.');
  await service.close();
  stopCollecting();
  stopLooking();
  log.info({}, 'Stopped.');
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
