import { plain } from './dates.ts';
import type { ReadField } from './invoice-fields.ts';
import { below } from './labelled.ts';
import { BUYER_LABELS, LEGAL_FORM, SELLER_LABELS } from './labels.ts';
import type { Cell, Line } from './page-lines.ts';

/** What stands between a name and its address in one line. */
const PARTS = /\s*[·•|;]\s*|,\s(?!(?:Lda|Inc|LLC|Ltd|Corp|S\.?A|S\.?L|S\.?r\.?l)\b)(?=\d|[A-ZÀ-Þ])|\s[–-]\s/;
/** What is written large on invoices and is no name. */
const TITLE =
  /^(?:tax |proforma |pro forma )?(?:invoice|rechnung|facture|factura|fattura|factuur|fatura|bill|receipt|statement|credit note|gutschrift)\b/;
/** Lines below "Bill to" that belong to the buyer. */
const BUYER_LINES = 5;

/** Reads who wrote the invoice: by a label, by the legal form in a name, else by the largest letters of the first page. */
export function readSupplier(lines: readonly Line[]): ReadField | null {
  const buyers = buyerCells(lines);
  const scores = new Map<string, number>();
  const add = (name: string, confidence: number): void => {
    const seen = scores.get(name);
    // Said twice, at the head and in the foot: surer.
    scores.set(name, seen === undefined ? confidence : Math.min(0.95, Math.max(seen, confidence) + 0.1));
  };
  for (const [index, line] of lines.entries()) {
    for (const cell of line.cells) {
      if (buyers.has(cell)) continue;
      const label = SELLER_LABELS.exec(plain(cell.text));
      if (label !== null) {
        const name = nameIn(cell.text.slice(label[0].length)) ?? nameIn(below(lines, index, cell));
        if (name !== undefined) add(name, 0.9);
        continue;
      }
      const named = cell.text.split(PARTS).find((part) => LEGAL_FORM.test(plain(part)));
      const name = named === undefined ? undefined : nameIn(named);
      if (name !== undefined) add(name, line.page === 0 && index < lines.length / 3 ? 0.82 : 0.7);
    }
  }
  const [best] = [...scores].sort(([, a], [, b]) => b - a);
  if (best !== undefined) return { value: best[0], confidence: best[1] };
  return largest(lines, buyers);
}

function largest(lines: readonly Line[], buyers: ReadonlySet<Cell>): ReadField | null {
  const [cell] = lines
    .filter(({ page }) => page === 0)
    .flatMap(({ cells }) => cells)
    .filter((each) => !buyers.has(each) && !TITLE.test(plain(each.text)) && nameIn(each.text) !== undefined)
    .sort((a, b) => b.size - a.size);
  const name = cell && nameIn(cell.text);
  return name === undefined ? null : { value: name, confidence: 0.5 };
}

/** Cells at and below "Bill to", in its column. */
function buyerCells(lines: readonly Line[]): ReadonlySet<Cell> {
  const cells = new Set<Cell>();
  for (const [index, line] of lines.entries()) {
    for (const label of line.cells) {
      if (!BUYER_LABELS.test(plain(label.text))) continue;
      cells.add(label);
      for (const next of lines.slice(index, index + 1 + BUYER_LINES)) {
        for (const cell of next.cells) {
          const isBeside =
            next === line &&
            cell.left > label.left &&
            line.cells.indexOf(cell) === line.cells.indexOf(label) + 1;
          const isBelow = next !== line && cell.left < label.right + 20 && cell.right > label.left - 5;
          if ((isBeside && /:$/.test(label.text)) || isBelow) cells.add(cell);
        }
      }
    }
  }
  return cells;
}

/** A name has letters, and is no sentence. */
function nameIn(text: string): string | undefined {
  const [name = ''] = text.split(PARTS);
  const trimmed = name.replace(/^[\s:]+|[\s:,]+$/g, '');
  const isName =
    /\p{L}{2}/u.test(trimmed) &&
    trimmed.length <= 80 &&
    trimmed.split(' ').length <= 8 &&
    !/[@:]/.test(trimmed);
  return isName ? trimmed : undefined;
}
