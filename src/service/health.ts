import type { Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { HealthState } from '../http/health-state.ts';
import type { HealthJson } from '../protocol/index.ts';
import type { StorageBackend } from '../storage/backend.ts';

/** Between two measurements while all is well, and after a failure, in milliseconds. */
const PERIOD_MS = 5_000;
const PERIOD_AFTER_FAILURE_MS = 1_000;
/** A dependency that needs longer counts as unavailable, in milliseconds. */
const ANSWER_MS_MAX = 3_000;

/** The health of this process, measured on a timer. */
export interface Health extends HealthState {
  /** Measures now. */
  measure(): Promise<void>;
  /** Notes what the store looked like from outside; it degrades the health, not the readiness. */
  noteStore(state: 'ok' | 'drift' | 'unknown'): void;
  /** Starts measuring on the timer. */
  start(): void;
  /** From now on the service is stopping: orchestrators should send no more requests. */
  stop(): void;
}

export interface HealthOptions {
  readonly catalog: Pick<Catalog, 'ping'>;
  readonly bucket: Pick<StorageBackend, 'check' | 'name'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes the health of a service; nothing is known before the first measurement. */
export function createHealth(options: HealthOptions): Health {
  const { catalog, bucket, log } = options;
  let database: HealthJson['dependencies']['database'] = { status: 'unavailable', latency_ms: null };
  let storage: 'connected' | 'unavailable' = 'unavailable';
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  let timer: NodeJS.Timeout | undefined;
  let store: 'ok' | 'drift' | 'unknown' | undefined;
  /** Dependencies that did not answer the last time. */
  const failing = new Set<string>();

  const isWell = (): boolean => database.status === 'connected' && storage === 'connected';
  const measure = async (): Promise<void> => {
    const wasWell = isWell();
    const [latencyMs, answers] = await Promise.all([
      within(catalog.ping.bind(catalog), 'database'),
      within(async (signal) => {
        await bucket.check({ signal });
        return true;
      }, 'storage'),
    ]);
    database =
      latencyMs === undefined
        ? { status: 'unavailable', latency_ms: null }
        : { status: 'connected', latency_ms: Math.round(latencyMs * 1000) / 1000 };
    storage = answers === true ? 'connected' : 'unavailable';
    if (phase === 'starting') phase = 'running';
    else if (isWell() !== wasWell)
      log.warn({ database: database.status, storage }, 'The health of the service changed.');
  };

  async function within<Answer>(
    ask: (signal: AbortSignal) => Promise<Answer>,
    dependency: string,
  ): Promise<Answer | undefined> {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const late = Promise.withResolvers<never>();
    const onLate = (): void => late.reject(signal.reason);
    signal.addEventListener('abort', onLate, { once: true });
    try {
      // Raced as well: a driver may not notice the signal while its connection hangs.
      const answer = await Promise.race([ask(signal), late.promise]);
      failing.delete(dependency);
      return answer;
    } catch (error) {
      // Once aloud: what it says each second after that is the same.
      log[failing.has(dependency) ? 'debug' : 'warn'](
        { dependency, err: error },
        'A dependency does not answer.',
      );
      failing.add(dependency);
      return undefined;
    } finally {
      signal.removeEventListener('abort', onLate);
    }
  }

  const schedule = (): void => {
    timer = setTimeout(
      () => void measure().finally(() => phase !== 'stopping' && schedule()),
      isWell() ? PERIOD_MS : PERIOD_AFTER_FAILURE_MS,
    );
    timer.unref();
  };
  return {
    measure,
    noteStore(state) {
      store = state;
    },
    start: schedule,
    stop() {
      phase = 'stopping';
      clearTimeout(timer);
    },
    snapshot: () => ({
      status: isWell() && store !== 'drift' ? 'ok' : 'degraded',
      dependencies: {
        database,
        storage: { status: storage, backend: bucket.name },
        ...(store !== undefined && { provisioning: { status: store } }),
      },
    }),
    readiness: () => (phase !== 'running' ? phase : isWell() ? 'ok' : 'unavailable'),
  };
}
