import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Environment } from '../config/look-alikes.ts';
import { ConfigError } from '../config/problems.ts';
import { isStowageError } from '../core/errors.ts';
import { loadServiceConfig } from '../service/load-service-config.ts';
import { type CommandContext, EXIT, type ExitCode, UsageError } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { commandOf, type Parsed, parseCommandLine } from './parse.ts';
import { type OutputStream, openTerminal, type Terminal } from './terminal.ts';
import { commandHelp, programHelp, usageLine } from './usage.ts';

/** The few things the commands use of the process; the environment is read here and passed on. */
export interface CliProcess {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Absent where there is nothing to read from. */
  readonly stdin?: NodeJS.ReadStream;
  cwd(): string;
  exit(code: number): void;
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exitCode?: number | string | null | undefined;
}

/** Runs the command line of a process to its end and sets the exit code. */
export async function runProcess(process: CliProcess): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second signal means now.
      if (interrupted.signal.aborted) process.exit(130);
      interrupted.abort();
    });
  }
  // A command may wait for something that does not keep Node running, such as a connection in the background.
  const alive = setInterval(() => undefined, ALIVE_EVERY_MS);
  const code = await run(process, interrupted.signal);
  clearInterval(alive);
  process.exitCode = code;
  // Output may still be on its way through a pipe; timers and sockets of a library must not keep us.
  setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref();
}

const ALIVE_EVERY_MS = 60_000;
/** How long open handles may keep a finished command alive, in milliseconds. */
const EXIT_GRACE_MS = 2_000;

async function run(process: CliProcess, signal: AbortSignal): Promise<ExitCode> {
  const terminal = openTerminal({
    output: process.stdout,
    messages: process.stderr,
    colour: !process.env.NO_COLOR,
    now: () => performance.now(),
  });
  const argv = process.argv.slice(2);
  let parsed: Parsed;
  try {
    parsed = parseCommandLine(argv, COMMANDS);
  } catch (error) {
    const command = commandOf(argv, COMMANDS);
    return await report(error, terminal, argv.includes('--json'), command && usageLine(command));
  }
  if (parsed.kind === 'version') {
    await terminal.print(packageVersion());
    return EXIT.done;
  }
  if (parsed.kind === 'help-group') {
    await terminal.print(parsed.commands.map(commandHelp).join('\n\n'));
    return EXIT.done;
  }
  if (parsed.kind === 'help') {
    await terminal.print(parsed.command === undefined ? programHelp(COMMANDS) : commandHelp(parsed.command));
    return EXIT.done;
  }
  const context: CommandContext = {
    env: process.env,
    cwd: process.cwd(),
    terminal,
    json: parsed.json,
    ask: questionerOf(process, signal),
    signal,
    loadConfig: () =>
      loadServiceConfig({ env: process.env, cwd: process.cwd(), secrets: parsed.command.secrets }),
  };
  try {
    return await parsed.command.run(context, parsed.args);
  } catch (error) {
    return await report(error, terminal, parsed.json, usageLine(parsed.command));
  }
}

/** Questions need somebody who reads them and somebody who answers. */
function questionerOf({ stdin, stderr }: CliProcess, signal: AbortSignal): CommandContext['ask'] {
  if (stdin?.isTTY !== true || stderr.isTTY !== true) return null;
  return async (question) => {
    const lines = createInterface({ input: stdin });
    try {
      stderr.write(question);
      const [answer] = await once(lines, 'line', { signal });
      return String(answer);
    } finally {
      lines.close();
    }
  };
}

/** Tells what went wrong: sentences for a person, one document for a program. */
async function report(
  error: unknown,
  terminal: Terminal,
  json: boolean,
  usage: string | undefined,
): Promise<ExitCode> {
  const message = error instanceof Error ? error.message : String(error);
  const isUsage = error instanceof UsageError;
  const isConfig = error instanceof ConfigError;
  if (json) {
    await terminal.print(
      JSON.stringify({
        error: message,
        code: isStowageError(error)
          ? error.code
          : isConfig
            ? 'invalid_settings'
            : isUsage
              ? 'usage'
              : 'failed',
        ...(isConfig && { problems: error.problems }),
      }),
    );
  } else {
    terminal.tell(message);
    if (error instanceof Error && error.cause instanceof Error)
      terminal.tell(`Cause: ${error.cause.message}`);
    if (isUsage) terminal.tell(usage === undefined ? 'Run "stowage --help".' : `Usage: ${usage}`);
  }
  return isUsage || isConfig ? EXIT.usage : EXIT.failed;
}

function packageVersion(): string {
  // src/cli and dist/cli are equally deep.
  const record: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof record === 'object' && record !== null && 'version' in record
    ? String(record.version)
    : 'unknown';
}
