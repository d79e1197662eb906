import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { release } from 'node:os';
import type { KnownFileSystem } from './file-system-type.ts';

/** Those whose `syncfs` writes files, names and the disk's cache. Others may promise less: FUSE asks its server for nothing. */
const TRUSTED: ReadonlySet<KnownFileSystem | null> = new Set(['btrfs', 'ext', 'xfs']);
/** First Linux whose `syncfs` tells of failures: of bytes that the disk refused since 5.8, of the file system's own since 5.17. */
const LINUX_MIN: readonly [number, number] = [5, 17];

/**
 * Calls `sync -f` for each line it is sent and answers with the exit code; ends with the pipe, so with us, even by
 * SIGKILL. It is kept because starting a process costs one of some hundred megabytes 25 ms, in which it does nothing else.
 * Only GNU's answer counts: BusyBox ends with 0 whatever syncfs said.
 */
const ASSISTANT = `
case $(sync --version 2>/dev/null) in *'GNU coreutils'*) ;; *) while read -r _; do echo none; done; exit ;; esac
while read -r _; do sync -f "$1" >/dev/null 2>&1; echo $?; done
`;

/**
 * What has become of a sync: all is on disk, something is perhaps lost (and no later `syncfs` would tell), or none was made.
 */
export type WholeSync = 'done' | 'failed' | 'none';

/**
 * Writes a whole file system to disk by one call: for thousands of small files much cheaper than a call for each, which
 * asks the disk to flush its cache every time. Node has no `syncfs`, the system's `sync -f` does.
 */
export class FileSystemSync {
  readonly #directory: string;
  readonly #isTrusted: boolean;
  #assistant: Assistant | null = null;
  #isGivenUp = false;

  /** @param fileSystem what the directory, an absolute path, lies on. */
  constructor(directory: string, fileSystem: KnownFileSystem | null) {
    this.#directory = directory;
    this.#isTrusted = TRUSTED.has(fileSystem) && isNewEnough(release());
  }

  /**
   * Waits until all that was written to the directory's file system before the call has been written to its disk. One call
   * at a time. A file system without a journal leaves its last part in the disk's cache: the next sync of a file has it flushed.
   *
   * @returns `none` where this can't be done, when the signal fired, and for ever after one that failed or could not begin.
   */
  async run(signal: AbortSignal): Promise<WholeSync> {
    if (!this.#isTrusted || this.#isGivenUp || signal.aborted) return 'none';
    this.#assistant ??= startAssistant(this.#directory);
    if (this.#assistant === null) {
      this.#isGivenUp = true;
      return 'none';
    }
    const answer = await ask(this.#assistant, signal);
    if (answer === null) this.end();
    if (answer === '0\n') return 'done';
    if (answer === 'none\n' || signal.aborted) return 'none';
    this.#isGivenUp = true;
    return 'failed';
  }

  /** Ends what waits for the next call; that starts anew then. */
  end(): void {
    const child = this.#assistant?.process;
    this.#assistant = null;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      // The shell and a `sync` that still runs are a group of their own.
      process.kill(-child.pid);
    } catch {
      // It has just ended.
    }
  }
}

interface Assistant {
  readonly process: ChildProcess;
  readonly gone: Promise<null>;
}

/** Null where no process may be started. */
function startAssistant(directory: string): Assistant | null {
  try {
    // Detached, so that Ctrl-C on the terminal leaves it to us. Of our environment it needs only where programs are.
    const child = spawn('/bin/sh', ['-c', ASSISTANT, 'stowage-sync', directory], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const gone = new Promise<null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('exit', () => resolve(null));
    });
    child.stdin.on('error', () => {});
    // While it waits for work it keeps nobody from ending.
    for (const pipe of [child.stdin, child.stdout]) (pipe as Socket).unref();
    child.unref();
    // Without an id it never began, as in an image that has no shell.
    return child.pid === undefined ? null : { process: child, gone };
  } catch {
    return null;
  }
}

/** The assistant's answer to one line; null when it has gone or the signal fired. */
async function ask({ process: child, gone }: Assistant, signal: AbortSignal): Promise<string | null> {
  const ending = new AbortController();
  const answer = new Promise<string | null>((resolve) => {
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString()));
    signal.addEventListener('abort', () => resolve(null), { signal: ending.signal });
  });
  child.ref();
  child.stdin?.write('\n');
  try {
    return await Promise.race([answer, gone]);
  } finally {
    ending.abort();
    child.stdout?.removeAllListeners('data');
    child.unref();
  }
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  return major > LINUX_MIN[0] || (major === LINUX_MIN[0] && minor >= LINUX_MIN[1]);
}
