import { StowageError } from '../core/errors.ts';

/** The last row of a page: the next one starts after it. */
export interface Position {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** What tells rows of the same millisecond apart. */
  readonly id: string;
}

/** The end of the year 9999, which both JavaScript and PostgreSQL can write. */
const AT_MS_MAX = 253_402_300_799_999;

/** A position as clients carry it: opaque, safe in a URL. It grants nothing: the page is filtered all the same. */
export function encodeCursor(position: Position): string {
  return Buffer.from(`${position.atMs}.${position.id}`).toString('base64url');
}

/**
 * Reads a cursor of {@link encodeCursor}.
 *
 * @param idPattern the form that ids have here.
 * @throws StowageError `invalid_parameter` for any text that is not one.
 */
export function decodeCursor(cursor: string, idPattern: RegExp): Position {
  const text = cursor.length <= 128 ? Buffer.from(cursor, 'base64url').toString('latin1') : '';
  const match = /^(\d{1,16})\.([0-9a-f-]{1,36})$/.exec(text);
  const atMs = Number(match?.[1]);
  const id = match?.[2] ?? '';
  const position = { atMs, id };
  if (atMs <= AT_MS_MAX && idPattern.test(id) && encodeCursor(position) === cursor) return position;
  throw new StowageError('invalid_parameter', 'The cursor is not one that a page of this list returned.', {
    fields: { parameter: 'cursor' },
  });
}
