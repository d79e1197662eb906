import { chown } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { throwIfAborted } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { findBinaries, readClusterMajor } from './binaries.ts';
import { makeCluster, SETUP_ROLE } from './cluster.ts';
import { removeDeadLocks } from './dead-locks.ts';
import { endClient, unreferenceClient } from './end-client.ts';
import { type Location, prepareLocation } from './location.ts';
import { explainFailure } from './problems.ts';
import { APP_ROLE, DATABASE, OWNER_ROLE } from './roles.ts';
import { type Server, startServer } from './server.ts';
import { setUpServer } from './set-up.ts';

/** A private PostgreSQL on this machine, kept running until it is closed. */
export interface EmbeddedDatabase {
  /** Connects as the owner of the schema: for migrations, export and import. */
  readonly owner: ClientConfig;
  /** Connects as the service: may read and append to the access log, never change it. */
  readonly app: ClientConfig;
  /** Connects as superuser: for setting up, and for tests that play the intruder. */
  readonly setup: ClientConfig;
  readonly major: number;
  /** Whether this process runs the server; false while another Stowage process does. */
  readonly isOurs: () => boolean;
  /** Stops the server if this process runs it. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Directory with `postgres` and `initdb`; for tests. */
  readonly binDir?: string | undefined;
  /** False for tests only: commits may be lost in a crash. */
  readonly durable?: boolean;
  /** Remove `dataDir` when the server ends; for tests. */
  readonly removeAtEnd?: boolean;
}

/**
 * Starts PostgreSQL on a unix socket below `dataDir`, or joins the one that another Stowage process started there. It
 * stops when this process ends in any way; when it crashes, or the other process ends, it is started again.
 *
 * @throws EmbeddedDatabaseError when it can't run here; the message says what to set instead.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const location = await prepareLocation(options.dataDir, options.log).catch(explainSystemError);
  const supervisor = new Supervisor(location, options);
  await supervisor.start(options.signal).catch(explainSystemError);
  const role = (user: string, database: string): ClientConfig => ({
    host: location.socketDirectory,
    port: 5432,
    user,
    database,
  });
  try {
    await setUpServer(role(SETUP_ROLE, 'postgres'));
  } catch (error) {
    await supervisor.close();
    throw error;
  }
  return {
    owner: role(OWNER_ROLE, DATABASE),
    app: role(APP_ROLE, DATABASE),
    setup: role(SETUP_ROLE, DATABASE),
    major: supervisor.major,
    isOurs: () => supervisor.isOurs,
    close: () => supervisor.close(),
  };
}

/** A full disk, a missing right or a read-only file system, met by ourselves before PostgreSQL could. */
function explainSystemError(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^(EPERM|EACCES|ENOSPC|EDQUOT|EROFS|EMFILE|ENOMEM)$/.test(code)) {
    throw explainFailure('opening it', String(error), error);
  }
  throw error;
}

const RETRY_MS = 100;
/** After every so many refusals by a lock whose holder answers nothing, its holder is examined. */
const LOCK_RETRIES_BEFORE_EXAMINED = 30;
const LOCK_RETRIES_MAX = 600;
const RESTART_DELAY_MS_MAX = 5_000;

/** Keeps a server running: ours, or that of another process while that lives. */
class Supervisor {
  readonly #location: Location;
  readonly #options: EmbeddedOptions;
  readonly #closing = new AbortController();
  #server: Server | null = null;
  #watch: Client | null = null;
  #restarting: Promise<void> = Promise.resolve();
  major = 0;

  constructor(location: Location, options: EmbeddedOptions) {
    this.#location = location;
    this.#options = options;
  }

  get isOurs(): boolean {
    return this.#server !== null;
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    const existing = await readClusterMajor(this.#location.clusterDirectory);
    if (existing !== null && (await this.#join())) {
      this.major = existing;
      return;
    }
    const binaries = await findBinaries(this.#location, existing, this.#options.binDir);
    const durable = this.#options.durable ?? true;
    const { runAs, directory } = this.#location;
    if (this.#options.removeAtEnd === true && runAs !== null) {
      for (const path of [this.#options.dataDir, directory]) await chown(path, runAs.uid, runAs.gid);
    }
    if (existing === null) await makeCluster(this.#location, binaries, { durable, nowMs: Date.now() });
    this.major = binaries.major;
    for (let attempt = 1; ; attempt += 1) {
      throwIfAborted(signal);
      const server = await startServer({
        location: this.#location,
        binaries,
        durable,
        removeAtEnd: this.#options.removeAtEnd === true ? this.#options.dataDir : null,
        log: this.#options.log,
        signal,
      });
      if (server !== 'locked') return this.#own(server);
      if (await this.#join()) return;
      if (attempt % LOCK_RETRIES_BEFORE_EXAMINED === 0) removeDeadLocks(this.#location, Date.now());
      if (attempt === LOCK_RETRIES_MAX) throw explainFailure('the server', 'Another server holds its files.');
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#restarting;
    const server = this.#server;
    const watch = this.#watch;
    this.#server = null;
    this.#watch = null;
    if (watch !== null) await endClient(watch);
    await server?.stop();
  }

  #own(server: Server): void {
    this.#server = server;
    void server.gone.then(() => {
      this.#server = null;
      this.#restart('The embedded database ended and is started again.');
    });
  }

  /** Joins the server of another process. Its connection tells us when that server goes away. */
  async #join(): Promise<boolean> {
    const client = new Client({
      host: this.#location.socketDirectory,
      port: 5432,
      user: SETUP_ROLE,
      database: 'postgres',
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch {
      return false;
    }
    this.#watch = client;
    client.once('end', () => {
      this.#watch = null;
      this.#restart('The process that ran the embedded database ended; it is started again from here.');
    });
    // A command that is done must be able to end.
    unreferenceClient(client);
    return true;
  }

  #restart(message: string): void {
    if (this.#closing.signal.aborted) return;
    this.#options.log.warn({}, message);
    this.#restarting = this.#restartUntilRunning();
  }

  async #restartUntilRunning(): Promise<void> {
    const { signal } = this.#closing;
    for (let delayMs = RETRY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, RESTART_DELAY_MS_MAX)) {
      try {
        return await this.start(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.error({ err: error }, 'The embedded database could not be started again.');
        await delay(delayMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
