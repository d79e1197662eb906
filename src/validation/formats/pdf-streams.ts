import { MIB } from '../../core/bytes.ts';
import type { ByteIntake, ByteSink } from '../byte-intake.ts';
import { Inflation } from '../inflation.ts';
import { refuse } from '../refusal.ts';
import { PdfLexer } from './pdf-lexer.ts';
import { judgeObjectNumber } from './pdf-numbers.ts';
import { type PdfDict, PdfObjects, type PdfValue, tokensOf } from './pdf-objects.ts';
import { embeddedFile, type PdfRules } from './pdf-rules.ts';
import { judgeEmbeddedXml, XML_BYTES_MAX } from './pdf-xml.ts';

/** Largest unpacked object stream. */
export const OBJECT_STREAM_BYTES_MAX = 32 * MIB;
/** Most bytes that all object streams of a document unpack to. */
export const OBJECT_STREAMS_BYTES_MAX = 256 * MIB;
/** Most objects in one object stream. */
export const OBJECT_STREAM_OBJECTS_MAX = 100_000;

const END_OF_STREAM = Buffer.from('endstream', 'latin1');

/** Unpacked bytes left for the object streams of a document. */
export interface UnpackingBudget {
  leftBytes: number;
}

/**
 * Reads the data of a stream object up to `endstream`. Streams that hold objects are unpacked and judged like the
 * rest of the document, embedded files are read whole, everything else (pages, pictures, fonts) passes unseen.
 */
export async function passStream(
  intake: ByteIntake,
  dict: PdfDict,
  object: number,
  rules: PdfRules,
  budget: UnpackingBudget,
): Promise<void> {
  await skipLineEnd(intake);
  if (holdsObjects(dict)) return passObjectStream(intake, dict, rules, budget);
  if (isNamed(dict.values.get('Type'), 'EmbeddedFile')) return passEmbeddedFile(intake, dict, object, rules);
  await seekEnd(intake, () => {});
}

/** Readers take a stream for one of objects by its keys `N` and `First`, whatever its type says. */
function holdsObjects({ values }: PdfDict): boolean {
  return isNamed(values.get('Type'), 'ObjStm') || (values.has('N') && values.has('First'));
}

async function passObjectStream(
  intake: ByteIntake,
  dict: PdfDict,
  rules: PdfRules,
  budget: UnpackingBudget,
): Promise<void> {
  const content = new ObjectStream(dict, rules);
  let leftBytes = Math.min(OBJECT_STREAM_BYTES_MAX, budget.leftBytes);
  await passUnpacked(intake, dict, (bytes) => {
    leftBytes -= bytes.byteLength;
    budget.leftBytes -= bytes.byteLength;
    if (leftBytes < 0) {
      throw refuse(
        'pdf.object_stream_too_large',
        'suspicious_content',
        'The PDF document unpacks to far too much.',
      );
    }
    content.push(bytes);
  });
  content.finish();
}

async function passEmbeddedFile(
  intake: ByteIntake,
  dict: PdfDict,
  object: number,
  rules: PdfRules,
): Promise<void> {
  const subtype = dict.values.get('Subtype');
  if (!isNamed(subtype, 'text/xml') && !isNamed(subtype, 'application/xml')) throw embeddedFile();
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  await passUnpacked(intake, dict, (bytes) => {
    sizeBytes += bytes.byteLength;
    if (sizeBytes > XML_BYTES_MAX) throw embeddedFile();
    pieces.push(Buffer.from(bytes));
  });
  judgeEmbeddedXml(Buffer.concat(pieces));
  rules.checkedXml(object);
}

async function passUnpacked(intake: ByteIntake, dict: PdfDict, sink: ByteSink): Promise<void> {
  const filter = filterOf(dict);
  if (filter === 'none') return seekEnd(intake, sink);
  const inflation = new Inflation('zlib', sink);
  try {
    await seekEnd(intake, async (bytes) => {
      await inflation.push(bytes);
    });
    await inflation.end();
  } catch (error) {
    throw error instanceof Error && 'code' in error && /^Z_/.test(String(error.code)) ? unreadable() : error;
  } finally {
    inflation.close();
  }
}

/** How the data is packed. What can't be unpacked here, or is said in two ways, can't be judged. */
function filterOf({ values, hasDuplicates }: PdfDict): 'none' | 'flate' {
  if (hasDuplicates) throw unreadable();
  const parameters = single(values.get('DecodeParms') ?? values.get('DP'));
  const predictor = parameters?.kind === 'dict' ? parameters.dict.values.get('Predictor') : undefined;
  const isPlain =
    parameters === undefined ||
    parameters.kind === 'other' ||
    (parameters.kind === 'dict' &&
      (predictor === undefined || (predictor.kind === 'number' && predictor.value === 1)));
  if (!isPlain || values.has('F')) throw unreadable();
  if (values.get('Filter') === undefined) return 'none';
  const filter = single(values.get('Filter'));
  if (filter === undefined) return 'none';
  if (!isNamed(filter, 'FlateDecode') && !isNamed(filter, 'Fl')) throw unreadable();
  return 'flate';
}

/** The value, or the only item of an array. */
function single(value: PdfValue | undefined): PdfValue | undefined {
  if (value?.kind !== 'array') return value;
  if (value.items.length > 1) throw unreadable();
  return value.items[0];
}

/** The content of an object stream (ISO 32000-2 §7.5.7): pairs of object number and offset, then the objects. */
class ObjectStream {
  readonly #objects: PdfObjects;
  readonly #lexer: PdfLexer;
  readonly #first: number;
  readonly #count: number;
  readonly #table: number[] = [];
  /** Objects by their offset, in order; ready when the table is. */
  #starts: { readonly object: number; readonly offset: number }[] = [];
  #next = 0;
  #tokenEnd = 0;
  #isBegun = false;

  constructor({ values }: PdfDict, rules: PdfRules) {
    this.#first = wholeNumber(values.get('First'), Number.MAX_SAFE_INTEGER);
    this.#count = wholeNumber(values.get('N'), OBJECT_STREAM_OBJECTS_MAX);
    this.#objects = new PdfObjects(rules);
    const tokens = tokensOf(this.#objects, (start) => this.#topToken(start));
    this.#lexer = new PdfLexer({
      ...tokens,
      number: (value, start) => {
        if (this.#table.length < 2 * this.#count) this.#table.push(value);
        else tokens.number(value, start);
      },
      passed: (end) => {
        this.#tokenEnd = end;
      },
    });
  }

  push(bytes: Buffer): void {
    this.#lexer.push(bytes);
  }

  finish(): void {
    this.#lexer.end();
    if (this.#lexer.isOpen || this.#objects.isNested) throw wrongTable();
    if (this.#table.length < 2 * this.#count) throw wrongTable();
    this.#openTable();
    this.#reach(Number.POSITIVE_INFINITY);
    this.#endObject();
  }

  /** A token outside of all brackets: here an object may begin. */
  #topToken(start: number): void {
    if (this.#table.length < 2 * this.#count) throw wrongTable();
    this.#openTable();
    this.#reach(start);
  }

  #openTable(): void {
    if (this.#starts.length > 0) return;
    for (let index = 0; index < this.#count; index += 1) {
      const object = this.#table[2 * index] ?? -1;
      const offset = (this.#table[2 * index + 1] ?? -1) + this.#first;
      judgeObjectNumber(object);
      this.#starts.push({ object, offset });
    }
    this.#starts.sort((one, other) => one.offset - other.offset);
  }

  /**
   * Begins the object at this token. One whose offset lies inside of a token or brackets, or of the table itself, would not be
   * seen; and of two that begin here readers would find the same in both, where one would be taken for empty.
   */
  #reach(start: number): void {
    const next = this.#starts[this.#next];
    if (next === undefined || next.offset > start) return;
    if (next.offset < this.#tokenEnd) throw wrongTable();
    this.#endObject();
    this.#objects.begin(next.object);
    this.#isBegun = true;
    this.#next += 1;
    const other = this.#starts[this.#next];
    if (other !== undefined && other.offset <= start) throw wrongTable();
  }

  #endObject(): void {
    if (this.#isBegun) this.#objects.end(false);
    this.#isBegun = false;
  }
}

function wholeNumber(value: PdfValue | undefined, max: number): number {
  const isRight =
    value?.kind === 'number' && Number.isInteger(value.value) && value.value >= 0 && value.value <= max;
  if (!isRight) throw wrongTable();
  return value.value;
}

async function skipLineEnd(intake: ByteIntake): Promise<void> {
  const next = Buffer.from(await intake.peek(2));
  if (next[0] === 13 && next[1] === 10) await intake.take(2);
  else if (next[0] === 10 || next[0] === 13) await intake.take(1);
}

async function seekEnd(intake: ByteIntake, sink: ByteSink): Promise<void> {
  if (!(await intake.seek({ needle: END_OF_STREAM }, sink))) throw incomplete();
  await intake.take(END_OF_STREAM.byteLength);
}

function isNamed(value: PdfValue | undefined, name: string): boolean {
  return value?.kind === 'name' && value.text === name;
}

/** The file ends within an object. */
export function incomplete() {
  return refuse('pdf.incomplete', 'file_type_mismatch', 'The PDF document is incomplete.', {
    detected: 'application/pdf',
  });
}

function unreadable() {
  return refuse(
    'pdf.stream_unreadable',
    'suspicious_content',
    'The PDF document packs objects in a way that can’t be checked.',
  );
}

function wrongTable() {
  return refuse(
    'pdf.object_stream_table',
    'suspicious_content',
    'The PDF document holds a list of objects that does not agree with them.',
  );
}
