import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { formatByteSize } from '../../core/bytes.ts';
import { newUuid } from '../../core/ids.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';

/** Writes the catalog to a file. */
export const databaseExportCommand: Command = {
  name: 'db export',
  summary:
    'Write the whole catalog, as of one moment, to FILE (- for standard output). The bytes of assets stay.',
  flags: {},
  positionals: ['FILE'],
  async run(context, args) {
    const config = await context.loadConfig();
    const [{ exportCatalog }, { openCommandCatalog }] = await Promise.all([
      import('../../catalog/transfer.ts'),
      import('../../service/command-parts.ts'),
    ]);
    await using opened = await openCommandCatalog(config, context);
    const file = args.positionals[0] ?? '-';
    const options = transferOptions(context);
    if (file === '-') {
      await exportCatalog(opened.ownerConnection, process.stdout, options);
      return EXIT.done;
    }
    const path = absolute(file, context.cwd);
    const temporary = `${path}.${newUuid()}`;
    try {
      // The catalog names users and addresses: for its owner only.
      const output = createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true });
      const report = await exportCatalog(opened.ownerConnection, output, options);
      await new Promise<void>((done, fail) => output.on('error', fail).end(done));
      await rename(temporary, path);
      await show(context, 'exported', report);
    } finally {
      await rm(temporary, { force: true });
    }
    return EXIT.done;
  },
};

/** Reads an exported catalog into an empty one. */
export const databaseImportCommand: Command = {
  name: 'db import',
  summary: 'Read a catalog from FILE (- for standard input) into an empty database: all of it or nothing.',
  flags: {},
  positionals: ['FILE'],
  async run(context, args) {
    const config = await context.loadConfig();
    const [{ importCatalog }, { openCommandCatalog }] = await Promise.all([
      import('../../catalog/transfer.ts'),
      import('../../service/command-parts.ts'),
    ]);
    await using opened = await openCommandCatalog(config, context);
    const file = args.positionals[0] ?? '-';
    const input = file === '-' ? process.stdin : createReadStream(absolute(file, context.cwd));
    await show(
      context,
      'imported',
      await importCatalog(opened.ownerConnection, input, transferOptions(context)),
    );
    return EXIT.done;
  },
};

function transferOptions(context: CommandContext) {
  return {
    signal: context.signal,
    onProgress: (bytes: number) => context.terminal.progress(`${formatByteSize(bytes)} moved`),
  };
}

async function show(
  context: CommandContext,
  what: string,
  report: Readonly<Record<string, number>>,
): Promise<void> {
  if (context.json) await context.terminal.print(JSON.stringify({ [what]: report }));
  else {
    for (const [table, rows] of Object.entries(report))
      await context.terminal.print(`${what} ${rows} ${table}`);
  }
}

function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path);
}
