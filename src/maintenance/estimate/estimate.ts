import { GIB } from '../../core/bytes.ts';
import { PRICES, type ProviderName, type ProviderPrices, type Step } from './prices.ts';

/** What is stored and done in one month. */
export interface MonthOfUse {
  /** Bytes at the end of the month: the bill is a little lower. */
  readonly storedBytes: number;
  readonly uploads: number;
  readonly downloads: number;
  /** Bytes that all downloads together carry. */
  readonly downloadedBytes: number;
  /** Share of downloads that the CDN answers by itself, 0 to 1. */
  readonly cdnHitRate: number;
}

/** One product of the arithmetic: amount times price. */
export interface Line {
  readonly what: string;
  /** The sum as a person would write it: `500 GiB × $0.023`. */
  readonly arithmetic: string;
  readonly dollars: number;
}

/** What a provider would ask for a month. */
export interface ProviderEstimate {
  readonly provider: ProviderName;
  readonly name: string;
  readonly place: string;
  /** Clients read from the store itself. */
  readonly direct: Bill;
  /** Clients read through the provider's CDN. */
  readonly viaCdn: Bill;
  /** The same bytes in other classes, without the CDN; the first is the one above. */
  readonly classes: readonly (Bill & { readonly name: string; readonly daysMin: number })[];
}

export interface Bill {
  readonly lines: readonly Line[];
  readonly dollars: number;
}

/** What every provider of the price table would ask for a month like this. */
export function estimate(month: MonthOfUse, providers: readonly ProviderName[]): readonly ProviderEstimate[] {
  return providers.map((provider) => {
    const prices: ProviderPrices = PRICES[provider];
    const classes = prices.classes.map((each) => ({
      name: each.name,
      daysMin: each.daysMin,
      ...bill([
        ...storeLines(each, month, 1),
        egressLine(prices.egress, month.downloadedBytes, 'To the internet'),
      ]),
    }));
    return {
      provider,
      name: prices.name,
      place: prices.place,
      direct: classes[0] ?? bill([]),
      viaCdn: bill([
        ...storeLines(prices.classes[0], month, 1 - month.cdnHitRate),
        ...cdnLines(prices, month),
      ]),
      classes,
    };
  });
}

/** @param readShare share of the downloads that reach the store. */
function storeLines(
  prices: ProviderPrices['classes'][number],
  month: MonthOfUse,
  readShare: number,
): readonly Line[] {
  const reads = month.downloads * readShare;
  const readGib = (month.downloadedBytes * readShare) / GIB;
  return [
    stepped(`Storage, ${prices.name}`, month.storedBytes / GIB, 'GiB', prices.storage),
    perThousand('Uploads', month.uploads, prices.writes),
    perThousand('Reads from the store', reads, prices.reads),
    ...(prices.retrieval === 0
      ? []
      : [stepped('Retrieval', readGib, 'GiB', [{ upTo: null, price: prices.retrieval }])]),
  ];
}

function cdnLines({ cdn }: ProviderPrices, month: MonthOfUse): readonly Line[] {
  const fillGib = (month.downloadedBytes * (1 - month.cdnHitRate)) / GIB;
  const paid = Math.max(0, month.downloads - cdn.requestsFree);
  const free = cdn.requestsFree > 0 ? `, ${amount(cdn.requestsFree)} free` : '';
  return [
    egressLine(cdn.egress, month.downloadedBytes, `${cdn.name} to clients`),
    {
      what: `${cdn.name} requests`,
      arithmetic: `${amount(month.downloads)}${free} → ${amount(paid)} × ${dollars(cdn.requests)} / 10,000`,
      dollars: (paid / 10_000) * cdn.requests,
    },
    ...(cdn.fill === 0
      ? []
      : [stepped(`${cdn.name} from the store`, fillGib, 'GiB', [{ upTo: null, price: cdn.fill }])]),
    ...(cdn.base === 0
      ? []
      : [{ what: `${cdn.name} base`, arithmetic: `1 × ${dollars(cdn.base)}`, dollars: cdn.base }]),
  ];
}

function egressLine(steps: readonly Step[], bytes: number, what: string): Line {
  return stepped(what, bytes / GIB, 'GiB', steps);
}

/** Fills one step after the other. */
function stepped(what: string, units: number, unit: string, steps: readonly Step[]): Line {
  let from = 0;
  let sum = 0;
  const parts: string[] = [];
  for (const { upTo, price } of steps) {
    const inStep = Math.min(units, upTo ?? Number.POSITIVE_INFINITY) - from;
    if (inStep <= 0 && parts.length > 0) break;
    parts.push(`${amount(Math.max(0, inStep))} ${unit} × ${dollars(price)}`);
    sum += Math.max(0, inStep) * price;
    if (upTo === null || units <= upTo) break;
    from = upTo;
  }
  return { what, arithmetic: parts.join(' + '), dollars: sum };
}

function perThousand(what: string, count: number, price: number): Line {
  return {
    what,
    arithmetic: `${amount(count)} × ${dollars(price)} / 1,000`,
    dollars: (count / 1000) * price,
  };
}

function bill(lines: readonly Line[]): Bill {
  return { lines, dollars: lines.reduce((sum, line) => sum + line.dollars, 0) };
}

/** A count or an amount of GiB: whole when it is large, with two digits when it is small. */
function amount(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function dollars(price: number): string {
  return `$${price}`;
}
