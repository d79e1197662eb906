import { isUtf8 } from 'node:buffer';

/**
 * Kinds of text that the head may be the beginning of, most likely first; empty when it is no text.
 *
 * @param lead its `leadText`.
 * @param isText whether it holds no control character that text never holds.
 */
export function textTypes(head: Buffer, lead: string, isText: boolean): string[] {
  const isMarkedUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (isMarkedUtf16) return lead.startsWith('<') ? ['application/xml'] : [];
  if (!isText) return [];
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
