import { refuse } from '../refusal.ts';

/** Longest name of an entry, in bytes. */
export const ENTRY_NAME_BYTES_MAX = 1024;

/** The name of an entry that passed the rules. */
export interface EntryName {
  /** As stored, for the comparison of the two headers. */
  readonly bytes: Buffer;
  /** As text, without what has no meaning (`./`, doubled slashes, the slash at the end), in Unicode NFC. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Extension in lower case as Windows sees it (dots and spaces at the end do not count); may be empty. */
  readonly extension: string;
}

/**
 * Judges the name of an entry: whoever unpacks the archive must end up with files below the folder they chose.
 *
 * @throws StowageError `suspicious_content`.
 */
export function judgeEntryName(bytes: Buffer): EntryName {
  if (bytes.byteLength > ENTRY_NAME_BYTES_MAX) {
    throw broken('zip.entry_name_too_long', 'whose name is too long');
  }
  const text = decodeName(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
  if (/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/.test(text)) {
    throw broken('zip.entry_name_control', 'whose name contains control characters');
  }
  if (text.includes('\\')) throw broken('zip.entry_name_backslash', 'whose name contains a backslash');
  if (/^(?:\/|[a-z]:)/i.test(text)) throw broken('zip.entry_absolute', 'with an absolute path');
  const segments = text.split('/').filter((segment) => segment !== '' && segment !== '.');
  // Windows drops dots and spaces at the end of a segment: ".. " climbs there as well.
  if (segments.some((segment) => /^\.[. ]*$/.test(segment))) {
    throw broken('zip.entry_climbs', 'whose path leads out of the archive');
  }
  const path = segments.join('/').normalize('NFC');
  if (path === '' && !text.endsWith('/')) throw broken('zip.entry_name_empty', 'without a name');
  return { bytes, path, isDirectory: text.endsWith('/'), extension: extensionOf(segments.at(-1) ?? '') };
}

function broken(rule: string, what: string) {
  return refuse(rule, 'suspicious_content', `The archive holds an entry ${what}.`);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 when it is, else one character per byte: what the rules look for is ASCII in every old code page. */
function decodeName(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

function extensionOf(segment: string): string {
  const match = /\.([^.]*)$/.exec(segment.replace(/[. ]+$/, ''));
  return match?.[1]?.toLowerCase() ?? '';
}
