import { type Command, EXIT } from '../command.ts';

/** Brings the database up to date. */
export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Bring the database to the newest schema. Running it again does nothing; serve does it too.',
  flags: {},
  secrets: [],
  positionals: [],
  async run(context) {
    const config = await context.loadConfig();
    const { migrateDatabase } = await import('../../service/migrate-database.ts');
    const report = await migrateDatabase(config, context.signal);
    if (context.json) {
      await context.terminal.print(JSON.stringify({ applied: report.applied, version: report.version }));
    } else {
      for (const name of report.applied) await context.terminal.print(`applied ${name}`);
      await context.terminal.print(`The schema is at ${report.version}.`);
    }
    return EXIT.done;
  },
};
