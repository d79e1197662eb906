import { StowageError } from '../core/errors.ts';
import type { BodySource } from './body-source.ts';

/** The bounds that the grammar of a form is read by. */
export interface ScanLimits {
  /** Most bytes of the header block of one part, and of the padding behind a boundary. */
  readonly headerBytesMax: number;
  /** Most bytes before the first boundary, and after the last. */
  readonly outsideBytesMax: number;
}

/**
 * Finds the boundaries of a form in the chunks as they arrive (RFC 2046 §5.1.1). What it hands out are views of those
 * chunks, except where a boundary or a header block lies across two of them. After an error every call fails with it.
 */
export class FormScanner {
  readonly #source: BodySource;
  readonly #limits: ScanLimits;
  readonly #onChunk: ((chunk: Uint8Array) => void) | undefined;
  /** What ends a part: line end, two dashes, boundary. Its only CR is its first byte. */
  readonly #delimiter: Buffer;
  /** The same without the line end. */
  readonly #line: Buffer;
  /** Bytes that arrived and are not parsed yet. */
  #window: Buffer = NOTHING;
  #bodyBytesMax: number;
  #seenBytes = 0;
  #error: StowageError | undefined;

  constructor(
    source: BodySource,
    boundary: string,
    bodyBytesMax: number,
    limits: ScanLimits,
    onChunk: ((chunk: Uint8Array) => void) | undefined,
  ) {
    this.#source = source;
    this.#limits = limits;
    this.#bodyBytesMax = bodyBytesMax;
    this.#onChunk = onChunk;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
    this.#line = this.#delimiter.subarray(2);
  }

  limitBody(bodyBytesMax: number): void {
    this.#bodyBytesMax = Math.min(this.#bodyBytesMax, bodyBytesMax);
    if (this.#seenBytes > this.#bodyBytesMax) throw this.fail(requestTooLarge(this.#bodyBytesMax));
  }

  /** Stops for good. @returns the error that counts: the first one. */
  fail(error: StowageError): StowageError {
    if (this.#error === undefined) {
      this.#error = error;
      this.#window = NOTHING;
      this.#source.close(error);
    }
    return this.#error;
  }

  /** Skips what comes before the first boundary. The start of the body counts as the start of a line. */
  async skipPreamble(): Promise<void> {
    const first = this.#line;
    while (this.#window.length < first.length) await this.#more();
    if (this.#window.subarray(0, first.length).equals(first)) {
      this.#window = this.#window.subarray(first.length);
      return;
    }
    let skippedBytes = 0;
    for (let piece = await this.readPiece(); piece !== null; piece = await this.readPiece()) {
      skippedBytes += piece.length;
      if (skippedBytes > this.#limits.outsideBytesMax) throw this.malformed('The form has no boundary line.');
    }
  }

  /**
   * Reads what stands behind a boundary. This and the next two answer at once when all of it is there, as it is in a small
   * form: a promise for each of its pieces costs more than parsing it.
   *
   * @returns whether a part follows; if not, the form has ended.
   */
  passBoundary(): boolean | Promise<boolean> {
    if (this.#window.length < 2 || this.#window[0] !== CR || this.#window[1] !== LF)
      return this.#passPadding();
    this.#window = this.#window.subarray(2);
    return true;
  }

  async #passPadding(): Promise<boolean> {
    while (this.#window.length < 2) await this.#more();
    if (this.#window[0] === DASH && this.#window[1] === DASH) return false;
    for (let at = 0; at <= this.#limits.headerBytesMax; at += 1) {
      while (this.#window.length < at + 2) await this.#more();
      const byte = this.#window[at];
      if (byte === CR && this.#window[at + 1] === LF) {
        this.#window = this.#window.subarray(at + 2);
        return true;
      }
      if (byte !== SPACE && byte !== TAB) break;
    }
    throw this.malformed('A boundary line of the form is malformed.');
  }

  /** The header block of a part, without the empty line that ends it. */
  readHeaderBlock(): Buffer | Promise<Buffer> {
    const end = this.#window.indexOf(HEADERS_END);
    if (end < 0 || this.#window.length - end - HEADERS_END.length < this.#line.length)
      return this.#waitForHeaderBlock();
    const block = this.#takeHeaderBlock(end);
    this.#refuseBoundary();
    return block;
  }

  async #waitForHeaderBlock(): Promise<Buffer> {
    const { headerBytesMax } = this.#limits;
    let end = this.#window.indexOf(HEADERS_END);
    while (end < 0 && this.#window.length <= headerBytesMax) {
      // The end may lie across the chunks: its first three bytes can be here already.
      const from = Math.max(0, this.#window.length - HEADERS_END.length + 1);
      await this.#more();
      end = this.#window.indexOf(HEADERS_END, from);
    }
    const block = this.#takeHeaderBlock(end);
    while (this.#window.length < this.#line.length && this.#line.indexOf(this.#window) === 0)
      await this.#more();
    this.#refuseBoundary();
    return block;
  }

  #takeHeaderBlock(end: number): Buffer {
    if (end < 0 || end > this.#limits.headerBytesMax)
      throw this.malformed('The headers of a part are too long.');
    const block = this.#window.subarray(0, end);
    this.#window = this.#window.subarray(end + HEADERS_END.length);
    return block;
  }

  /** Content that begins with the boundary has two readings: some parsers see a part without content and go on. */
  #refuseBoundary(): void {
    const line = this.#line;
    if (this.#window.length < line.length || this.#window.compare(line, 0, line.length, 0, line.length) !== 0)
      return;
    throw this.malformed('The content of a part begins with the boundary.');
  }

  /** The next bytes of the part's content, never empty; null when its boundary has been reached and passed. */
  readPiece(): Buffer | null | Promise<Buffer | null> {
    const piece = this.#takePiece();
    return piece === undefined ? this.#waitForPiece() : piece;
  }

  /**
   * Skips what follows the last boundary, to the end of the body: only then it is known that nothing was cut. A boundary
   * there has two readings, for some parsers go on.
   */
  async skipEpilogue(): Promise<void> {
    for (;;) {
      if (this.#window.length > this.#limits.outsideBytesMax || this.#window.includes(this.#delimiter)) {
        throw this.malformed('The form goes on after its last boundary.');
      }
      const pulled = this.#pull();
      const chunk = pulled instanceof Promise ? await pulled : pulled;
      if (chunk === null) return;
      this.#count(chunk);
      this.#window = this.#window.length === 0 ? chunk : Buffer.concat([this.#window, chunk]);
    }
  }

  malformed(message: string): StowageError {
    return this.fail(new StowageError('malformed_request', message));
  }

  async #waitForPiece(): Promise<Buffer | null> {
    for (;;) {
      await this.#more();
      const piece = this.#takePiece();
      if (piece !== undefined) return piece;
    }
  }

  /** Undefined when nothing can be said before more has arrived. */
  #takePiece(): Buffer | null | undefined {
    const window = this.#window;
    if (window.length === 0) return undefined;
    const at = window.indexOf(this.#delimiter);
    if (at === 0) {
      this.#window = window.subarray(this.#delimiter.length);
      return null;
    }
    const end = at > 0 ? at : this.#startOfDelimiter(window);
    if (end === 0) return undefined;
    this.#window = window.subarray(end);
    return window.subarray(0, end);
  }

  /** Where the window ends in what may be the start of a delimiter; its length when it does not. */
  #startOfDelimiter(window: Buffer): number {
    if (window.indexOf(CR, Math.max(0, window.length - this.#delimiter.length + 1)) < 0) return window.length;
    // Only the last CR can start it, for a delimiter has no second one.
    const at = window.lastIndexOf(CR);
    return this.#delimiter.compare(window, at, window.length, 0, window.length - at) === 0
      ? at
      : window.length;
  }

  async #more(): Promise<void> {
    const pulled = this.#pull();
    const chunk = pulled instanceof Promise ? await pulled : pulled;
    if (chunk === null) throw this.malformed('The form ends before its last boundary.');
    this.#count(chunk);
    this.#window = this.#window.length === 0 ? chunk : Buffer.concat([this.#window, chunk]);
  }

  #pull(): Buffer | null | Promise<Buffer | null> {
    if (this.#error !== undefined) throw this.#error;
    return this.#source.pull();
  }

  #count(chunk: Buffer): void {
    this.#seenBytes += chunk.length;
    if (this.#seenBytes > this.#bodyBytesMax) throw this.fail(requestTooLarge(this.#bodyBytesMax));
    this.#onChunk?.(chunk);
  }
}

/** The refusal of a body that is longer than all that it may hold. */
export function requestTooLarge(limitBytes: number): StowageError {
  return new StowageError('request_too_large', `The request is larger than ${limitBytes} bytes.`, {
    fields: { limit_bytes: limitBytes },
  });
}

const HEADERS_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const DASH = 45;
const SPACE = 32;
const TAB = 9;
