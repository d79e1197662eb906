import { isUtf8 } from 'node:buffer';
import { leadText } from './script-leads.ts';

/** Control characters that text holds: tab, line feed, form feed, carriage return; a bit each. */
const TEXT_CONTROLS = (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13);

/** Whether no byte is a NUL or another control character that text never holds. */
export function isPrintable(bytes: Uint8Array): boolean {
  const endAt = bytes.byteLength;
  let at = Math.min(endAt, -bytes.byteOffset & 3);
  if (!isPrintableFrom(bytes, 0, at)) return false;
  // Four bytes at once: a regular expression over a string of them took three times as long.
  const wordCount = (endAt - at) >>> 2;
  if (wordCount > 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, wordCount);
    for (let index = 0; index < wordCount; index += 1) {
      if (mayHoldControl(words[index] ?? 0) && !isPrintableFrom(bytes, at + 4 * index, 4)) return false;
    }
    at += 4 * wordCount;
  }
  return isPrintableFrom(bytes, at, endAt - at);
}

function isPrintableFrom(bytes: Uint8Array, from: number, count: number): boolean {
  for (let at = from; at < from + count; at += 1) if (isControl(bytes[at])) return false;
  return true;
}

function isControl(byte = 0): boolean {
  return byte < 0x20 ? ((TEXT_CONTROLS >>> byte) & 1) === 0 : byte === 0x7f;
}

/**
 * Whether one of the four bytes of a word may be below 0x20 or 0x7f.
 *
 * @see https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
 */
function mayHoldControl(word: number): boolean {
  const deletes = word ^ 0x7f7f7f7f;
  return ((((word - 0x20202020) & ~word) | ((deletes - 0x01010101) & ~deletes)) & 0x80808080) !== 0;
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
