import { refuse } from '../refusal.ts';
import {
  brokenXml,
  judgeAttributes,
  judgeElementName,
  judgeReferences,
  parseTag,
  REFERENCE_CHARACTERS_MAX,
} from './xml-tag.ts';

/** A tag that is all here: what is outside and inside of quotes in turn, so that it never backtracks. */
const WHOLE_TAG = /^[^"'>]*(?:(?:"[^"]*"|'[^']*')[^"'>]*)*>/;

const DEPTH_MAX = 256;
/** Longest tag with its attributes, in characters. */
const TAG_CHARACTERS_MAX = 64 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const FORBIDDEN_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** What the reader is in the middle of, with what ends it. */
type Passage = { readonly end: '-->' | ']]>' | '?>'; readonly kind: 'comment' | 'cdata' | 'instruction' };

/** Judges a document whose text comes in pieces; holds one tag and the names of the open elements. */
export class XmlReader {
  #pending = '';
  #isStarted = false;
  #passage: Passage | undefined;
  readonly #open: string[] = [];
  #hasRoot = false;
  /** How far the tag at the start of `#pending` has been looked through, and the quote that is open there. */
  #tagAt = 0;
  #quote = '';

  push(text: string): void {
    if (FORBIDDEN_CHARACTERS.test(text))
      throw brokenXml('xml.control_character', 'holds characters that XML forbids');
    this.#pending += text;
    if (!this.#isStarted && !this.#start()) return;
    while (this.#pending !== '' && this.#step());
  }

  /** Judges the end of the document. */
  finish(): void {
    const isWhole = this.#hasRoot && this.#open.length === 0 && this.#passage === undefined;
    if (!isWhole || this.#pending.trim() !== '')
      throw brokenXml('xml.incomplete', 'is not a complete XML document');
  }

  /** Passes over the declaration, which may only stand at the very start. */
  #start(): boolean {
    if ('<?xml '.startsWith(this.#pending.slice(0, 6)) && this.#pending.length < 6) return false;
    if (/^<\?xml\s/.test(this.#pending)) {
      const end = this.#pending.indexOf('?>');
      if (end < 0 && this.#pending.length < 256) return false;
      if (end < 0 || end > 254) throw malformed();
      this.#pending = this.#pending.slice(end + 2);
    }
    this.#isStarted = true;
    return true;
  }

  /** Reads one piece of the document; false when more text is needed. */
  #step(): boolean {
    if (this.#passage !== undefined) return this.#passOver(this.#passage);
    return this.#pending.startsWith('<') ? this.#readMarkup() : this.#readText();
  }

  #passOver({ end, kind }: Passage): boolean {
    const at = this.#pending.indexOf(end);
    // XML 1.0 §2.5: `--` only ends a comment.
    const dashes = kind === 'comment' ? this.#pending.indexOf('--') : -1;
    if (dashes >= 0 && dashes + 2 < this.#pending.length && dashes !== at) throw malformed();
    if (at < 0) {
      this.#pending = this.#pending.slice(-(end.length - 1));
      return false;
    }
    this.#pending = this.#pending.slice(at + end.length);
    this.#passage = undefined;
    return true;
  }

  #readText(): boolean {
    const at = this.#pending.indexOf('<');
    let text = at < 0 ? this.#pending : this.#pending.slice(0, at);
    // A reference or `]]>` may be cut off at the end of what is here.
    if (at < 0) {
      const ampersand = text.lastIndexOf('&');
      const isCut = ampersand > text.length - REFERENCE_CHARACTERS_MAX && !text.includes(';', ampersand);
      text = ampersand >= 0 && isCut ? text.slice(0, ampersand) : text.replace(/\]{1,2}$/, '');
    }
    this.#judgeText(text);
    this.#pending = this.#pending.slice(text.length);
    return at >= 0;
  }

  #judgeText(text: string): void {
    if (this.#open.length === 0 ? text.trim() !== '' : text.includes(']]>')) throw malformed();
    judgeReferences(text);
  }

  #readMarkup(): boolean {
    const text = this.#pending;
    if (!/^<(?:$|!|\?)/.test(text)) return this.#readTag();
    if (text.length < 9 && !text.includes('>')) return false;
    if (text.startsWith('<!--')) return this.#enter(4, { end: '-->', kind: 'comment' });
    if (text.startsWith('<![CDATA[')) {
      if (this.#open.length === 0) throw malformed();
      return this.#enter(9, { end: ']]>', kind: 'cdata' });
    }
    if (text.startsWith('<?')) return this.#readInstruction();
    if (/^<!doctype/i.test(text)) {
      throw refuse(
        'xml.doctype',
        'suspicious_content',
        'The XML document declares a document type, which can define entities.',
      );
    }
    return this.#readTag();
  }

  #enter(length: number, passage: Passage): boolean {
    this.#pending = this.#pending.slice(length);
    this.#passage = passage;
    return true;
  }

  #readInstruction(): boolean {
    // As long as fits into the text that is waited for: the verdict must not depend on how the bytes come.
    const target = /^<\?([^\s?>]{0,254})[\s?>]/.exec(this.#pending)?.[1];
    if (target === undefined) {
      if (this.#pending.length > 256) throw malformed();
      return false;
    }
    if (/^(?:xml-stylesheet|php|=)/i.test(target)) {
      throw refuse(
        'xml.instruction',
        'suspicious_content',
        'The XML document has an instruction to run or to style it.',
      );
    }
    if (target === '' || /^xml$/i.test(target)) throw malformed();
    return this.#enter(2, { end: '?>', kind: 'instruction' });
  }

  #readTag(): boolean {
    const end = this.#findTagEnd();
    if (end > TAG_CHARACTERS_MAX || (end < 0 && this.#pending.length > TAG_CHARACTERS_MAX)) {
      throw brokenXml('xml.tag_too_long', 'has an XML tag that is too long');
    }
    if (end < 0) return false;
    const text = this.#pending.slice(0, end + 1);
    this.#pending = this.#pending.slice(end + 1);
    if (!text.startsWith('</')) this.#openElement(text);
    else if (text.slice(2, -1).trimEnd() !== this.#open.pop()) throw malformed();
    return true;
  }

  #openElement(text: string): void {
    const tag = parseTag(text);
    if (tag === undefined) throw malformed();
    if (this.#open.length === 0 && this.#hasRoot) throw malformed();
    this.#hasRoot = true;
    judgeElementName(tag.name);
    judgeAttributes(tag.attributes);
    if (tag.isEmpty) return;
    this.#open.push(tag.name);
    if (this.#open.length > DEPTH_MAX) {
      throw refuse('xml.too_deep', 'suspicious_content', 'The XML document nests its elements too deep.');
    }
  }

  /** The `>` that ends the tag, outside of quotes; goes on where it stopped, so a tag in pieces costs no more. */
  #findTagEnd(): number {
    const whole = this.#tagAt === 0 ? WHOLE_TAG.exec(this.#pending) : null;
    if (whole !== null) return whole[0].length - 1;
    for (; this.#tagAt < this.#pending.length; this.#tagAt += 1) {
      const character = this.#pending[this.#tagAt] ?? '';
      if (this.#quote !== '') {
        if (character === this.#quote) this.#quote = '';
      } else if (character === '"' || character === "'") this.#quote = character;
      else if (character === '>') {
        const end = this.#tagAt;
        this.#tagAt = 0;
        return end;
      }
    }
    return -1;
  }
}

function malformed() {
  return brokenXml('xml.malformed', 'is not a well-formed XML document');
}
