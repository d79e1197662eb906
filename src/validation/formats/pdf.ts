import { type ByteIntake, inspectInOrder } from '../byte-intake.ts';
import type { InspectorFactory } from '../gate.ts';
import { refuse } from '../refusal.ts';
import { HiddenObjects } from './pdf-hidden-objects.ts';
import { KEPT_CHARACTERS, PdfLexer, type PdfTokens } from './pdf-lexer.ts';
import { judgeObjectNumber } from './pdf-numbers.ts';
import { malformed, PdfObjects } from './pdf-objects.ts';
import { PdfRules } from './pdf-rules.ts';
import { incomplete, OBJECT_STREAMS_BYTES_MAX, passStream } from './pdf-streams.ts';

/** Judges PDF documents; see `docs/reference/validation-documents.md` for the rules and limits. */
export const pdfInspector: InspectorFactory = () => {
  const hidden = new HiddenObjects();
  const inspector = inspectInOrder((intake) => passDocument(intake, hidden));
  return {
    push(chunk) {
      hidden.watch(chunk);
      return inspector.push(chunk);
    },
    finish: () => inspector.finish(),
    close: () => inspector.close(),
  };
};

/** Bytes that are read as syntax at once. */
const PIECE_BYTES_MAX = 64 * 1024;
/** Longest comment, all of which is looked at. */
export const COMMENT_BYTES_MAX = KEPT_CHARACTERS;
/** Most white space after the last `%%EOF`, where readers still look for it. */
export const PADDING_BYTES_MAX = 1024;

async function passDocument(intake: ByteIntake, hidden: HiddenObjects): Promise<void> {
  await judgeHeader(intake);
  const rules = new PdfRules();
  const document = new DocumentSyntax(rules, hidden);
  const budget = { leftBytes: OBJECT_STREAMS_BYTES_MAX };
  const lexer = new PdfLexer(document);
  for (;;) {
    const piece = await intake.some(PIECE_BYTES_MAX);
    if (piece === undefined) break;
    const usedBytes = lexer.push(piece);
    intake.putBack(piece, piece.byteLength - usedBytes);
    const stream = document.takeStream();
    if (stream === undefined) continue;
    await passStream(intake, stream.dict, stream.object, rules, budget);
    lexer.skipTo(intake.position);
    hidden.passed(intake.position);
    document.endStream();
  }
  lexer.end();
  hidden.passed(Number.POSITIVE_INFINITY);
  document.finish(intake.position, lexer.isOpen);
  rules.finish();
}

async function judgeHeader(intake: ByteIntake): Promise<void> {
  const header = (await intake.peek(8)).toString('latin1');
  if (/^%PDF-[12]\.\d$/.test(header)) return;
  throw refuse('pdf.no_header', 'file_type_mismatch', 'The content does not begin like a PDF document.');
}

type Place = 'outside' | 'object' | 'trailer';

/** The frame of a document: objects, cross-reference tables, trailers; nothing between them but comments. */
class DocumentSyntax implements PdfTokens {
  readonly #hidden: HiddenObjects;
  readonly #objects: PdfObjects;
  #place: Place = 'outside';
  #object = 0;
  #isStream = false;
  #tableWord: 'xref' | 'startxref' | undefined;
  #hasStartXref = false;
  #hadEnd = false;
  /** Offset behind the last `%%EOF` when nothing but white space has followed. */
  #endOfFile: number | undefined;

  constructor(rules: PdfRules, hidden: HiddenObjects) {
    this.#hidden = hidden;
    this.#objects = new PdfObjects(rules);
  }

  /** The stream whose data follows, after the lexer was stopped. */
  takeStream() {
    if (!this.#isStream) return undefined;
    this.#isStream = false;
    const dict = this.#objects.top;
    if (dict === undefined || this.#objects.isNested) throw malformed();
    return { dict, object: this.#object };
  }

  endStream(): void {
    this.#objects.end(true);
    this.#place = 'outside';
  }

  finish(sizeBytes: number, isOpen: boolean): void {
    if (this.#place !== 'outside' || isOpen || !this.#hasStartXref || !this.#hadEnd) throw incomplete();
    if (this.#endOfFile === undefined || sizeBytes - this.#endOfFile > PADDING_BYTES_MAX) {
      throw refuse('pdf.trailing_data', 'suspicious_content', 'The PDF document is followed by other data.');
    }
  }

  name(text: string): void {
    this.#inside();
    this.#objects.name(text);
  }

  number(value: number): void {
    this.#endOfFile = undefined;
    if (this.#tableWord === 'startxref') this.#hasStartXref = true;
    this.#objects.number(value);
  }

  string(text: string): void {
    this.#inside();
    this.#objects.string(text);
  }

  open(kind: 'dict' | 'array'): void {
    this.#inside();
    this.#objects.open(kind);
  }

  close(kind: 'dict' | 'array'): void {
    this.#inside();
    this.#objects.close(kind);
  }

  comment(text: string, length: number, start: number): void {
    if (/<(?:script|html|iframe|svg|!doctype|\?php|\?=|%)/i.test(text)) {
      throw refuse(
        'pdf.markup',
        'suspicious_content',
        'The PDF document holds a script or web page as a comment.',
      );
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is white space in PDF.
    const isEnd = /^%%EOF[\u0000\t\f ]*$/.test(text) && this.#place === 'outside';
    if (isEnd) this.#hadEnd = true;
    this.#endOfFile = isEnd ? start + 5 : undefined;
    if (length > COMMENT_BYTES_MAX) throw garbage();
  }

  /** By tokens, not by chunks: which rule a file breaks must not depend on how it was cut. */
  passed(end: number): void {
    this.#hidden.passed(end);
  }

  keyword(text: string, start: number): boolean {
    this.#endOfFile = undefined;
    if (text.startsWith('obj')) this.#beginObject(start);
    else if (text === 'endobj') this.#endObject();
    else if (this.#place === 'object' && text === 'stream') {
      this.#isStream = true;
      return true;
    } else if (this.#place === 'object' || this.#objects.isNested) this.#objects.keyword(text);
    else this.#frameWord(text);
    return false;
  }

  #beginObject(start: number): void {
    const numbers = this.#objects.takeNumbers();
    if (numbers === undefined || this.#objects.isNested) throw malformed();
    this.#hidden.met(start);
    // A missing endobj is common; the next object ends the one before.
    if (this.#place !== 'outside') this.#endObject();
    judgeObjectNumber(numbers[0]);
    this.#place = 'object';
    this.#tableWord = undefined;
    this.#object = numbers[0];
    this.#objects.begin(numbers[0]);
  }

  #endObject(): void {
    // After a stream the object has been ended already.
    if (this.#place !== 'outside') this.#objects.end(false);
    this.#place = 'outside';
  }

  /** Words of cross-reference tables and trailers. */
  #frameWord(text: string): void {
    this.#endObject();
    if (text === 'trailer') {
      this.#place = 'trailer';
      this.#objects.begin(0);
    } else if (text === 'xref' || text === 'startxref') this.#tableWord = text;
    else if (!(this.#tableWord === 'xref' && (text === 'n' || text === 'f'))) throw garbage();
  }

  #inside(): void {
    this.#endOfFile = undefined;
    if (this.#place === 'outside') throw garbage();
  }
}

function garbage() {
  return refuse(
    'pdf.garbage',
    'suspicious_content',
    'The PDF document holds data that belongs to no object.',
  );
}
