import type { Piece } from './sample-pdf.ts';
import type { XmlFacts } from './sample-xml.ts';

/** A PDF invoice as it is drawn, and what a person reads in it. */
export interface Layout {
  readonly filename: string;
  readonly facts: XmlFacts;
  readonly pages: readonly (readonly Piece[])[];
  readonly font?: 'Helvetica' | 'TimesRoman' | 'Courier';
  readonly xml?: string;
}

export const facts = (
  number: string,
  date: string,
  supplier: string,
  currency: string,
  [net, tax, total]: readonly [string, string, string],
): XmlFacts => ({ number, date, supplier, currency, net, tax, total });

/** Rows of a table: texts at columns, 16 points apart. */
export function rows(
  top: number,
  columns: readonly number[],
  table: readonly (readonly string[])[],
  size = 10,
): Piece[] {
  return table.flatMap((row, index) =>
    row.flatMap((text, column): Piece[] => {
      const x = columns[column];
      return x === undefined || text === '' ? [] : [[x, top + 16 * index, text, size]];
    }),
  );
}

/** One text below another. */
export const block = (x: number, top: number, lines: readonly string[], size = 10): Piece[] =>
  lines.map((line, index) => [x, top + (size + 3) * index, line, size]);
