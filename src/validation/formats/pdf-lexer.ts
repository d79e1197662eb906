/** Receives the tokens of PDF syntax (ISO 32000-2 §7.2, §7.3), in order. Offsets count from the start of the input. */
export interface PdfTokens {
  name(text: string, start: number): void;
  number(value: number, start: number): void;
  /** The first bytes of a string, one character per byte. */
  string(text: string, start: number): void;
  /** `<<` or `[`. */
  open(kind: 'dict' | 'array', start: number): void;
  /** `>>` or `]`. */
  close(kind: 'dict' | 'array', start: number): void;
  /** The first characters of a comment, from its percent sign on, and its length. */
  comment(text: string, length: number, start: number): void;
  /** Any other word, for example `obj`. Returns true to stop the lexer behind it. */
  keyword(text: string, start: number): boolean;
  /** Called with the offset behind each token. */
  passed?(end: number): void;
}

/** Characters of a token that are kept, a percent sign or slash not counted. No token that matters is longer. */
export const KEPT_CHARACTERS = 1024;

const REGULAR = 0;
const SPACE = 1;
const DELIMITER = 2;

/** Class of each byte (ISO 32000-2 tables 1 and 2). */
const CLASS = new Uint8Array(256);
for (const byte of [0, 9, 10, 12, 13, 32]) CLASS[byte] = SPACE;
for (const character of '()<>[]{}/%') CLASS[character.charCodeAt(0)] = DELIMITER;

const PERCENT = 0x25;
const OPEN_PAREN = 0x28;
const CLOSE_PAREN = 0x29;
const SLASH = 0x2f;
const LESS = 0x3c;
const GREATER = 0x3e;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const DIGIT_ZERO = 0x30;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

type State = 'between' | 'word' | 'name' | 'string' | 'hex' | 'comment' | 'less' | 'greater';

/** Cuts bytes into tokens as they pass; holds at most the beginning of one token. */
export class PdfLexer {
  readonly #tokens: PdfTokens;
  #state: State = 'between';
  #position = 0;
  #start = 0;
  #text = '';
  #length = 0;
  #depth = 0;
  #isEscaped = false;

  constructor(tokens: PdfTokens) {
    this.#tokens = tokens;
  }

  /** Offset behind the last byte read. */
  get position(): number {
    return this.#position;
  }

  /** Tells that bytes were passed over outside of the lexer. */
  skipTo(position: number): void {
    this.#position = position;
  }

  /** Reads bytes; returns how many, which is fewer than all only when a keyword stopped it. */
  push(bytes: Buffer): number {
    const base = this.#position;
    let at = 0;
    while (at < bytes.byteLength) {
      at = this.#step(bytes, at, base);
      if (at < 0) {
        at = -at - 1;
        break;
      }
    }
    this.#position = base + at;
    return at;
  }

  /** The input is over: hands out what may end here. What may not stays open. */
  end(): void {
    if (this.#state === 'comment') this.#finishComment(this.#position);
    else if (this.#state === 'word' || this.#state === 'name') this.#finishWord(this.#position);
  }

  /** Whether the input ended within a string or another token that needs its end. */
  get isOpen(): boolean {
    return this.#state !== 'between';
  }

  /** Reads on from `at`; returns the next place, or `-place - 1` to stop there. */
  #step(bytes: Buffer, at: number, base: number): number {
    switch (this.#state) {
      case 'between':
        return this.#begin(bytes, at, base);
      case 'word':
      case 'name': {
        const end = endOfWord(bytes, at);
        this.#keep(bytes, at, end);
        if (end === bytes.byteLength) return end;
        return this.#finishWord(base + end) ? -end - 1 : end;
      }
      case 'string':
        return this.#readString(bytes, at, base);
      case 'hex': {
        const end = bytes.indexOf(GREATER, at);
        this.#keep(bytes, at, end < 0 ? bytes.byteLength : end);
        if (end < 0) return bytes.byteLength;
        this.#state = 'between';
        this.#tokens.string(decodeHex(this.#text), this.#start);
        this.#tokens.passed?.(base + end + 1);
        return end + 1;
      }
      case 'comment': {
        const end = endOfLine(bytes, at);
        this.#keep(bytes, at, end);
        if (end < bytes.byteLength) this.#finishComment(base + end);
        return end;
      }
      case 'less':
      case 'greater':
        return this.#finishAngle(bytes, at, base);
    }
  }

  #begin(bytes: Buffer, from: number, base: number): number {
    let at = from;
    while (at < bytes.byteLength && CLASS[bytes[at] ?? 0] === SPACE) at += 1;
    if (at === bytes.byteLength) return at;
    const byte = bytes[at] ?? 0;
    this.#start = base + at;
    this.#text = '';
    this.#length = 0;
    if (CLASS[byte] === REGULAR) return this.#beginWord(bytes, at, base);
    if (byte === SLASH) this.#state = 'name';
    else if (byte === PERCENT) this.#state = 'comment';
    else if (byte === LESS) this.#state = 'less';
    else if (byte === GREATER) this.#state = 'greater';
    else if (byte === OPEN_PAREN) {
      this.#state = 'string';
      this.#depth = 1;
      this.#isEscaped = false;
    } else {
      if (byte === OPEN_BRACKET) this.#tokens.open('array', this.#start);
      else if (byte === CLOSE_BRACKET) this.#tokens.close('array', this.#start);
      else this.#tokens.keyword(String.fromCharCode(byte), this.#start);
      this.#tokens.passed?.(this.#start + 1);
    }
    return at + 1;
  }

  /** Most words are whole numbers within one chunk, which need no text. */
  #beginWord(bytes: Buffer, start: number, base: number): number {
    let at = start;
    let value = 0;
    for (; at < bytes.byteLength; at += 1) {
      const digit = (bytes[at] ?? 0) - DIGIT_ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at > start && at < bytes.byteLength && CLASS[bytes[at] ?? 0] !== REGULAR) {
      this.#tokens.number(value, this.#start);
      this.#tokens.passed?.(base + at);
      return at;
    }
    this.#state = 'word';
    return start;
  }

  #finishAngle(bytes: Buffer, at: number, base: number): number {
    const isDouble = bytes[at] === (this.#state === 'less' ? LESS : GREATER);
    if (this.#state === 'less' && !isDouble) {
      this.#state = 'hex';
      return at;
    }
    const kind = this.#state;
    const end = isDouble ? at + 1 : at;
    this.#state = 'between';
    if (!isDouble) this.#tokens.keyword('>', this.#start);
    else if (kind === 'less') this.#tokens.open('dict', this.#start);
    else this.#tokens.close('dict', this.#start);
    this.#tokens.passed?.(base + end);
    return end;
  }

  #readString(bytes: Buffer, from: number, base: number): number {
    let at = from;
    for (; at < bytes.byteLength && this.#depth > 0; at += 1) {
      const byte = bytes[at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === OPEN_PAREN) this.#depth += 1;
      else if (byte === CLOSE_PAREN) this.#depth -= 1;
    }
    this.#keep(bytes, from, this.#depth === 0 ? at - 1 : at);
    if (this.#depth > 0) return at;
    this.#state = 'between';
    this.#tokens.string(decodeEscapes(this.#text), this.#start);
    this.#tokens.passed?.(base + at);
    return at;
  }

  #finishComment(end: number): void {
    this.#state = 'between';
    this.#tokens.comment(`%${this.#text}`, this.#length + 1, this.#start);
    this.#tokens.passed?.(end);
  }

  /** Returns true when a keyword asks to stop. */
  #finishWord(end: number): boolean {
    const isName = this.#state === 'name';
    this.#state = 'between';
    let isStopped = false;
    if (isName) this.#tokens.name(decodeName(this.#text), this.#start);
    else {
      // Readers end a number at the first letter and a keyword at the first digit: `0obj` and `endobj7` are two words.
      const parts = /^([+-]?\d+)([a-z].*)$/i.exec(this.#text) ?? /^(endobj|obj)(\d+)$/.exec(this.#text);
      if (parts?.[1] === undefined || parts[2] === undefined) isStopped = this.#word(this.#text, this.#start);
      else {
        this.#word(parts[1], this.#start);
        isStopped = this.#word(parts[2], this.#start + parts[1].length);
      }
    }
    this.#tokens.passed?.(end);
    return isStopped;
  }

  #word(text: string, start: number): boolean {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)) return this.#tokens.keyword(text, start);
    this.#tokens.number(Number(text), start);
    return false;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const room = KEPT_CHARACTERS - this.#text.length;
    if (room > 0) this.#text += bytes.toString('latin1', from, Math.min(to, from + room));
    this.#length += to - from;
  }
}

function endOfWord(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.byteLength && CLASS[bytes[at] ?? 0] === REGULAR) at += 1;
  return at;
}

function endOfLine(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.byteLength && bytes[at] !== LINE_FEED && bytes[at] !== CARRIAGE_RETURN) at += 1;
  return at;
}

/** `#4A` is the character with that code (ISO 32000-2 §7.3.5). */
function decodeName(text: string): string {
  return text.includes('#')
    ? text.replace(/#([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}

function decodeHex(text: string): string {
  return Buffer.from(text.replace(/[^0-9a-f]/gi, ''), 'hex').toString('latin1');
}

/** Escapes in strings (ISO 32000-2 table 3): octal codes, the rest stand for themselves or for white space. */
function decodeEscapes(text: string): string {
  return text.replace(/\\([0-7]{1,3}|\r\n?|.)/gs, (_, escaped: string) => {
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 0xff);
    if (/^[\r\n]/.test(escaped)) return '';
    return 'nrtbf'.includes(escaped) ? ' ' : escaped;
  });
}
