import { formatByteSize, parseByteSize } from '../../core/bytes.ts';
import type { MoveReport } from '../../maintenance/move/report.ts';
import { type Command, type CommandArgs, EXIT, UsageError } from '../command.ts';
import { parseDurationSeconds } from '../duration.ts';

const BACKENDS = ['local', 's3', 'azure', 'gcs'] as const;
type Backend = (typeof BACKENDS)[number];

/** Longest life of a signed URL, and an hour for reads that begin with it, in seconds. */
const CLOUD_KEEP_SECONDS = 169 * 3600;
/** The service answers the URLs of local disk itself, wherever a file is: only reads under way need the copy. */
const LOCAL_KEEP_SECONDS = 10 * 60;
const FILES_AT_ONCE = 4;
const FILES_AT_ONCE_MAX = 64;
/** Longest wait before a store that fails is tried again, in milliseconds. */
const RETRY_DELAY_MS_MAX = 15_000;

/** Moves files between backends while the service runs. */
export const moveCommand: Command = {
  name: 'move',
  summary: 'Move all files from one backend to another, verified, while the service runs.',
  flags: {
    from: { type: 'string', value: 'B', required: true, summary: 'local, s3, azure or gcs.' },
    to: { type: 'string', value: 'B', required: true, summary: 'Another of them.' },
    apply: { type: 'boolean', summary: 'Move them. Without it nothing is changed.' },
    'delete-source': {
      type: 'boolean',
      summary: 'Then remove the copies at the source whose files are verified where they are read.',
    },
    'min-age': {
      type: 'string',
      value: '169h',
      summary: 'Keep copies of files that moved later than that ago. Default: 169h; from local 10m.',
    },
    rate: { type: 'string', value: '20mb', summary: 'Most bytes per second. Default: no limit.' },
    concurrency: { type: 'string', value: 'N', summary: 'Files under way at once, 1 to 64. Default: 4.' },
  },
  // Opening a store makes the signer of its URLs, on every backend.
  secrets: ['SIGNING_SECRET'],
  positionals: [],
  async run(context, args) {
    const between = readBackends(args);
    const keepSeconds = readKeepSeconds(args, between.from);
    const bytesPerSecond = readRate(args);
    const filesAtOnce = readConcurrency(args);
    const config = await context.loadConfig();
    const [{ hasMoveFindings }, { moveAssets }, { openCommandCatalog }, { openMove, requireSettings }] =
      await Promise.all([
        import('../../maintenance/move/report.ts'),
        import('../../maintenance/move/move.ts'),
        import('../../service/command-parts.ts'),
        import('../../service/move-parts.ts'),
      ]);
    requireSettings(config, between);
    await using opened = await openCommandCatalog(config, context);
    await using parts = await openMove(config, opened.catalog, between);
    const report = await moveAssets(parts, {
      apply: args.isSet('apply'),
      deleteSource: args.isSet('delete-source'),
      keepMs: keepSeconds * 1000,
      bytesPerSecond,
      filesAtOnce,
      retryDelayMsMax: RETRY_DELAY_MS_MAX,
      onProgress: (line) => context.terminal.progress(line),
      signal: context.signal,
    });
    if (context.json) await context.terminal.print(JSON.stringify(report));
    else for (const line of linesOf(report)) await context.terminal.print(line);
    if (report.stopped !== null) context.terminal.tell(`Nothing was moved. ${report.stopped}`);
    return hasMoveFindings(report) ? EXIT.findings : EXIT.done;
  },
};

function readBackends(args: CommandArgs): { readonly from: Backend; readonly to: Backend } {
  const read = (flag: string): Backend => {
    const named = BACKENDS.find((backend) => backend === args.text(flag));
    if (named === undefined) throw new UsageError(`--${flag} must be one of ${BACKENDS.join(', ')}`);
    return named;
  };
  const [from, to] = [read('from'), read('to')];
  if (from === to) throw new UsageError('--from and --to must be two different backends');
  return { from, to };
}

function readKeepSeconds(args: CommandArgs, from: Backend): number {
  const age = args.text('min-age');
  if (age !== undefined) return parseDurationSeconds('min-age', age);
  return from === 'local' ? LOCAL_KEEP_SECONDS : CLOUD_KEEP_SECONDS;
}

function readRate(args: CommandArgs): number | null {
  const text = args.text('rate');
  if (text === undefined) return null;
  const bytes = parseByteSize(text);
  if (bytes === undefined || bytes < 1) throw new UsageError('--rate must be a size per second such as 20mb');
  return bytes;
}

function readConcurrency(args: CommandArgs): number {
  const text = args.text('concurrency') ?? String(FILES_AT_ONCE);
  const files = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (files >= 1 && files <= FILES_AT_ONCE_MAX) return files;
  throw new UsageError(`--concurrency must be a number from 1 to ${FILES_AT_ONCE_MAX}`);
}

function linesOf(report: MoveReport): string[] {
  const { from, to, found, moved, copies } = report;
  const count = ({ files, bytes }: MoveReport['found']): string =>
    files === 0 ? '0' : `${files} (${formatByteSize(bytes)})`;
  const row = (name: string, value: string): string => `${name.padEnd(24)}${value}`;
  const reused = report.reused > 0 ? `, ${report.reused} of them found there and verified` : '';
  const removed = copies.removed.files > 0 ? `, removed ${count(copies.removed)}` : '';
  const problems = Object.entries(report.differences).map(([problem, files]) => `${problem} ${files}`);
  return [
    row(`On ${from}`, count(found)),
    row(`Moved to ${to}`, `${count(moved)}${reused}`),
    row(`Left on ${from}`, count(report.left)),
    row(`Copies on ${from}`, `${count(copies.left)}${removed}`),
    ...(report.gone > 0 ? [row('Removed meanwhile', String(report.gone))] : []),
    ...(problems.length > 0 ? [row('Differences', problems.join(', '))] : []),
    ...report.differing.map(({ asset_id, key, problem }) => `  ${asset_id} ${problem} ${key}`),
    ...(report.applied || report.stopped !== null ? [] : ['Nothing was moved: add --apply to do it.']),
  ];
}
