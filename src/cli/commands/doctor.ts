import type { Diagnosis } from '../../maintenance/doctor.ts';
import { type Command, EXIT } from '../command.ts';
import type { Terminal } from '../terminal.ts';

/** Examines the installation. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Examine settings, database, store, disk and clocks, and say how to mend what is wrong.',
  flags: {},
  secrets: ['JWT_SECRET', 'SIGNING_SECRET'],
  positionals: [],
  async run(context) {
    const config = await context.loadConfig();
    const [{ examine }, { openDoctor }] = await Promise.all([
      import('../../maintenance/doctor.ts'),
      import('../../service/doctor-parts.ts'),
    ]);
    await using parts = openDoctor(config, context.signal);
    const diagnoses = await examine(parts);
    const failed = diagnoses.filter(({ status }) => status === 'fail').length;
    if (context.json) await context.terminal.print(JSON.stringify({ ok: failed === 0, checks: diagnoses }));
    else for (const diagnosis of diagnoses) await show(diagnosis, context.terminal);
    return failed > 0 ? EXIT.findings : EXIT.done;
  },
};

const MARKS = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'FAIL'] } as const;

async function show({ check, status, detail, mend }: Diagnosis, terminal: Terminal): Promise<void> {
  const [colour, mark] = MARKS[status];
  await terminal.print(`${terminal.paint(colour, mark)} ${check.padEnd(14)} ${detail}`);
  if (mend !== null) await terminal.print(`     ${''.padEnd(14)} → ${mend}`);
}
