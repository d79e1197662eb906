import type { Command } from './command.ts';

/** The line that shows how a command is called. */
export function usageLine(command: Command): string {
  const flags = Object.entries(command.flags).map(([name, flag]) => {
    const text = flag.type === 'string' ? `--${name} ${flag.value ?? 'VALUE'}` : `--${name}`;
    return flag.required ? text : `[${text}]`;
  });
  return ['stowage', command.name, ...flags, ...command.positionals, '[--json]'].join(' ');
}

/** What `stowage <command> --help` prints. */
export function commandHelp(command: Command): string {
  const rows = [
    ...Object.entries(command.flags).map(([name, flag]) => [
      flag.type === 'string' ? `--${name} ${flag.value ?? 'VALUE'}` : `--${name}`,
      flag.summary,
    ]),
    ['--json', 'Print the result as JSON.'],
    ['--help', 'Show this help.'],
  ];
  return [command.summary, '', `Usage: ${usageLine(command)}`, '', ...table(rows)].join('\n');
}

/** What `stowage --help` prints. */
export function programHelp(commands: readonly Command[]): string {
  return [
    'Stowage stores the files that your users upload.',
    '',
    'Usage: stowage COMMAND [flags]',
    '',
    ...table(commands.map((command) => [command.name, command.summary])),
    '',
    'Run "stowage COMMAND --help" for the flags of a command. Settings come from the environment and the config file.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 findings.',
  ].join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name?.length ?? 0));
  return rows.map(([name = '', summary = '']) => `  ${name.padEnd(width)}  ${summary}`);
}
