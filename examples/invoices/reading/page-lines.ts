import { extractTextItems, getDocumentProxy } from 'unpdf';
import { visible } from './invoice-fields.ts';

/** A piece of text that stands by itself: what one would put into a cell of a table. */
export interface Cell {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  /** Font size in points. */
  readonly size: number;
}

/** Cells side by side, from left to right. */
export interface Line {
  readonly page: number;
  /** Height above the foot of the page, in points. */
  readonly y: number;
  readonly cells: readonly Cell[];
}

export interface PdfText {
  /** From top to bottom, page by page. */
  readonly lines: readonly Line[];
  readonly attachments: readonly { readonly filename: string; readonly content: Uint8Array }[];
}

/** Long documents are terms and time sheets: what an invoice says about itself is on the first pages. */
const TEXT_ITEMS_MAX = 20_000;

/** Reads the text of a PDF with its places, and the files embedded in it. Throws for what is no readable PDF. */
export async function readPdf(bytes: Uint8Array): Promise<PdfText> {
  const pdf = await getDocumentProxy(bytes, { verbosity: 0 });
  const embedded: Record<string, { filename: string; content: Uint8Array }> | null =
    await pdf.getAttachments();
  const { items } = await extractTextItems(pdf);
  const lines = items.flatMap((page, number) => linesOf(page.slice(0, TEXT_ITEMS_MAX), number));
  return { lines, attachments: Object.values(embedded ?? {}) };
}

interface Item {
  readonly str: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly fontSize: number;
}

function linesOf(items: readonly Item[], page: number): readonly Line[] {
  const rows: Item[][] = [];
  for (const item of items.filter(({ str }) => str.trim() !== '').sort((a, b) => b.y - a.y)) {
    const row = rows.at(-1);
    const first = row?.[0];
    if (row && first && Math.abs(first.y - item.y) < 0.4 * Math.min(first.fontSize, item.fontSize))
      row.push(item);
    else rows.push([item]);
  }
  return rows.map((row) => ({ page, y: row[0]?.y ?? 0, cells: cellsOf(row.sort((a, b) => a.x - b.x)) }));
}

/** Pieces that touch are one cell: a gap wider than a letter begins the next. */
function cellsOf(row: readonly Item[]): readonly Cell[] {
  const cells: { text: string; left: number; right: number; size: number }[] = [];
  for (const { str, x, width, fontSize } of row) {
    const last = cells.at(-1);
    const gap = last === undefined ? Number.POSITIVE_INFINITY : x - last.right;
    if (last !== undefined && gap < fontSize * 0.9) {
      last.text += gap > fontSize * 0.15 && !last.text.endsWith(' ') ? ` ${str}` : str;
      last.right = x + width;
    } else {
      cells.push({ text: str, left: x, right: x + width, size: fontSize });
    }
  }
  return cells.map((cell) => ({ ...cell, text: visible(cell.text) }));
}
