import { isAbsolute, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import type { TransferReport } from '../../catalog/transfer.ts';
import { formatByteSize } from '../../core/bytes.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { readFrom, writeThrough, writeWhole } from '../files.ts';

/** Writes the catalog to a file. */
export const databaseExportCommand: Command = {
  name: 'db export',
  summary:
    'Write the whole catalog, as of one moment, to FILE (- for standard output). The bytes of assets stay.',
  flags: {},
  secrets: [],
  positionals: ['FILE'],
  async run(context, args) {
    const config = await context.loadConfig();
    const [{ exportCatalog }, { openCommandCatalog }] = await Promise.all([
      import('../../catalog/transfer.ts'),
      import('../../service/command-parts.ts'),
    ]);
    const exportTo = async (output: Writable): Promise<TransferReport> => {
      await using opened = await openCommandCatalog(config, context);
      return await exportCatalog(opened.ownerConnection, output, transferOptions(context));
    };
    const file = args.positionals[0] ?? '-';
    if (file === '-') await writeThrough(process.stdout, 'Standard output', exportTo);
    else await show(context, 'exported', await writeWhole(absolute(file, context.cwd), exportTo));
    return EXIT.done;
  },
};

/** Reads an exported catalog into an empty one. */
export const databaseImportCommand: Command = {
  name: 'db import',
  summary: 'Read a catalog from FILE (- for standard input) into an empty database: all of it or nothing.',
  flags: {},
  secrets: [],
  positionals: ['FILE'],
  async run(context, args) {
    const config = await context.loadConfig();
    const [{ importCatalog }, { openCommandCatalog }] = await Promise.all([
      import('../../catalog/transfer.ts'),
      import('../../service/command-parts.ts'),
    ]);
    const importFrom = async (input: AsyncIterable<Uint8Array>): Promise<TransferReport> => {
      await using opened = await openCommandCatalog(config, context);
      return await importCatalog(opened.ownerConnection, input, transferOptions(context));
    };
    const file = args.positionals[0] ?? '-';
    const report =
      file === '-'
        ? await importFrom(process.stdin)
        : await readFrom(absolute(file, context.cwd), importFrom);
    await show(context, 'imported', report);
    return EXIT.done;
  },
};

function transferOptions(context: CommandContext) {
  return {
    signal: context.signal,
    onProgress: (bytes: number) => context.terminal.progress(`${formatByteSize(bytes)} moved`),
  };
}

async function show(context: CommandContext, what: string, report: TransferReport): Promise<void> {
  if (context.json) await context.terminal.print(JSON.stringify({ [what]: report }));
  else {
    for (const [table, rows] of Object.entries(report))
      await context.terminal.print(`${what} ${rows} ${table}`);
  }
}

function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path);
}
