import { MIB } from '../../core/bytes.ts';
import type { Inspector } from '../gate.ts';
import { refuse } from '../refusal.ts';

/** Longest part that is read whole: the list of content types and the relationships. */
export const READ_PART_BYTES_MAX = 4 * MIB;

/**
 * Watches an XML part of any length: no document type, which could pull in or multiply entities, and an encoding that
 * the rules understand.
 */
export function watchXml(): Inspector {
  return readXmlText(() => {});
}

/**
 * Collects an XML part and gives its text to `read` at its end.
 *
 * @throws StowageError `suspicious_content` when it is longer than {@link READ_PART_BYTES_MAX}.
 */
export function collectXml(read: (xml: string) => void): Inspector {
  const pieces: string[] = [];
  let textLength = 0;
  const watch = readXmlText((text) => {
    textLength += text.length;
    if (textLength > READ_PART_BYTES_MAX) {
      throw refuse('ooxml.part_too_large', 'suspicious_content', 'A list in the document is far too long.');
    }
    pieces.push(text);
  });
  return {
    push: watch.push,
    async finish() {
      await watch.finish();
      read(pieces.join(''));
    },
    close: watch.close,
  };
}

/** Longest opening of a part that the XML declaration is looked for in. */
const LEAD_CHARACTERS = 200;
const DOCTYPE = '<!DOCTYPE';

/** Decodes an XML part as it passes (XML 1.0 appendix F: byte order mark, else UTF-8) and refuses what no part may hold. */
export function readXmlText(read: (text: string) => void): Inspector {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let lead = '';
  let tail = '';
  let first = Buffer.alloc(0);
  const pass = (text: string) => {
    if (lead.length < LEAD_CHARACTERS) {
      lead = (lead + text).slice(0, LEAD_CHARACTERS);
      judgeEncoding(lead);
    }
    if (text.includes('\0')) throw wrongEncoding();
    if (text.includes(DOCTYPE) || (tail + text.slice(0, DOCTYPE.length)).includes(DOCTYPE)) {
      throw refuse('ooxml.doctype', 'suspicious_content', 'The document declares its own XML entities.');
    }
    tail = (tail + text).slice(-DOCTYPE.length);
    read(text);
  };
  const decode = (bytes: Uint8Array, stream: boolean) => {
    decoder ??= new TextDecoder(encodingOf(first));
    pass(decoder.decode(bytes, { stream }));
  };
  return {
    push(chunk) {
      if (decoder !== undefined) return decode(chunk, true);
      first = Buffer.concat([first, chunk]);
      if (first.byteLength >= 2) decode(first, true);
    },
    finish() {
      if (decoder === undefined) decode(first, true);
      decode(Buffer.alloc(0), false);
    },
    close() {},
  };
}

function encodingOf(first: Buffer): string {
  if (first[0] === 0xff && first[1] === 0xfe) return 'utf-16le';
  if (first[0] === 0xfe && first[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

function judgeEncoding(lead: string): void {
  const declared = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']/.exec(lead)?.[1];
  if (declared !== undefined && !/^(?:utf-?8|utf-?16(?:[bl]e)?|us-ascii)$/i.test(declared)) {
    throw wrongEncoding();
  }
}

function wrongEncoding() {
  return refuse('ooxml.encoding', 'suspicious_content', 'A part of the document is not UTF-8 or UTF-16.');
}

/** Attributes of every element with the local name, whatever its prefix, entities decoded. */
export function* elementsNamed(xml: string, localName: string): Generator<ReadonlyMap<string, string>> {
  const tag = new RegExp(`<(?:[\\w.-]+:)?${localName}(?=[\\s/>])((?:[^<>"']|"[^"]*"|'[^']*')*)>`, 'g');
  for (const match of xml.matchAll(tag)) {
    const attributes = new Map<string, string>();
    for (const [, name, quoted] of (match[1] ?? '').matchAll(/([\w.:-]+)\s*=\s*("[^"]*"|'[^']*')/g)) {
      if (name !== undefined && quoted !== undefined)
        attributes.set(name, decodeEntities(quoted.slice(1, -1)));
    }
    yield attributes;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Replaces the five named entities and character references. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
