import { setTimeout as delay } from 'node:timers/promises';
import { StowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** What a pulse is felt with. */
export interface PulseOptions {
  /**
   * Asks the server anything on a connection of its own. When it rejects, it is alive as well: it refused, and so it will
   * what waits. Only silence until the signal fires means that it is frozen.
   */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Silence after which the server is probed, in milliseconds. */
  readonly silenceMs?: number;
  /** Time the server has to answer a probe, in milliseconds. */
  readonly probeMs?: number;
}

const SILENCE_MS = 500;
const PROBE_MS = 2_000;
const LOOK_EVERY_MS = 200;
/** Answers that came in while this process was busy are read within this time, in milliseconds. */
const LAST_CHANCE_MS = 100;
const RETRY_AFTER_SECONDS = 2;

interface Waiting {
  readonly sinceMs: number;
  readonly giveUp: () => void;
}

/**
 * Tells a database that is slow from one that is frozen: stopped, paused, or cut off without a word. A query that takes
 * long on a living server is waited for, as long as its own limits allow. But when nothing has answered for a while, the
 * server is probed, and if it does not answer that either, whoever waits for a read is told at once that the database is
 * unavailable, and so is everybody after, until a probe is answered.
 */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #silenceMs: number;
  readonly #probeMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #heardMs = 0;
  #isProbing = false;
  #isFrozen = false;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
    this.#probeMs = options.probeMs ?? PROBE_MS;
  }

  /**
   * Waits for a query whose outcome nobody needs to know: a read, or an entry that may be written twice. Given up when
   * the database turns out to be frozen; what was sent may still be done.
   *
   * @throws StowageError `database_unavailable`.
   */
  async read<Result>(query: () => Promise<Result>): Promise<Result> {
    this.requireLife();
    const frozen = Promise.withResolvers<never>();
    const waiting = { sinceMs: performance.now(), giveUp: () => frozen.reject(frozenError()) };
    this.#waiting.add(waiting);
    this.#watch();
    try {
      const result = await Promise.race([query(), frozen.promise]);
      this.heard();
      return result;
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** Refuses what has not been sent yet while the database is known to be frozen. @throws StowageError `database_unavailable`. */
  requireLife(): void {
    if (this.#isFrozen) throw frozenError();
  }

  /** Notes that the server has answered somebody. */
  heard(): void {
    this.#heardMs = performance.now();
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    this.#options.log.warn({}, 'The database answers again.');
  }

  /** Ends the watch. Nothing is given up any more. */
  close(): void {
    this.#closed.abort();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks now and then while somebody waits, or the database is frozen. */
  #watch(): void {
    if (this.#timer !== undefined || this.#closed.signal.aborted) return;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  #look(): void {
    if (this.#waiting.size === 0 && !this.#isFrozen) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#isProbing) return;
    const [oldest] = this.#waiting;
    const silentSinceMs = Math.max(oldest?.sinceMs ?? Number.NEGATIVE_INFINITY, this.#heardMs);
    if (this.#isFrozen || performance.now() - silentSinceMs >= this.#silenceMs) void this.#probe();
  }

  async #probe(): Promise<void> {
    this.#isProbing = true;
    const startedMs = performance.now();
    const answers = await this.#answers();
    this.#isProbing = false;
    if (this.#closed.signal.aborted) return;
    if (answers) this.heard();
    // What somebody else has heard meanwhile counts as well.
    if (this.#heardMs >= startedMs) return;
    if (!this.#isFrozen) this.#options.log.warn({}, 'The database does not answer.');
    this.#isFrozen = true;
    for (const { giveUp } of this.#waiting) giveUp();
  }

  async #answers(): Promise<boolean> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closed.signal]);
    const late = delay(this.#probeMs, false, { signal, ref: false }).then(() =>
      // A process that was busy itself reads what lies there before it calls the other one silent.
      delay(LAST_CHANCE_MS, false, { signal, ref: false }),
    );
    try {
      return await Promise.race([this.#options.probe(signal).then(lives, lives), late]);
    } catch {
      return false;
    } finally {
      stop.abort();
      late.catch(() => undefined);
    }
  }
}

const lives = (): boolean => true;

function frozenError(): StowageError {
  return new StowageError('database_unavailable', 'The database is not available.', {
    cause: new Error('The server is connected, or can be, and answers nothing.'),
    fields: { retry_after_seconds: RETRY_AFTER_SECONDS },
  });
}
