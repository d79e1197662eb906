import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { BytePieces } from '../core/byte-pieces.ts';
import type { ByteStream } from '../core/bytes.ts';
import { KIB, MIB } from '../core/bytes.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { openBody } from './body-source.ts';
import { type PartHeaders, parseFormBoundary, parsePartHeaders } from './form-headers.ts';
import { FormScanner } from './form-scanner.ts';

/** One part of a form: a field with its value, or a file whose bytes are still arriving. */
export type FormPart =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'file';
      readonly fieldName: string;
      /** As the client gave it; `''` when no file was chosen. The gate judges it. */
      readonly filename: string;
      /** The Content-Type of the part as sent; null when absent. */
      readonly mediaType: string | null;
      /** The Repr-Digest of the part as sent; null when absent. */
      readonly reprDigest: string | null;
      /** To be read before the next part is asked for; what is left then is skipped. */
      readonly body: ByteStream;
    };

/** The bounds of a form. */
export interface FormLimits {
  /** Most bytes of the whole body. */
  readonly bodyBytesMax: number;
  readonly partsMax: number;
  readonly fieldsMax: number;
  readonly fieldNameCharactersMax: number;
  readonly fieldBytesMax: number;
  readonly headerBytesMax: number;
  /** Most bytes before the first boundary, and after the last. */
  readonly outsideBytesMax: number;
  /** Most bytes of a file that are skipped because nobody read them. */
  readonly skippedBytesMax: number;
}

/** The bounds that hold unless others are given; the body's own is the caller's to know. */
export const FORM_LIMITS = {
  partsMax: 100,
  fieldsMax: 64,
  fieldNameCharactersMax: 128,
  fieldBytesMax: 64 * KIB,
  headerBytesMax: 16 * KIB,
  outsideBytesMax: 16 * KIB,
  skippedBytesMax: MIB,
} as const satisfies Omit<FormLimits, 'bodyBytesMax'>;

/** A form being read, part by part. */
export interface Form extends AsyncIterableIterator<FormPart, undefined> {
  /** Lowers the bound of the whole body, once more is known about what it may hold. */
  limitBody(bodyBytesMax: number): void;
  /** Stops reading: what is being read fails with the error. The rest of the body stays unread. */
  close(error: StowageError): void;
}

/** What a form is read by. */
export interface FormOptions {
  readonly limits: Pick<FormLimits, 'bodyBytesMax'> & Partial<FormLimits>;
  /** Sees every chunk of the body as it arrives, for a digest of the whole. */
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/**
 * Reads a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1) as it arrives, without copying it. Nothing is read
 * ahead of what is asked for but a bounded buffer, so a slow consumer holds the sender back. Parts end with the
 * body's end: a form is complete only when the iteration ends without an error.
 *
 * @throws StowageError at once: `unsupported_media_type`, `malformed_request` (no boundary). While reading:
 *   `malformed_request`, `request_too_large`, `aborted` when the connection broke.
 */
export function parseForm(
  body: Readable | AsyncIterable<Uint8Array>,
  contentType: string | null,
  options: FormOptions,
): Form {
  const boundary = parseFormBoundary(contentType);
  const limits = { ...FORM_LIMITS, ...options.limits };
  const { bodyBytesMax } = limits;
  return new FormReader(
    new FormScanner(openBody(body), boundary, bodyBytesMax, limits, options.onChunk),
    limits,
  );
}

class FormReader implements Form {
  readonly #scanner: FormScanner;
  readonly #limits: FormLimits;
  #place: 'preamble' | 'parts' | 'end' = 'preamble';
  #parts = 0;
  #fields = 0;
  #file: FileBody | undefined;

  constructor(scanner: FormScanner, limits: FormLimits) {
    this.#scanner = scanner;
    this.#limits = limits;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  limitBody(bodyBytesMax: number): void {
    this.#scanner.limitBody(bodyBytesMax);
  }

  close(error: StowageError): void {
    this.#scanner.fail(error);
  }

  async return(): Promise<IteratorResult<FormPart, undefined>> {
    this.#scanner.fail(new StowageError('aborted', 'The form is not read any further.'));
    return { done: true, value: undefined };
  }

  async next(): Promise<IteratorResult<FormPart, undefined>> {
    if (this.#place === 'end') return { done: true, value: undefined };
    if (this.#place === 'preamble') await this.#scanner.skipPreamble();
    else await this.#file?.skip(this.#limits.skippedBytesMax);
    this.#file = undefined;
    const follows = this.#scanner.passBoundary();
    if (follows instanceof Promise ? await follows : follows) {
      const part = this.#readPart();
      return { done: false, value: part instanceof Promise ? await part : part };
    }
    await this.#scanner.skipEpilogue();
    this.#place = 'end';
    return { done: true, value: undefined };
  }

  #readPart(): FormPart | Promise<FormPart> {
    const { partsMax } = this.#limits;
    this.#place = 'parts';
    this.#parts += 1;
    if (this.#parts > partsMax) throw this.#scanner.malformed(`The form has more than ${partsMax} parts.`);
    const block = this.#scanner.readHeaderBlock();
    return block instanceof Promise ? block.then((arrived) => this.#partOf(arrived)) : this.#partOf(block);
  }

  #partOf(block: Buffer): FormPart | Promise<FormPart> {
    const { fieldsMax, fieldNameCharactersMax } = this.#limits;
    const { name, filename, mediaType, reprDigest } = this.#parseHeaders(block);
    if (name.length > fieldNameCharactersMax) {
      throw this.#scanner.malformed(
        `The name of a part is longer than ${fieldNameCharactersMax} characters.`,
      );
    }
    if (filename !== null) {
      this.#file = new FileBody(this.#scanner);
      return { kind: 'file', fieldName: name, filename, mediaType, reprDigest, body: this.#file };
    }
    this.#fields += 1;
    if (this.#fields > fieldsMax)
      throw this.#scanner.malformed(`The form has more than ${fieldsMax} fields.`);
    const value = this.#readField(name);
    if (value instanceof Promise) return value.then((arrived) => ({ kind: 'field', name, value: arrived }));
    return { kind: 'field', name, value };
  }

  #parseHeaders(block: Buffer): PartHeaders {
    try {
      return parsePartHeaders(block);
    } catch (error) {
      throw isStowageError(error) ? this.#scanner.fail(error) : error;
    }
  }

  #readField(name: string): string | Promise<string> {
    const value = new BytePieces();
    for (let piece = this.#scanner.readPiece(); piece !== null; piece = this.#scanner.readPiece()) {
      if (piece instanceof Promise) return this.#waitForField(name, value, piece);
      this.#gather(name, value, piece);
    }
    return this.#textOf(value);
  }

  async #waitForField(name: string, value: BytePieces, coming: Promise<Buffer | null>): Promise<string> {
    for (let piece = await coming; piece !== null; piece = await this.#scanner.readPiece())
      this.#gather(name, value, piece);
    return this.#textOf(value);
  }

  /** Refuses what is too large with the piece that makes it so: a client that sends no more would be waited for. */
  #gather(name: string, value: BytePieces, piece: Buffer): void {
    const { fieldBytesMax } = this.#limits;
    value.push(piece);
    if (value.sizeBytes <= fieldBytesMax) return;
    const fields = { parameter: name, limit_bytes: fieldBytesMax };
    throw this.#scanner.fail(new StowageError('request_too_large', 'A field is too large.', { fields }));
  }

  #textOf(bytes: BytePieces): string {
    const pieces = bytes.takeAll();
    const value = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    if (!isUtf8(value)) throw this.#scanner.malformed('The value of a field is not UTF-8.');
    return value.toString('utf8');
  }
}

/** The bytes of one file. An iterator by hand: a generator would cost two promises more for each chunk. */
class FileBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #scanner: FormScanner;
  #state: 'reading' | 'ended' | 'passed' = 'reading';

  constructor(scanner: FormScanner) {
    this.#scanner = scanner;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === 'passed')
      return Promise.reject(new Error('A file of a form was read after its turn.'));
    if (this.#state === 'ended') return Promise.resolve({ done: true, value: undefined });
    const pulled = this.#scanner.readPiece();
    if (pulled instanceof Promise) return pulled.then((piece) => this.#step(piece));
    return Promise.resolve(this.#step(pulled));
  }

  #step(piece: Buffer | null): IteratorResult<Uint8Array, undefined> {
    if (piece !== null) return { done: false, value: piece };
    this.#state = 'ended';
    return { done: true, value: undefined };
  }

  /** Whoever stops early leaves the rest to {@link skip}. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    return { done: true, value: undefined };
  }

  async skip(skippedBytesMax: number): Promise<void> {
    let skippedBytes = 0;
    for (let next = await this.next(); !next.done; next = await this.next()) {
      skippedBytes += next.value.byteLength;
      if (skippedBytes > skippedBytesMax) throw this.#scanner.malformed('A file of the form is not wanted.');
    }
    this.#state = 'passed';
  }
}
