import type { Config } from '../config/config.ts';
import type { NeededSecret } from '../config/load-config.ts';
import type { Environment } from '../config/look-alikes.ts';
import type { Terminal } from './terminal.ts';

/** What a command tells the shell. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT = {
  /** Done, and nothing to report. */
  done: 0,
  failed: 1,
  /** Wrong usage or settings. */
  usage: 2,
  /** Findings: orphans, drift, a broken log. */
  findings: 3,
} as const;

/** One flag of a command. */
export interface Flag {
  readonly type: 'string' | 'boolean';
  /** Name of the value in the usage line, for example `ID`. */
  readonly value?: string;
  readonly summary: string;
  readonly required?: true;
}

/** A command of `stowage`: what its help says and what it does. */
export interface Command {
  /** One or two words, for example `audit verify`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** What it verifies or signs with: without the others it runs, in production too, and it makes none of them. */
  readonly secrets: readonly NeededSecret[];
  /** Names of the arguments after the flags, all required. */
  readonly positionals: readonly string[];
  run(context: CommandContext, args: CommandArgs): Promise<ExitCode>;
}

/** What was typed, checked against the command's flags. */
export interface CommandArgs {
  text(flag: string): string | undefined;
  isSet(flag: string): boolean;
  readonly positionals: readonly string[];
}

/** What a command may touch. */
export interface CommandContext {
  readonly env: Environment;
  readonly cwd: string;
  readonly terminal: Terminal;
  /** `--json`: the result is one JSON document on standard output. */
  readonly json: boolean;
  /** Asks the person at the terminal; null where nobody watches. @returns what was typed. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Fires on the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /**
   * Reads the settings, with the secrets that the command needs.
   *
   * @throws ConfigError.
   */
  loadConfig(): Promise<Config>;
}

/** Wrong usage: the message is shown with the command's usage line, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
