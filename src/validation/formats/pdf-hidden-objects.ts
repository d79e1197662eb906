import { refuse } from '../refusal.ts';

/**
 * Finds objects where a reader that follows the cross-reference table could find them, but one that reads the document
 * in order does not: inside the data of a stream, a string or a comment. Everything that looks like the beginning of
 * an object (`7 0 obj`) must also be met as one.
 */
export class HiddenObjects {
  /** Offsets of `obj` words that were seen and not met yet; a chunk's worth at most. */
  #seen: number[] = [];
  #position = 0;
  #tail: Buffer = Buffer.alloc(0);

  /** Looks at the next bytes of the file, before they are read as objects. */
  watch(chunk: Uint8Array): void {
    const window = Buffer.concat([this.#tail, chunk]);
    const base = this.#position - this.#tail.byteLength;
    const searchedBytes = Math.max(0, this.#tail.byteLength - OBJ.byteLength);
    for (let at = window.indexOf(OBJ, searchedBytes); at >= 0; at = window.indexOf(OBJ, at + 1)) {
      // Cut by the chunk's end: looked at with the next one.
      if (at + OBJ.byteLength >= window.byteLength) break;
      if (isObjectStart(window, at)) this.#seen.push(base + at);
    }
    this.#position += chunk.byteLength;
    this.#tail = Buffer.from(window.subarray(-LOOK_BACK_BYTES - OBJ.byteLength));
  }

  /** An object was read whose word `obj` is at this offset. */
  met(offset: number): void {
    this.passed(offset);
    if (this.#seen[0] === offset) this.#seen.shift();
  }

  /** Everything before this offset has been read. */
  passed(offset: number): void {
    const first = this.#seen[0];
    if (first === undefined || first >= offset) return;
    throw refuse(
      'pdf.hidden_object',
      'suspicious_content',
      'The PDF document hides an object inside of another one.',
    );
  }
}

const OBJ = Buffer.from('obj', 'latin1');
const LOOK_BACK_BYTES = 64;

/** White space and comments. */
const GAP = '(?:[\\0\\t\\n\\f\\r ]|%[^\\r\\n]*[\\r\\n])';
/** Two numbers before the word; or, when the look back ends first, a gap without end. */
const NUMBERS_BEFORE = new RegExp(`(?:(?:^|\\d)${GAP}+\\d{1,10}${GAP}*|^${GAP}+)$`);
/** What may follow the word: white space, a delimiter or a digit. */
const AFTER = /^[\0\t\n\f\r ()<>[\]{}/%\d+-]/;

function isObjectStart(window: Buffer, at: number): boolean {
  const before = window[at - 1];
  // A quick no for `endobj` and for most bytes by chance.
  if (before === undefined || !(before <= 0x20 || (before >= 0x30 && before <= 0x39))) return false;
  return (
    AFTER.test(window.toString('latin1', at + OBJ.byteLength, at + OBJ.byteLength + 1)) &&
    NUMBERS_BEFORE.test(window.toString('latin1', Math.max(0, at - LOOK_BACK_BYTES), at))
  );
}
