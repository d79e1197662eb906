import { StowageError } from '../core/errors.ts';

const NUL = '\u0000';

/** Text as PostgreSQL can hold it: NUL and lone surrogates become U+FFFD. A log entry is never lost for its text. */
export function storableText(text: string): string {
  return (text.isWellFormed() ? text : text.toWellFormed()).replaceAll(NUL, '\ufffd');
}

/** {@link storableText} for what may be absent. */
export function storableTextOrNull(text: string | null): string | null {
  return text === null ? null : storableText(text);
}

/**
 * JSON as PostgreSQL can hold it.
 *
 * @throws StowageError `invalid_parameter` when a string in it has a NUL or a lone surrogate.
 */
export function assertStorableJson(value: unknown, parameter: string): void {
  const text = JSON.stringify(value) ?? 'null';
  // Cheap first: escapes of this kind are rare, and an escaped backslash before "u0000" only looks like one.
  if (!/\\u(?:0000|d[89a-f])/i.test(text)) return;
  JSON.parse(text, (key: string, inner: unknown) => {
    for (const part of [key, inner]) {
      if (typeof part === 'string' && (part.includes(NUL) || !part.isWellFormed())) {
        throw new StowageError(
          'invalid_parameter',
          `The ${parameter} contains a character that can't be stored.`,
          {
            fields: { parameter },
          },
        );
      }
    }
    return inner;
  });
}
