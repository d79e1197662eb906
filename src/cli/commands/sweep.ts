import { formatByteSize } from '../../core/bytes.ts';
import type { SweepCount, SweepReport } from '../../maintenance/sweep.ts';
import { type Command, EXIT } from '../command.ts';
import { parseDurationSeconds } from '../duration.ts';

/** Compares store and catalog, and removes what is provably dead. */
export const sweepCommand: Command = {
  name: 'sweep',
  summary:
    'Find (and with --apply remove) what no record names, what is past its retention, and broken deletes.',
  flags: {
    apply: { type: 'boolean', summary: 'Remove what was found. Without it nothing is changed.' },
    'min-age': { type: 'string', value: '24h', summary: 'Leave younger objects alone. Default: 24h.' },
    force: { type: 'boolean', summary: 'Go on although unusually much would go.' },
  },
  // Opening a store makes the signer of its URLs, on every backend.
  secrets: ['SIGNING_SECRET'],
  positionals: [],
  async run(context, args) {
    const [{ hasFindings, SWEEP_AGE_SECONDS_DEFAULT }, { sweepStores }] = await Promise.all([
      import('../../maintenance/sweep.ts'),
      import('../../maintenance/sweep-stores.ts'),
    ]);
    const age = args.text('min-age');
    const ageSecondsMin =
      age === undefined ? SWEEP_AGE_SECONDS_DEFAULT : parseDurationSeconds('min-age', age);
    const config = await context.loadConfig();
    const { openCommandCatalog, openSweep } = await import('../../service/command-parts.ts');
    await using opened = await openCommandCatalog(config, context);
    await using parts = await openSweep(config, opened.catalog);
    const report = await sweepStores(parts.main, parts.others, {
      apply: args.isSet('apply'),
      force: args.isSet('force'),
      ageSecondsMin,
      signal: context.signal,
      onProgress: (step, done) => context.terminal.progress(`${done} ${step}`),
    });
    if (context.json) await context.terminal.print(JSON.stringify(report));
    else for (const line of linesOf(report)) await context.terminal.print(line);
    if (report.stopped !== null) context.terminal.tell(`Nothing was removed. ${report.stopped}`);
    return hasFindings(report) ? EXIT.findings : EXIT.done;
  },
};

function linesOf(report: SweepReport): string[] {
  const count = (name: string, { found, bytes, removed }: SweepCount): string => {
    const size = bytes > 0 ? ` (${formatByteSize(bytes)})` : '';
    return `${name.padEnd(26)}${found}${size}${removed > 0 ? `, removed ${removed}` : ''}`;
  };
  const hasAny = [
    report.orphans,
    report.tombstones,
    report.unused,
    report.stale_uploads,
    report.expired_uploads,
    report.spool_files,
  ].some(({ found }) => found > 0);
  return [
    `${report.objects} objects and ${report.assets} assets compared.`,
    count('Objects without record', report.orphans),
    ...report.orphan_keys.map((key) => `  ${key}`),
    count('Interrupted deletes', report.tombstones),
    count('Past their retention', report.unused),
    count('Stale uploads', report.stale_uploads),
    count('Expired direct uploads', report.expired_uploads),
    count('Files in the spool', report.spool_files),
    `${'Records without bytes'.padEnd(26)}${report.missing}`,
    `${'Records of other size'.padEnd(26)}${report.wrong_size}`,
    `${'Records of damaged bytes'.padEnd(26)}${report.unreadable}`,
    ...report.damaged.map(({ asset_id, key, problem }) => `  ${asset_id} ${problem} ${key}`),
    ...(hasAny && !report.applied && report.stopped === null
      ? ['Nothing was removed: add --apply to do it.']
      : []),
  ];
}
