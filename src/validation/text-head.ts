import { isUtf8 } from 'node:buffer';

/** Control characters that text holds: tab, line feed, form feed, carriage return; a bit each. */
const TEXT_CONTROLS = (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13);

/** For each two bytes: 1 when one of them is no text. Half the time of looking at four bytes by arithmetic. */
const HOLDS_CONTROL = Uint8Array.from({ length: 0x1_0000 }, (_, pair) =>
  isControl(pair & 0xff) || isControl(pair >>> 8) ? 1 : 0,
);

/** Whether no byte is a NUL or another control character that text never holds. */
export function isPrintable(bytes: Uint8Array): boolean {
  const count = bytes.byteLength;
  if (count === 0) return true;
  // Pairs begin at even addresses: a byte before and one behind them may be left over.
  const from = bytes.byteOffset & 1;
  const pairCount = (count - from) >>> 1;
  const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + from, pairCount);
  let found = 0;
  for (let index = 0; index < pairCount; index += 1) found |= HOLDS_CONTROL[pairs[index] ?? 0] ?? 0;
  return found === 0 && !isControl(bytes[0]) && !isControl(bytes[count - 1]);
}

function isControl(byte = 0x20): boolean {
  return byte < 0x20 ? ((TEXT_CONTROLS >>> byte) & 1) === 0 : byte === 0x7f;
}

/**
 * Kinds of text that the head may be the beginning of, most likely first; empty when it is no text.
 *
 * @param lead its `leadText`.
 * @param isText whether it {@link isPrintable}.
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
