import { formatByteSize, parseByteSize } from '../../core/bytes.ts';
import type { Bill } from '../../maintenance/estimate/estimate.ts';
import type { Assumptions } from '../../maintenance/estimate/growth.ts';
import type { ProviderName } from '../../maintenance/estimate/prices.ts';
import { type Command, type CommandArgs, type CommandContext, EXIT, UsageError } from '../command.ts';
import { type Estimated, estimateJson } from '../estimate-json.ts';

const MONTHS_MAX = 120;
const PROVIDERS: readonly ProviderName[] = ['aws', 'azure', 'gcp'];

/** Tells what the stored files would cost. */
export const estimateCommand: Command = {
  name: 'estimate',
  summary:
    'Estimate what the stored files cost a month on each provider, now and as they grow, by list prices.',
  flags: {
    'growth-per-month': {
      type: 'string',
      value: '5%',
      summary: 'What a month adds: a share or a size such as 50gb. Default: 0%.',
    },
    months: { type: 'string', value: '12', summary: 'The month to look ahead to. Default: 12.' },
    downloads: { type: 'string', value: 'N', summary: 'Downloads in a month. Default: one of each file.' },
    'download-size': {
      type: 'string',
      value: '2mb',
      summary: 'Bytes of one download. Default: the average file.',
    },
    uploads: { type: 'string', value: 'N', summary: 'Uploads in a month. Default: what the growth makes.' },
    'cdn-hit-rate': {
      type: 'string',
      value: '90%',
      summary: 'Share of downloads that a CDN answers by itself. Default: 90%.',
    },
    stored: {
      type: 'string',
      value: '500gb',
      summary: 'Bytes to count instead of what is stored; with --files.',
    },
    files: {
      type: 'string',
      value: 'N',
      summary: 'Files to count instead of what is stored; with --stored.',
    },
    provider: { type: 'string', value: 'NAME', summary: 'Only aws, azure or gcp. Default: all.' },
  },
  secrets: [],
  positionals: [],
  async run(context, args) {
    const asked = readQuestion(args);
    const [{ estimate }, { monthOfUse }, { PRICES, PRICES_AS_OF }] = await Promise.all([
      import('../../maintenance/estimate/estimate.ts'),
      import('../../maintenance/estimate/growth.ts'),
      import('../../maintenance/estimate/prices.ts'),
    ]);
    const usage = asked.given === null ? await readStored(context) : [];
    const stored = asked.given ?? {
      files: usage.reduce((sum, { files }) => sum + files, 0),
      bytes: usage.reduce((sum, { bytes }) => sum + bytes, 0),
    };
    const assumptions = assumptionsFor(asked, stored.files);
    const months = [0, ...(asked.months === 0 ? [] : [asked.months])].map((month) => {
      const use = monthOfUse(stored, assumptions, month);
      return { month, use, providers: estimate(use, asked.providers) };
    });
    if (context.json) {
      const sources = asked.providers.flatMap((name) => PRICES[name].sources);
      await context.terminal.print(
        JSON.stringify({
          prices_as_of: PRICES_AS_OF,
          currency: 'USD',
          sources,
          ...estimateJson({ stored, usage, assumptions, months }),
        }),
      );
      return EXIT.done;
    }
    await show(context, { asOf: PRICES_AS_OF, stored, usage, months });
    for (const name of asked.providers)
      for (const source of PRICES[name].sources) await context.terminal.print(`  ${source}`);
    return EXIT.done;
  },
};

/** What is asked for. */
interface Question {
  readonly growth: Assumptions['growth'];
  readonly months: number;
  readonly downloads: number | null;
  readonly downloadBytes: number | null;
  readonly uploads: number | null;
  readonly cdnHitRate: number;
  readonly given: { readonly files: number; readonly bytes: number } | null;
  readonly providers: readonly ProviderName[];
}

function readQuestion(args: CommandArgs): Question {
  const [files, bytes] = [whole(args, 'files', 1e12), size(args, 'stored')];
  if ((files === null) !== (bytes === null)) throw new UsageError('--stored and --files go together');
  const name = args.text('provider');
  const provider = PROVIDERS.find((known) => known === name);
  if (name !== undefined && provider === undefined) throw new UsageError('--provider is aws, azure or gcp');
  return {
    growth: readGrowth(args),
    months: whole(args, 'months', MONTHS_MAX) ?? 12,
    downloads: whole(args, 'downloads', 1e12),
    downloadBytes: size(args, 'download-size'),
    uploads: whole(args, 'uploads', 1e12),
    cdnHitRate: share(args, 'cdn-hit-rate', 100) ?? 0.9,
    given: files === null || bytes === null ? null : { files, bytes },
    providers: provider === undefined ? PROVIDERS : [provider],
  };
}

function readGrowth(args: CommandArgs): Assumptions['growth'] {
  const text = args.text('growth-per-month');
  if (text === undefined) return { share: 0 };
  if (text.endsWith('%')) return { share: share(args, 'growth-per-month', 1000) ?? 0 };
  // A bare number would be bytes, which nobody means.
  const bytes = /^\d+$/.test(text) ? undefined : parseByteSize(text);
  if (bytes === undefined)
    throw new UsageError('--growth-per-month must be a share such as 5% or a size such as 50gb');
  return { bytes };
}

function whole(args: CommandArgs, flag: string, max: number): number | null {
  const text = args.text(flag);
  if (text === undefined) return null;
  if (/^\d{1,13}$/.test(text) && Number(text) <= max) return Number(text);
  throw new UsageError(`--${flag} must be a whole number up to ${max}`);
}

function size(args: CommandArgs, flag: string): number | null {
  const text = args.text(flag);
  if (text === undefined) return null;
  const bytes = parseByteSize(text);
  if (bytes === undefined) throw new UsageError(`--${flag} must be a size such as 2mb`);
  return bytes;
}

function share(args: CommandArgs, flag: string, percentMax: number): number | null {
  const text = args.text(flag);
  if (text === undefined) return null;
  const percent = /^(\d{1,4}(?:\.\d{1,3})?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) <= percentMax) return Number(percent) / 100;
  throw new UsageError(`--${flag} must be a share such as 90%, at most ${percentMax}%`);
}

function assumptionsFor(asked: Question, files: number): Assumptions {
  return {
    growth: asked.growth,
    downloadsPerFile: asked.downloads === null ? 1 : files === 0 ? 0 : asked.downloads / files,
    uploads: asked.uploads,
    downloadBytes: asked.downloadBytes,
    cdnHitRate: asked.cdnHitRate,
  };
}

async function readStored(context: CommandContext) {
  const config = await context.loadConfig();
  const { openCommandCatalog } = await import('../../service/command-parts.ts');
  await using opened = await openCommandCatalog(config, context);
  return await opened.catalog.storedUsage();
}

type Shown = Omit<Estimated, 'assumptions'> & { readonly asOf: string };

async function show({ terminal }: CommandContext, { asOf, stored, usage, months }: Shown): Promise<void> {
  await terminal.print(`Stored: ${stored.files} files, ${formatByteSize(stored.bytes)}`);
  for (const { assetType, backend, files, bytes } of usage) {
    await terminal.print(
      `  ${assetType.padEnd(24)} ${backend.padEnd(6)} ${files} files, ${formatByteSize(bytes)}`,
    );
  }
  for (const { month, providers } of months) {
    await terminal.print('');
    await terminal.print(terminal.paint('bold', month === 0 ? 'This month' : `In ${month} months, a month`));
    for (const provider of providers) {
      await terminal.print(`${provider.name}, ${provider.place}`);
      await showBill(terminal.print, 'read from the store', provider.direct);
      await showBill(terminal.print, 'read through the CDN', provider.viaCdn);
      for (const { name, daysMin, dollars } of provider.classes.slice(1)) {
        await terminal.print(`    all of it in ${name}, for ${daysMin} days at least: ${money(dollars)}`);
      }
    }
  }
  await terminal.print('');
  await terminal.print(
    `List prices as of ${asOf}, in US dollars, without tax, discounts and trials. GiB are 1,024 MiB. From:`,
  );
}

async function showBill(print: (line: string) => Promise<void>, title: string, bill: Bill): Promise<void> {
  await print(`  ${title}: ${money(bill.dollars)}`);
  for (const line of bill.lines) {
    await print(`    ${money(line.dollars).padStart(12)}  ${line.what}: ${line.arithmetic}`);
  }
}

function money(dollars: number): string {
  return dollars.toLocaleString('en-US', { style: 'currency', currency: 'USD' });
}
