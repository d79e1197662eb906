import { freshName } from './digest.ts';

/** One part of a form: a field, or a file when it has a name. */
export interface FormPart {
  readonly name: string;
  readonly value: string | Blob;
  readonly filename?: string;
  readonly mediaType?: string;
}

/**
 * A form of known size whose files are read as it is sent (RFC 7578).
 *
 * @returns the body, without a type of its own, and the type to send with it.
 */
export function formOf(parts: readonly FormPart[]): { readonly body: Blob; readonly contentType: string } {
  const boundary = `stowage-${freshName()}`;
  const pieces = parts.flatMap(({ name, value, filename, mediaType }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`,
    filename === undefined ? '' : `; filename="${escaped(filename)}"`,
    mediaType === undefined ? '' : `\r\nContent-Type: ${mediaType.replace(/[\r\n]/g, '')}`,
    '\r\n\r\n',
    value,
    '\r\n',
  ]);
  return {
    body: new Blob([...pieces, `--${boundary}--\r\n`]),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}

/** As browsers write names (HTML, "multipart/form-data encoding algorithm"). */
function escaped(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}
