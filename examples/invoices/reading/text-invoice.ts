import { findCurrency } from './amounts.ts';
import { type FoundDay, findDays, monthsComeFirst, plain } from './dates.ts';
import { nothingRead, type ReadField, type ReadFields, type ReadInvoice } from './invoice-fields.ts';
import { findLabelled } from './labelled.ts';
import { DATE_LABELS, NUMBER_LABELS, OTHER_DATES, OTHER_NUMBERS } from './labels.ts';
import type { Line } from './page-lines.ts';
import { readSums } from './sums.ts';
import { readSupplier } from './supplier.ts';

/** Fewer letters than this are a stamp on a scan, not a text. */
const LETTERS_MIN = 40;

/** Reads an invoice from the text of its pages: every value by what announces it. */
export function readTextInvoice(lines: readonly Line[]): ReadInvoice {
  const text = lines.map(({ cells }) => cells.map((cell) => cell.text).join('  ')).join('\n');
  if (text.replace(/[^\p{L}\d]/gu, '').length < LETTERS_MIN) {
    return nothingRead('The document has no text, only pictures: it is a scan. Please type the fields in.');
  }
  const sums = readSums(lines);
  const number = readNumber(lines);
  if (number === null && sums.total === undefined) {
    return nothingRead('The document has a text, but nothing in it says that it is an invoice.');
  }
  const fields: Record<string, ReadField | null> = {
    number,
    date: readDate(lines, text),
    supplier: readSupplier(lines),
    currency: findCurrency(text),
    ...sums,
  };
  const known = Object.entries(fields).filter((entry): entry is [string, ReadField] => entry[1] !== null);
  const rounded = known.map(([name, { value, confidence }]) => [
    name,
    { value, confidence: Math.round(confidence * 100) / 100 },
  ]);
  return { source: 'pdf_text', fields: Object.fromEntries(rounded) as ReadFields, message: null };
}

/** Letters, digits and what is put between them; at least one digit. */
const NUMBER = /^(?=[^\s]*\d|[A-Za-z]{1,6} \d)[A-Za-z]{0,6}[ -]?[\dA-Za-z]+(?:[-/._][\dA-Za-z]+)*/;

function readNumber(lines: readonly Line[]): ReadField | null {
  const [best] = findLabelled(lines, {
    labels: NUMBER_LABELS,
    others: OTHER_NUMBERS,
    read: (text) => {
      const number = NUMBER.exec(text)?.[0];
      const isDate = findDays(text, false)[0]?.at === 0;
      return number === undefined || number.length > 40 || isDate ? undefined : number;
    },
  });
  return best ?? null;
}

function readDate(lines: readonly Line[], text: string): ReadField | null {
  const told = monthsComeFirst(text);
  const isMonthFirst = told ?? /\$|\bUSD\b/.test(text);
  const first = (found: readonly FoundDay[]) => found.find(({ at }) => at === 0);
  const [best] = findLabelled(lines, {
    labels: DATE_LABELS,
    others: OTHER_DATES,
    read: (place) => first(findDays(place, isMonthFirst)),
  });
  if (best !== undefined) {
    // Only the dollar tells 03/04 from 04/03 then, and dollars are not paid in the United States alone.
    const isGuess = best.value.isAmbiguous && told === null && isMonthFirst;
    return { value: best.value.day, confidence: best.confidence * (isGuess ? 0.75 : 1) };
  }
  const unlabelled = lines
    .filter(({ cells }) => !OTHER_DATES.test(plain(cells.map((cell) => cell.text).join(' '))))
    .flatMap(({ cells }) => cells.flatMap((cell) => findDays(cell.text, isMonthFirst)));
  return unlabelled[0] === undefined ? null : { value: unlabelled[0].day, confidence: 0.55 };
}
