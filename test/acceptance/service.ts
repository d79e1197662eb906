import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Caller, callerFor } from './caller.ts';
import { type BackendName, backendOfRun } from './clouds.ts';
import { DocumentedAnswers, type OpenApi } from './documented-answers.ts';
import { type Answer, type RequestOptions, send } from './http.ts';
import { openStore, type Store } from './store.ts';

export { until } from './until.ts';

import { type Claims, claimsFor, mintToken } from './tokens.ts';

export const COMMAND = path.resolve(import.meta.dirname, '../../bin/stowage.js');
const START_SECONDS_MAX = 60;
const STOP_SECONDS_MAX = 20;

/** Secret of the tokens that the tests mint. */
export const JWT_SECRET = randomBytes(32).toString('hex');
/** Secret of the signed URLs, unless a test sets another. */
export const SIGNING_SECRET = randomBytes(32).toString('hex');

/** Environment of a service or a command, complete: nothing is inherited but the path. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A Stowage that really runs, as a child process. */
export interface Service {
  readonly origin: string;
  readonly port: number;
  readonly directory: string;
  readonly environment: Environment;
  readonly process: ChildProcess;
  /** Everything printed so far, both streams. */
  output(): string;
  /** Sends a request without a token. */
  send(method: string, target: string, options?: RequestOptions): Promise<Answer>;
  /** A user with a token. */
  as(userId: string, claims?: Claims): Caller;
  readonly store: Store;
  /** Names of what uploads have left in the store. */
  storedFiles(): Promise<readonly string[]>;
  /** Asks the process to end and returns its exit code. */
  stop(): Promise<number | null>;
  /** Ends the process at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts again on the same data and port, after `stop` or `kill`. */
  restart(environment?: Environment): Promise<Service>;
  /** Stops the process and removes its data. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A fresh directory below the system's temporary one, readable by the user that PostgreSQL runs as. */
export function freshDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'stowage-acceptance-'));
  chmodSync(directory, 0o755);
  return directory;
}

/** The environment the tests start with: fixed secrets, a directory of its own, no rate limit in the way. */
export function environmentFor(directory: string, more: Environment = {}): Environment {
  return {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    DATA_DIR: path.join(directory, 'data'),
    LOCAL_STORAGE_PATH: path.join(directory, 'objects'),
    JWT_SECRET,
    SIGNING_SECRET,
    UPLOADS_PER_HOUR: '100000',
    ...more,
  };
}

/** How a service starts that is not like the others. */
export interface StartOptions {
  /** Where its files go; the backend of the run by default. */
  readonly backend?: BackendName;
  /** A store that is opened already; it is closed with the service. */
  readonly store?: Store;
  /** Another service whose files it shares. */
  readonly sharing?: Service;
}

/**
 * Starts a service on fresh data with an empty store, on a free port or the `PORT` it is given, and waits until it is
 * ready.
 */
export async function startService(more: Environment = {}, options: StartOptions = {}): Promise<Service> {
  const directory = freshDirectory();
  const given = options.sharing?.store ?? options.store;
  const store = given ?? (await openStore(options.backend ?? backendOfRun(), directory));
  const isOwnStore = options.sharing === undefined;
  let isClosed = false;
  const close = async () => {
    if (isOwnStore && !isClosed) {
      isClosed = true;
      await store[Symbol.asyncDispose]();
    }
    await removeDirectory(directory);
  };
  try {
    const port = more.PORT === undefined ? await freePort() : Number(more.PORT);
    const environment = environmentFor(directory, { PORT: String(port), ...store.settings, ...more });
    const ownFiles = new Set<string>();
    const service = await launch({ directory, port, environment, store, ownFiles, close });
    for (const file of await store.objects()) ownFiles.add(file);
    return service;
  } catch (error) {
    await close();
    throw error;
  }
}

interface Launch {
  readonly directory: string;
  readonly port: number;
  readonly environment: Environment;
  readonly store: Store;
  /** Files that the store keeps for itself before anything is uploaded. */
  readonly ownFiles: ReadonlySet<string>;
  /** Removes what the service leaves when it has ended for good. */
  readonly close: () => Promise<void>;
}

async function launch(how: Launch): Promise<Service> {
  const { directory, port, environment, store, ownFiles } = how;
  const child = spawn(process.execPath, [COMMAND, 'serve'], {
    // Not the repository: a configuration file that lies there is none of ours.
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      if (printed.length < 20_000_000) printed += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const origin = `http://127.0.0.1:${port}`;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  // A store may close a connection that rests just as a request is written to it: nothing there says that it was not read.
  const storeAgent = new http.Agent({ keepAlive: false });
  let described: Promise<DocumentedAnswers | null> | undefined;
  /** Each answer that a test sees is one that the service's own document describes. */
  const assertDescribed = async (method: string, target: string, answer: Answer): Promise<void> => {
    described ??= send('GET', `${origin}/api/openapi.json`, { agent }).then(
      (read) => new DocumentedAnswers(read.json<OpenApi>()),
      // It has been killed meanwhile, perhaps.
      () => {
        described = undefined;
        return null;
      },
    );
    (await described)?.check(method, target, answer);
  };
  const service: Service = {
    origin,
    port,
    directory,
    environment,
    process: child,
    output: () => printed,
    async send(method, target, options = {}) {
      const url = target.startsWith('http') ? target : origin + target;
      const isOurs = new URL(url).origin === origin;
      const sent = send(method, url, { agent: isOurs ? agent : storeAgent, ...options });
      const answer = await sent.catch((error: unknown) => {
        const state =
          child.exitCode === null && child.signalCode === null
            ? 'the service lives'
            : `the service has ended (${child.exitCode ?? child.signalCode})`;
        throw new Error(`${method} ${target}: ${String(error)}; ${state}`, { cause: error });
      });
      if (isOurs) await assertDescribed(method, url.slice(origin.length), answer);
      return answer;
    },
    as: (userId, claims) => callerFor(service, userId, mintToken(claimsFor(userId, claims), JWT_SECRET)),
    store,
    storedFiles: async () => (await store.objects()).filter((file) => !ownFiles.has(file)),
    async stop() {
      agent.destroy();
      child.kill('SIGTERM');
      return await within(
        STOP_SECONDS_MAX,
        ended,
        () => `The service did not stop:\n${printed.slice(-4000)}`,
      );
    },
    async kill() {
      agent.destroy();
      child.kill('SIGKILL');
      await ended;
    },
    restart: (changed = {}) => launch({ ...how, environment: { ...environment, ...changed } }),
    async [Symbol.asyncDispose]() {
      agent.destroy();
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS_MAX * 1000);
      await ended;
      clearTimeout(late);
      await how.close();
    },
  };
  try {
    await ready(service, ended);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return service;
}

async function ready(service: Service, ended: Promise<number | null>): Promise<void> {
  let exitCode: number | null | undefined;
  void ended.then((code) => {
    exitCode = code;
  });
  const deadline = Date.now() + START_SECONDS_MAX * 1000;
  while (Date.now() < deadline) {
    if (exitCode !== undefined) {
      throw new Error(`The service ended with ${exitCode}:\n${service.output().slice(-4000)}`);
    }
    const answer = await send('GET', `${service.origin}/api/health/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await pause(50);
  }
  throw new Error(`The service was not ready in time:\n${service.output().slice(-4000)}`);
}

/** What a command did. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The standard output as JSON, taken for what the test expects. */
  json<T>(): T;
}

/** Runs `stowage …` to its end. A command that takes longer than a minute is killed. */
export async function runStowage(
  args: readonly string[],
  environment: Environment,
  input?: string | Buffer,
): Promise<CommandResult> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: environment.HOME ?? tmpdir(),
    env: environment,
    timeout: 60_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T };
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return address.port;
}

async function within<T>(seconds: number, promise: Promise<T>, message: () => string): Promise<T> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error(message())), seconds * 1000);
  try {
    return await Promise.race([promise, timer.promise]);
  } finally {
    clearTimeout(timeout);
  }
}

/** PostgreSQL may still be writing its last files when its parent has ended: removal is tried again. */
async function removeDirectory(directory: string): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt++) {
    try {
      rmSync(directory, { recursive: true, force: true });
      return;
    } catch {
      await pause(100);
    }
  }
}
