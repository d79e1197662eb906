import { isUtf8 } from 'node:buffer';
import { leadText } from './script-leads.ts';

/** Whether no byte is a NUL or another control character that text never holds. */
export function isPrintable(bytes: Uint8Array): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
  return !/[\u0000-\u0008\u000b\u000e-\u001f\u007f]/.test(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
  );
}

/** Kinds of text that the head may be the beginning of, most likely first; empty when it is no text. */
export function textTypes(head: Buffer): string[] {
  const lead = leadText(head);
  const isMarkedUtf16 = /^(?:\u00ff\u00fe|\u00fe\u00ff)/.test(head.toString('latin1', 0, 2));
  if (isMarkedUtf16) return lead.startsWith('<') ? ['application/xml'] : [];
  if (!isPrintable(head)) return [];
  // An XML document may be in Latin-1 or Windows-1252: it says so itself.
  if (/^<(?:\?|!doctype\s)/i.test(lead)) return ['application/xml'];
  if (!isUtf8(withoutCutCharacter(head))) return [];
  if (/^\{\\rtf/.test(lead)) return ['application/rtf'];
  if (/^%!PS/.test(lead)) return ['application/postscript'];
  const plain = ['text/plain', 'text/markdown', 'text/csv'];
  return /^<[a-z_][\w.:-]*[\s/>]/i.test(lead) ? [...plain, 'application/xml'] : plain;
}

/** The bytes without a UTF-8 character at their end that is cut off: at most three bytes less. */
export function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const characterBytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return characterBytes > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
