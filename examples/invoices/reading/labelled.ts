import { plain } from './dates.ts';
import type { Label } from './labels.ts';
import type { Cell, Line } from './page-lines.ts';

/** A value beside or below what announces it. */
export interface Labelled<Value> {
  readonly value: Value;
  readonly confidence: number;
}

/** How far below its label a value may stand, in lines of the label's size. */
const BELOW_MAX = 3;

/**
 * Finds values by their labels: behind it in the same cell, in the next one, or in the one below.
 *
 * @param read takes the value from the beginning of a text; undefined when it begins with none.
 * @param others what makes a label that of something else.
 * @returns the best first.
 */
export function findLabelled<Value>(
  lines: readonly Line[],
  {
    labels,
    others,
    read,
  }: {
    readonly labels: readonly Label[];
    readonly others: RegExp;
    readonly read: (text: string) => Value | undefined;
  },
): readonly Labelled<Value>[] {
  const found: Labelled<Value>[] = [];
  for (const [index, line] of lines.entries()) {
    for (const [column, cell] of line.cells.entries()) {
      const text = plain(cell.text);
      for (const { words, confidence } of labels) {
        const match = words.exec(text);
        if (match === null) continue;
        const end = match.index + match[0].length;
        // "Due date", and "date of delivery" as well.
        const around = text.slice(Math.max(0, match.index - 14), end + 14);
        const rest = cell.text.slice(end).replace(/^[\s:.#№°º-]+/, '');
        const beside = line.cells[column + 1]?.text ?? '';
        if (
          others.test(
            `${around.slice(0, match.index)} ${match[0]} ${rest === '' ? '' : text.slice(end, end + 14)}`,
          )
        )
          break;
        const places: readonly (readonly [string, number])[] = [
          [rest, 1],
          [rest === '' || rest.length < 4 ? beside.replace(/^[\s:.#-]+/, '') : '', 0.98],
          [rest === '' ? below(lines, index, cell) : '', 0.93],
        ];
        const hit = places
          .map(([place, factor]) => ({ value: read(place), confidence: confidence * factor }))
          .find(({ value }) => value !== undefined);
        if (hit?.value !== undefined) found.push({ value: hit.value, confidence: hit.confidence });
        break;
      }
    }
  }
  return found.sort((a, b) => b.confidence - a.confidence);
}

/** The nearest text under a cell. */
export function below(lines: readonly Line[], index: number, { left, right, size }: Cell): string {
  const line = lines[index];
  if (line === undefined) return '';
  for (const next of lines.slice(index + 1)) {
    if (next.page !== line.page || line.y - next.y > BELOW_MAX * size) return '';
    const under = next.cells.find((cell) => cell.left < right && cell.right > left);
    if (under !== undefined) return under.text;
  }
  return '';
}
