import { type ChildProcess, spawn } from 'node:child_process';
import type { Log } from '../../core/log.ts';
import type { Binaries } from './binaries.ts';
import { serverEnvironment } from './cluster.ts';
import type { Location } from './location.ts';
import { explainFailure } from './problems.ts';

/** A server that this process started. */
export interface Server {
  /** Settled when it is gone, for whatever reason. */
  readonly gone: Promise<void>;
  /** Ends all connections, writes a checkpoint and waits until the server is gone. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly location: Location;
  readonly binaries: Binaries;
  /** False for tests only: commits may be lost in a crash. */
  readonly durable: boolean;
  /** Directory to remove when the server has ended; for tests. */
  readonly removeAtEnd: string | null;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The shell between us and the server. Descriptor 3 is open as long as we live: when it closes, even by SIGKILL, the
 * server is asked for a fast shutdown, again and again: a shell starts what runs behind it with SIGINT ignored, so a
 * server that has only just begun would never hear it. `detached` keeps a Ctrl-C on the terminal away from it, so that Stowage can
 * finish its transactions first.
 */
const WATCHDOG = `
remove=$1; ending=; shift
"$@" </dev/null 3<&- &
server=$!
end() { while kill -INT "$server"; do sleep 1; done; }
trap 'end 2>/dev/null & ending=$!' TERM INT HUP
(cat >/dev/null; end) <&3 3<&- 2>/dev/null &
watch=$!
exec 3<&-
wait "$server"; status=$?
while kill -0 "$server" 2>/dev/null; do wait "$server"; status=$?; done
kill "$watch" $ending 2>/dev/null
if [ -n "$remove" ]; then rm -rf "$remove"; fi
exit $status
`;

const OUTPUT_CHARACTERS_MAX = 4000;

/**
 * What a server says that found the cluster in use. Its lock file is made first and written to a moment later: who looks
 * in between sees it empty. And of two that find the lock of a dead server, one removes it and the other finds nothing.
 */
const LOCKED =
  /lock file .* already exists|lock file .* is empty|bogus data in lock file|could not remove old lock file .*: No such file|pre-existing shared memory block/;

/**
 * Starts the server and waits until it accepts connections.
 *
 * @returns `locked` when another server holds the cluster or is about to, or one that just died is not yet gone from the
 *   process table.
 */
export async function startServer(options: ServerOptions): Promise<Server | 'locked'> {
  const { location, binaries, log } = options;
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      WATCHDOG,
      'stowage-database',
      options.removeAtEnd ?? '',
      binaries.postgres,
      ...serverArguments(options),
    ],
    {
      cwd: '/',
      detached: true,
      env: serverEnvironment(binaries),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      ...(location.runAs === null ? {} : { uid: location.runAs.uid, gid: location.runAs.gid }),
    },
  );
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const lifeline = child.stdio[3];
  const release = (): void => {
    if (lifeline !== null && lifeline !== undefined && 'destroy' in lifeline) lifeline.destroy();
  };
  void gone.then(release);
  const onAbort = (): void => release();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const output = await waitUntilReady(child, log);
    if (output !== null) {
      if (LOCKED.test(output)) return 'locked';
      throw explainFailure('the server', output);
    }
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
  unreference(child);
  return {
    gone,
    async stop() {
      release();
      child.ref();
      await gone;
    },
  };
}

/** @returns null when the server is ready; what it said when it ended instead. */
function waitUntilReady(child: ChildProcess, log: Log): Promise<string | null> {
  return new Promise((resolve) => {
    let output = '';
    let ready = false;
    let partial = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      if (!ready) {
        output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
        ready = output.includes('database system is ready to accept connections');
        if (ready) resolve(null);
      }
      const lines = (partial + text).split('\n');
      partial = (lines.pop() ?? '').slice(-OUTPUT_CHARACTERS_MAX);
      for (const line of lines) logLine(log, line);
    });
    child.once('error', (error) => resolve(String(error)));
    child.once('close', () => resolve(output));
  });
}

function logLine(log: Log, line: string): void {
  // What every connection hears when the server is stopped.
  if (line.includes('terminating connection due to administrator command')) return;
  if (/^(FATAL|PANIC|WARNING):/.test(line)) log.warn({ source: 'postgresql' }, line);
  else if (line !== '') log.debug({ source: 'postgresql' }, line);
}

/** The server must not keep our process alive: a command that is done ends, and the watchdog with it. */
function unreference(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) {
    if (stream !== null && stream !== undefined && 'unref' in stream && typeof stream.unref === 'function') {
      stream.unref();
    }
  }
}

function serverArguments(options: ServerOptions): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: `"${options.location.socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: '5432',
    cluster_name: 'stowage',
    max_connections: '60',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '',
    log_checkpoints: 'off',
    // The service sees its own errors; statements in the log could hold names of users.
    log_min_error_statement: 'panic',
    log_min_messages: 'log',
    ...(options.durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
  };
  const pairs = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', options.location.clusterDirectory, ...pairs];
}
