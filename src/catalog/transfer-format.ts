import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * An export is one file: a line that names the format, then frames, each a letter, a length (4 bytes, big-endian) and as
 * many bytes.
 *
 * - `H` header, JSON: format, what made it, the migrations of the database it came from, the tables in order
 * - `T` a table begins, JSON: name and columns
 * - `D` a piece of that table, as PostgreSQL's COPY writes text
 * - `E` the table ends, JSON: rows
 * - `Z` the end: SHA-256 of everything before this frame
 */
export const MAGIC = Buffer.from('stowage-catalog-export-1\n');
export type FrameKind = 'H' | 'T' | 'D' | 'E' | 'Z';
/** Longest frame that is read; an export writes pieces of at most 64 KiB or one row. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;
const FRAME_HEAD_BYTES = 5;

/** One frame of an export. */
export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

/** The file is no export, or not all of one. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
}

/** Writes frames to a stream, no faster than it takes them. */
export class FrameWriter {
  readonly #output: Writable;
  readonly #hash: Hash = createHash('sha256');

  constructor(output: Writable) {
    this.#output = output;
  }

  async start(): Promise<void> {
    await this.#write(MAGIC);
  }

  async frame(kind: FrameKind, payload: Buffer): Promise<void> {
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    head.write(kind, 0, 'latin1');
    head.writeUInt32BE(payload.byteLength, 1);
    await this.#write(Buffer.concat([head, payload]));
  }

  async json(kind: FrameKind, value: object): Promise<void> {
    await this.frame(kind, Buffer.from(JSON.stringify(value)));
  }

  /** Writes the checksum; the stream itself is left open to its owner. */
  async end(): Promise<void> {
    await this.frame('Z', this.#hash.copy().digest());
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    if (this.#output.errored !== null) throw this.#output.errored;
    if (!this.#output.write(bytes)) await once(this.#output, 'drain');
  }
}

/**
 * Reads the frames of an export; the last one only after its checksum has proved right.
 *
 * @throws TransferError when the bytes are no export, or damaged, or end early.
 */
export async function* readFrames(input: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const hash = createHash('sha256');
  const source = new ByteReader(input);
  const magic = await source.read(MAGIC.byteLength);
  if (!magic.equals(MAGIC)) throw new TransferError('This is no export of a Stowage catalog.');
  hash.update(magic);
  for (;;) {
    const head = await source.read(FRAME_HEAD_BYTES);
    const kind = head.toString('latin1', 0, 1);
    const length = head.readUInt32BE(1);
    if (!isFrameKind(kind) || length > FRAME_BYTES_MAX) throw new TransferError('The export is damaged.');
    const payload = await source.read(length);
    if (kind === 'Z') {
      if (!payload.equals(hash.digest()))
        throw new TransferError('The export is damaged: its checksum is wrong.');
      if (!(await source.isAtEnd()))
        throw new TransferError('The export is damaged: something follows its end.');
      yield { kind, payload };
      return;
    }
    hash.update(head).update(payload);
    yield { kind, payload };
  }
}

function isFrameKind(text: string): text is FrameKind {
  return text === 'H' || text === 'T' || text === 'D' || text === 'E' || text === 'Z';
}

class ByteReader {
  readonly #input: AsyncIterator<Uint8Array>;
  #pieces: Uint8Array[] = [];
  #available = 0;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Buffer> {
    while (this.#available < length) {
      if (!(await this.#pull())) throw new TransferError('The export ends early.');
    }
    const all = this.#pieces.length === 1 && this.#pieces[0] ? this.#pieces[0] : Buffer.concat(this.#pieces);
    const bytes = Buffer.from(all.buffer, all.byteOffset, all.byteLength);
    this.#pieces = bytes.byteLength > length ? [bytes.subarray(length)] : [];
    this.#available -= length;
    return bytes.subarray(0, length);
  }

  async isAtEnd(): Promise<boolean> {
    return this.#available === 0 && !(await this.#pull());
  }

  async #pull(): Promise<boolean> {
    const next = await this.#input.next();
    if (next.done === true) return false;
    this.#pieces.push(next.value);
    this.#available += next.value.byteLength;
    return true;
  }
}
