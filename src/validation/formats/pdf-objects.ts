import { refuse } from '../refusal.ts';
import type { PdfTokens } from './pdf-lexer.ts';

/** A value in a dictionary, as far as the rules care. */
export type PdfValue =
  | { readonly kind: 'name' | 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'reference'; readonly object: number }
  | { readonly kind: 'dict'; readonly dict: PdfDict }
  | { readonly kind: 'array'; readonly items: readonly PdfValue[] }
  | { readonly kind: 'other' };

/** A dictionary: the values that the rules ask for. */
export interface PdfDict {
  readonly values: ReadonlyMap<string, PdfValue>;
  /** Whether a key that the rules ask for is there twice: readers disagree on which counts. */
  readonly hasDuplicates: boolean;
  /** The key it stands under; undefined in an array or at the top. */
  readonly role: string | undefined;
  /** 1 for the object itself. */
  readonly depth: number;
  /** Whether it lies below a key whose actions run without a click. */
  readonly isAutomatic: boolean;
}

/** Judges what the objects hold, each as soon as it is complete. */
export interface PdfObjectRules {
  /** Every name, as key or value. */
  name(name: string, isKey: boolean): void;
  /** A dictionary of an object, or of a trailer (object 0), inner ones first. */
  dict(dict: PdfDict, object: number): void;
  /** An object ends; `dict` when it is one, `isStream` when data follows. */
  object(object: number, dict: PdfDict | undefined, isStream: boolean): void;
  /** A reference below a key whose actions run without a click. */
  automaticReference(object: number): void;
}

/** Deepest nesting of arrays and dictionaries. */
const NESTING_MAX = 128;
/** Items of an array that are kept. */
const KEPT_ITEMS = 16;
/** Keys whose values the rules ask for. */
const KEPT_KEYS: ReadonlySet<string> = new Set(
  'Type Subtype S F UF EF Filter DecodeParms DP Predictor First N'.split(' '),
);
/** Keys whose actions run when the document or a page opens, closes or is touched. */
const AUTOMATIC_KEYS: ReadonlySet<string> = new Set(['OpenAction', 'AA']);
const OTHER: PdfValue = { kind: 'other' };
const NO_VALUES: ReadonlyMap<string, PdfValue> = new Map();
const NO_ITEMS: PdfValue[] = [];

interface Frame {
  readonly kind: 'dict' | 'array';
  readonly role: string | undefined;
  readonly isAutomatic: boolean;
  /** Most dictionaries hold nothing that is kept. */
  values: Map<string, PdfValue> | undefined;
  readonly items: PdfValue[];
  hasDuplicates: boolean;
  /** The key that waits for its value. */
  key: string | undefined;
  /** The key that got the last value. */
  lastKey: string | undefined;
}

/** Builds dictionaries from tokens, in bounded memory, and shows them to the rules. */
export class PdfObjects {
  readonly #rules: PdfObjectRules;
  readonly #stack: Frame[] = [];
  #object = 0;
  #top: PdfDict | undefined;
  /** The last two number tokens in a row: `7 0 R`, `7 0 obj`. */
  #first: number | undefined;
  #second: number | undefined;

  constructor(rules: PdfObjectRules) {
    this.#rules = rules;
  }

  get isNested(): boolean {
    return this.#stack.length > 0;
  }

  /** The dictionary that the object consists of so far. */
  get top(): PdfDict | undefined {
    return this.#top;
  }

  /** @param object its number; 0 for a trailer. */
  begin(object: number): void {
    this.#object = object;
    this.#top = undefined;
    this.#forgetNumbers();
  }

  end(isStream: boolean): void {
    if (this.#stack.length > 0) throw malformed();
    this.#rules.object(this.#object, this.#top, isStream);
    this.#top = undefined;
  }

  /** The two numbers right before an `obj` or `R`, which they are used up by. */
  takeNumbers(): readonly [number, number] | undefined {
    const first = this.#first;
    const second = this.#second;
    this.#forgetNumbers();
    return first === undefined || second === undefined ? undefined : [first, second];
  }

  name(text: string): void {
    this.#forgetNumbers();
    const frame = this.#stack.at(-1);
    const isKey = frame?.kind === 'dict' && frame.key === undefined;
    this.#rules.name(text, isKey);
    if (!isKey) {
      this.#value({ kind: 'name', text });
      return;
    }
    frame.key = text;
    if (KEPT_KEYS.has(text) && frame.values?.has(text)) frame.hasDuplicates = true;
  }

  number(value: number): void {
    this.#first = this.#second;
    this.#second = value;
    const frame = this.#stack.at(-1);
    // At the place of a key a number can only be the generation of a reference.
    if (frame?.kind === 'dict' && frame.key === undefined) return;
    this.#value({ kind: 'number', value });
  }

  string(text: string): void {
    this.#forgetNumbers();
    this.#value({ kind: 'string', text });
  }

  open(kind: 'dict' | 'array'): void {
    this.#forgetNumbers();
    if (this.#stack.length === NESTING_MAX) {
      throw refuse('pdf.too_deep', 'suspicious_content', 'The document nests its objects too deep.');
    }
    const parent = this.#stack.at(-1);
    const role = parent?.kind === 'dict' ? parent.key : undefined;
    this.#stack.push({
      kind,
      role,
      isAutomatic: parent?.isAutomatic === true || AUTOMATIC_KEYS.has(role ?? ''),
      values: undefined,
      items: kind === 'array' ? [] : NO_ITEMS,
      hasDuplicates: false,
      key: undefined,
      lastKey: undefined,
    });
  }

  close(kind: 'dict' | 'array'): void {
    this.#forgetNumbers();
    const depth = this.#stack.length;
    const frame = this.#stack.pop();
    if (frame?.kind !== kind) throw malformed();
    if (kind === 'array') {
      this.#value({ kind, items: frame.items });
      return;
    }
    const { values = NO_VALUES, hasDuplicates, role, isAutomatic } = frame;
    const dict: PdfDict = { values, hasDuplicates, role, depth, isAutomatic };
    this.#rules.dict(dict, this.#object);
    if (depth === 1) this.#top = dict;
    else this.#value({ kind, dict });
  }

  keyword(text: string): void {
    if (text === 'R') this.#reference();
    else {
      this.#forgetNumbers();
      this.#value(OTHER);
    }
  }

  #forgetNumbers(): void {
    this.#first = undefined;
    this.#second = undefined;
  }

  #reference(): void {
    const numbers = this.takeNumbers();
    const frame = this.#stack.at(-1);
    if (numbers === undefined || frame === undefined) return;
    const value: PdfValue = { kind: 'reference', object: numbers[0] };
    const key = frame.kind === 'dict' ? frame.lastKey : undefined;
    if (frame.isAutomatic || AUTOMATIC_KEYS.has(key ?? '')) this.#rules.automaticReference(numbers[0]);
    if (key !== undefined) this.#set(frame, key, value);
    else if (frame.items.length < KEPT_ITEMS) frame.items.splice(-2, 2, value);
  }

  #value(value: PdfValue): void {
    const frame = this.#stack.at(-1);
    if (frame === undefined) return;
    if (frame.kind === 'array') {
      if (frame.items.length < KEPT_ITEMS) frame.items.push(value);
      return;
    }
    if (frame.key === undefined) return;
    this.#set(frame, frame.key, value);
    frame.lastKey = frame.key;
    frame.key = undefined;
  }

  #set(frame: Frame, key: string, value: PdfValue): void {
    // The files behind /EF stand under keys of their own, which are few.
    if (!KEPT_KEYS.has(key) && (frame.role !== 'EF' || (frame.values?.size ?? 0) >= KEPT_ITEMS)) return;
    frame.values ??= new Map();
    frame.values.set(key, value);
  }
}

/**
 * Tokens for objects alone, as in an object stream, where nothing else may be.
 *
 * @param watchStart called with the offset of each token outside of all brackets, before it is read.
 */
export function tokensOf(objects: PdfObjects, watchStart: (start: number) => void): PdfTokens {
  const first = <T>(read: (value: T) => void) => {
    return (value: T, start: number) => {
      if (!objects.isNested) watchStart(start);
      read(value);
    };
  };
  const keyword = first((text: string) => objects.keyword(text));
  return {
    name: first((text: string) => objects.name(text)),
    number: first((value: number) => objects.number(value)),
    string: first((text: string) => objects.string(text)),
    open: first((kind: 'dict' | 'array') => objects.open(kind)),
    close: (kind) => objects.close(kind),
    comment: () => {},
    keyword: (text, start) => {
      keyword(text, start);
      return false;
    },
  };
}

/** Brackets that do not match: readers would disagree on what the objects are. */
export function malformed() {
  return refuse('pdf.malformed', 'file_type_mismatch', 'The objects of the PDF document are malformed.', {
    detected: 'application/pdf',
  });
}
