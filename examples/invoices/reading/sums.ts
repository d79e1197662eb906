import { findAmounts } from './amounts.ts';
import { plain } from './dates.ts';
import { addsUp, type ReadFields } from './invoice-fields.ts';
import { type SumKind, sumKind } from './labels.ts';
import type { Cell, Line } from './page-lines.ts';

interface Sum {
  readonly value: string;
  readonly confidence: number;
}

type Sums = Readonly<Record<SumKind, readonly Sum[]>>;

/** Of each kind at most this many are tried against each other. */
const CANDIDATES_MAX = 12;
/** A heading counts for this many lines below it. */
const COLUMN_LINES_MAX = 40;

/** Reads net, tax and total. Three that add up are believed; the rest stays doubtful. */
export function readSums(lines: readonly Line[]): ReadFields {
  const sums = findSums(lines);
  const fitting = findFitting(sums);
  if (fitting !== null) return fitting;
  const [total, net, tax] = [sums.total[0], sums.net[0], sums.tax[0]];
  const isContradicted = total !== undefined && net !== undefined && tax !== undefined;
  const factor = isContradicted ? 0.5 : 0.9;
  const field = (sum: Sum | undefined) => sum && { value: sum.value, confidence: sum.confidence * factor };
  const read = {
    net: field(net ?? missing(lines, total, tax)),
    tax: field(tax ?? missing(lines, total, net)),
    total: field(total),
  };
  return {
    ...(read.net && { net: read.net }),
    ...(read.tax && { tax: read.tax }),
    ...(read.total && { total: read.total }),
  };
}

/** The third of three, when what the other two leave stands somewhere on the invoice. */
function missing(lines: readonly Line[], total: Sum | undefined, other: Sum | undefined): Sum | undefined {
  if (total === undefined || other === undefined) return undefined;
  const rest = (Number(total.value) - Number(other.value)).toFixed(2);
  const isThere = lines.some(({ cells }) =>
    cells.some(({ text }) => findAmounts(text).some(({ value }) => value === rest)),
  );
  return isThere ? { value: rest, confidence: 0.8 } : undefined;
}

function findSums(lines: readonly Line[]): Sums {
  const sums: Record<SumKind, Sum[]> = { net: [], tax: [], total: [] };
  const add = (words: string, value: string | undefined, factor: number): void => {
    const kind = value === undefined ? null : sumKind(wordsOf(words));
    if (kind && value) sums[kind.kind].push({ value, confidence: kind.confidence * factor });
  };
  for (const [index, line] of lines.entries()) {
    const text = plain(line.cells.map((cell) => cell.text).join('  '));
    const amounts = findAmounts(text);
    // The amount of a line is its last; in a sentence each has its own words before it.
    add(text, amounts.at(-1)?.value, 1);
    if (amounts.length > 1) {
      for (const [order, { at, value }] of amounts.entries()) {
        add(text.slice(amounts[order - 1]?.at ?? 0, at), value, 0.75);
      }
    }
    if (amounts.length > 0) continue;
    for (const cell of line.cells) {
      for (const value of column(lines, index, cell)) add(plain(cell.text), value, 0.6);
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

/** Amounts below a heading: of things first, and at the end their sum. */
function column(lines: readonly Line[], index: number, heading: Cell): readonly string[] {
  const page = lines[index]?.page;
  return lines
    .slice(index + 1, index + 1 + COLUMN_LINES_MAX)
    .filter((line) => line.page === page)
    .flatMap(({ cells }) => cells.filter((cell) => cell.left < heading.right && cell.right > heading.left))
    .flatMap(({ text }) => findAmounts(text).map(({ value }) => value));
}

/** Words of a line without its numbers. */
function wordsOf(text: string): string {
  return text
    .replace(/\d[\d.,'’%]*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Of all that could be meant, three that add up: the surest. Several rates of tax count together as well. */
function findFitting({ net, tax, total }: Sums): ReadFields | null {
  const rates = tax.filter(({ confidence }) => confidence > 0.8);
  const allTaxes = rates.length > 1 ? [{ value: addAll(rates), confidence: 0.85 }] : [];
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
  // Each row of a table adds up as well: what the surest total does not belong to is not the invoice's.
  const [surest] = total;
  const isOther = surest !== undefined && surest.value !== best?.total.value;
  if (best === undefined || (isOther && surest.confidence - best.total.confidence > 0.2)) return null;
  return certain(best.net.value, best.tax.value, best.total.value);
}

function certain(net: string, tax: string, total: string): ReadFields {
  const field = (value: string) => ({ value, confidence: 0.97 });
  return { net: field(net), tax: field(tax), total: field(total) };
}

function addAll(sums: readonly Sum[]): string {
  const cents = sums.reduce((sum, { value }) => sum + Math.round(Number(value) * 100), 0);
  return (cents / 100).toFixed(2);
}
