import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type Command, type CommandArgs, UsageError } from './command.ts';

/** A command line taken apart. */
export type Parsed =
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | { readonly kind: 'help-group'; readonly commands: readonly Command[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly command: Command; readonly args: CommandArgs; readonly json: boolean };

/**
 * Takes a command line apart.
 *
 * @param argv what follows `stowage`.
 * @throws UsageError for unknown commands and flags, missing and superfluous values.
 */
export function parseCommandLine(argv: readonly string[], commands: readonly Command[]): Parsed {
  const [first, second] = argv;
  if (first === '--version' || first === '-v') return { kind: 'version' };
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    return { kind: 'help', command: undefined };
  }
  const command = commandOf(argv, commands);
  if (command === undefined) {
    const group = commands.filter((candidate) => candidate.name.startsWith(`${first} `));
    if (group.length > 0 && (second === '--help' || second === '-h')) {
      return { kind: 'help-group', commands: group };
    }
    throw new UsageError(unknownCommand(first, second, commands));
  }
  const rest = argv.slice(command.name.split(' ').length);
  const { values, positionals } = parseFlags(command, rest);
  if (values.help === true) return { kind: 'help', command };
  checkComplete(command, values, positionals);
  return {
    kind: 'run',
    command,
    json: values.json === true,
    args: {
      positionals,
      isSet: (flag) => values[flag] === true,
      text: (flag) => {
        const value = values[flag];
        return typeof value === 'string' ? value : undefined;
      },
    },
  };
}

/** The command that a command line names, however wrong the rest is. */
export function commandOf(argv: readonly string[], commands: readonly Command[]): Command | undefined {
  const [first, second = ''] = argv;
  return (
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)
  );
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function parseFlags(command: Command, argv: readonly string[]): { values: Values; positionals: string[] } {
  const options: ParseArgsOptionsConfig = {
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  };
  for (const [name, flag] of Object.entries(command.flags)) options[name] = { type: flag.type };
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return { values: parsed.values as Values, positionals: parsed.positionals };
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      throw new UsageError(error.message.split('. ')[0] ?? error.message);
    }
    throw error;
  }
}

function checkComplete(command: Command, values: Values, positionals: readonly string[]): void {
  for (const [name, flag] of Object.entries(command.flags)) {
    if (flag.required && values[name] === undefined) throw new UsageError(`--${name} is missing`);
  }
  const missing = command.positionals[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const extra = positionals[command.positionals.length];
  if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}"`);
}

function unknownCommand(first: string, second: string | undefined, commands: readonly Command[]): string {
  const below = commands.filter((command) => command.name.startsWith(`${first} `));
  const list = (below.length > 0 ? below : commands).map((command) => command.name).join(', ');
  if (below.length > 0)
    return `"${first}" needs one of: ${list}${second === undefined ? '' : ` (not "${second}")`}`;
  return `There is no command "${first}". There are: ${list}`;
}
