import { type FoundAmount, findAmounts } from './amounts.ts';
import { plain } from './dates.ts';
import { addsUp, type ReadFields } from './invoice-fields.ts';
import { below } from './labelled.ts';
import { type SumKind, sumKind } from './labels.ts';
import type { Line } from './page-lines.ts';

interface Sum {
  readonly value: string;
  readonly confidence: number;
}

type Sums = Readonly<Record<SumKind, readonly Sum[]>>;

/** Of each kind at most this many are tried against each other. */
const CANDIDATES_MAX = 12;

/** Reads net, tax and total. Three that add up are believed; the rest stays doubtful. */
export function readSums(lines: readonly Line[]): ReadFields {
  const sums = findSums(lines);
  const fitting = findFitting(sums);
  if (fitting !== null) return fitting;
  const [total, net, tax] = [sums.total[0], sums.net[0], sums.tax[0]];
  const isContradicted = total !== undefined && net !== undefined && tax !== undefined;
  const factor = isContradicted ? 0.5 : 0.9;
  const field = (sum: Sum | undefined) => sum && { value: sum.value, confidence: sum.confidence * factor };
  const read = { net: field(net), tax: field(tax), total: field(total) };
  return {
    ...(read.net && { net: read.net }),
    ...(read.tax && { tax: read.tax }),
    ...(read.total && { total: read.total }),
  };
}

function findSums(lines: readonly Line[]): Sums {
  const sums: Record<SumKind, Sum[]> = { net: [], tax: [], total: [] };
  for (const [index, line] of lines.entries()) {
    const amounts = line.cells.flatMap(({ text }) => findAmounts(text));
    const words = plain(line.cells.map(({ text }) => text).join('  '));
    const amount = amounts.at(-1);
    if (amount !== undefined) {
      const kind = sumKind(labelOf(words, amount));
      if (kind !== null) sums[kind.kind].push({ value: amount.value, confidence: kind.confidence });
      continue;
    }
    // A row of headings, with the amounts in the row below.
    for (const cell of line.cells) {
      const kind = sumKind(plain(cell.text));
      const value = kind && findAmounts(below(lines, index, cell)).at(-1)?.value;
      if (kind && value) sums[kind.kind].push({ value, confidence: kind.confidence * 0.6 });
    }
  }
  for (const kind of ['net', 'tax', 'total'] as const) {
    // The last of those that are equally sure: totals stand at the end.
    sums[kind] = sums[kind]
      .reverse()
      .sort((a, b) => b.confidence - a.confidence)
      .slice(0, CANDIDATES_MAX);
  }
  return sums;
}

/** Words of a line without its numbers. */
function labelOf(words: string, _amount: FoundAmount): string {
  return words
    .replace(/\d[\d.,'’%]*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Of all that could be meant, three that add up: the surest. Several rates of tax count together as well. */
function findFitting({ net, tax, total }: Sums): ReadFields | null {
  const allTaxes = tax.length > 1 ? [{ value: addAll(tax), confidence: 0.85 }] : [];
  const fits = total.flatMap((whole) =>
    net.flatMap((part) =>
      [...tax, ...allTaxes]
        .filter((levy) => addsUp(part.value, levy.value, whole.value) && Number(part.value) !== 0)
        .map((levy) => ({
          net: part,
          tax: levy,
          total: whole,
          score: part.confidence + levy.confidence + whole.confidence,
        })),
    ),
  );
  const [best] = fits.sort((a, b) => b.score - a.score);
  if (best !== undefined) return certain(best.net.value, best.tax.value, best.total.value);
  return null;
}

function certain(net: string, tax: string, total: string): ReadFields {
  const field = (value: string) => ({ value, confidence: 0.97 });
  return { net: field(net), tax: field(tax), total: field(total) };
}

function addAll(sums: readonly Sum[]): string {
  const cents = sums.reduce((sum, { value }) => sum + Math.round(Number(value) * 100), 0);
  return (cents / 100).toFixed(2);
}
