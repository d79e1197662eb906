import { join, noise } from './parts.ts';

/** What a TIFF image is built of; what is not said is right. */
export interface TiffPlan {
  readonly isBigEndian?: boolean;
  /** BigTIFF: 64-bit offsets. */
  readonly isBig?: boolean;
  /** Whether the first directory stands before the pixels, or at the end as most writers put it. */
  readonly directoryFirst?: boolean;
  readonly pages?: number;
  readonly width?: number;
  readonly height?: number;
  /** Strips of a page; several need lists of offsets. */
  readonly strips?: number;
  /** Bytes of zeros between the lists and the directory. */
  readonly gapBytes?: number;
  /** More fields of the first page: tag, type, value of any length. */
  readonly fields?: readonly (readonly [tag: number, type: number, value: Buffer])[];
  /** Leaves out where the pixels lie. */
  readonly isWithoutPixels?: boolean;
  readonly after?: Buffer;
}

/** A TIFF image of nothing but directories: fields by tag, type and count, whose values stand behind the last. */
export function buildPointers(
  directories: readonly (readonly (readonly [tag: number, type: number, count: number])[])[],
  isBig = false,
): Buffer {
  const writer = new TiffWriter(false, isBig);
  const ends: number[] = [];
  let end = writer.headerBytes;
  for (const fields of directories) {
    end += writer.directoryBytes(fields.length);
    ends.push(end);
  }
  const parts = directories.map((fields, index) => {
    const next = index === directories.length - 1 ? 0 : (ends[index] ?? 0);
    return writer.directory(
      fields.map(([tag, type, count]) => [tag, type, count, writer.words([end])]),
      next,
    );
  });
  return join(writer.header(writer.headerBytes), ...parts, noise(1000));
}

type Field = readonly [tag: number, type: number, count: number, value: Buffer];

/** A grey TIFF image, or several pages of it. */
export function buildTiff(plan: TiffPlan = {}): Buffer {
  const writer = new TiffWriter(plan.isBigEndian ?? false, plan.isBig ?? false);
  const { pages = 1 } = plan;
  let position = writer.headerBytes;
  const starts: number[] = [];
  const tails: ((next: number) => Buffer)[] = [];
  for (let page = 0; page < pages; page += 1) {
    const built = buildPage(writer, plan, position, page === 0 ? (plan.fields ?? []) : []);
    starts.push(built.start);
    tails.push(built.write);
    position += built.byteCount;
  }
  const parts = tails.map((write, page) => write(starts[page + 1] ?? 0));
  return join(writer.header(starts[0] ?? 0), ...parts, plan.after ?? Buffer.alloc(0));
}

/** The bytes of a directory's field list and what follows it, placed at `position`. */
function buildPage(
  writer: TiffWriter,
  plan: TiffPlan,
  position: number,
  more: NonNullable<TiffPlan['fields']>,
) {
  const { width = 8, height = 8, strips = 1, gapBytes = 0 } = plan;
  const rows = Math.min(8, height);
  const stripBytes = Math.min(8, width) * rows;
  const pixels = noise(stripBytes * strips);
  const fieldCount = (plan.isWithoutPixels ? 3 : 5) + more.length;
  const directoryBytes = writer.directoryBytes(fieldCount);
  const valuesBytes = more.reduce(
    (sum, [, , value]) => sum + (value.length > writer.wordBytes ? value.length : 0),
    0,
  );
  const listBytes = strips * writer.wordBytes * (strips === 1 || plan.isWithoutPixels ? 0 : 2);
  const start = plan.directoryFirst ? position : position + pixels.length + listBytes + gapBytes;
  const pixelsStart = plan.directoryFirst ? position + directoryBytes + valuesBytes + listBytes : position;
  const listsStart = plan.directoryFirst ? position + directoryBytes + valuesBytes : position + pixels.length;
  const offsets = writer.words(
    Array.from({ length: strips }, (_, strip) => pixelsStart + strip * stripBytes),
  );
  const sizes = writer.words(Array.from({ length: strips }, () => stripBytes));
  let valueStart = start + directoryBytes;
  const wordType = writer.wordBytes === 8 ? 16 : 4;
  const fields: Field[] = [
    [256, 4, 1, writer.u32(width)],
    [257, 4, 1, writer.u32(height)],
    [258, 3, 1, writer.u16(8)],
  ];
  if (!plan.isWithoutPixels) {
    const isInline = strips === 1;
    fields.push([273, wordType, strips, isInline ? offsets : writer.words([listsStart])]);
    fields.push([279, wordType, strips, isInline ? sizes : writer.words([listsStart + offsets.length])]);
  }
  const values: Buffer[] = [];
  for (const [tag, type, value] of more) {
    const count = value.length / ([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4][type] ?? 1);
    if (value.length <= writer.wordBytes) fields.push([tag, type, count, value]);
    else {
      fields.push([tag, type, count, writer.words([valueStart])]);
      values.push(value);
      valueStart += value.length;
    }
  }
  const lists = listBytes === 0 ? Buffer.alloc(0) : join(offsets, sizes);
  const write = (next: number) => {
    const directory = join(writer.directory(fields, next), ...values);
    return plan.directoryFirst
      ? join(directory, lists, pixels)
      : join(pixels, lists, Buffer.alloc(gapBytes), directory);
  };
  return { start, write, byteCount: write(0).length };
}

class TiffWriter {
  readonly #isBigEndian: boolean;
  readonly #isBig: boolean;

  constructor(isBigEndian: boolean, isBig: boolean) {
    this.#isBigEndian = isBigEndian;
    this.#isBig = isBig;
  }

  get wordBytes(): number {
    return this.#isBig ? 8 : 4;
  }

  get headerBytes(): number {
    return this.#isBig ? 16 : 8;
  }

  header(start: number): Buffer {
    const order = this.#isBigEndian ? 'MM' : 'II';
    if (!this.#isBig) return join(order, this.u16(42), this.u32(start));
    return join(order, this.u16(43), this.u16(8), this.u16(0), this.words([start]));
  }

  directoryBytes(fieldCount: number): number {
    return this.#isBig ? 8 + 20 * fieldCount + 8 : 2 + 12 * fieldCount + 4;
  }

  directory(fields: readonly Field[], next: number): Buffer {
    const entries = [...fields]
      .sort(([a], [b]) => a - b)
      .map(([tag, type, count, value]) =>
        join(
          this.u16(tag),
          this.u16(type),
          this.words([count]),
          value,
          Buffer.alloc(this.wordBytes - value.length),
        ),
      );
    const count = this.#isBig ? this.words([entries.length]) : this.u16(entries.length);
    return join(count, ...entries, this.words([next]));
  }

  words(values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(values.length * this.wordBytes);
    values.forEach((value, index) => {
      const at = index * this.wordBytes;
      if (this.#isBig && this.#isBigEndian) bytes.writeBigUInt64BE(BigInt(value), at);
      else if (this.#isBig) bytes.writeBigUInt64LE(BigInt(value), at);
      else if (this.#isBigEndian) bytes.writeUInt32BE(value, at);
      else bytes.writeUInt32LE(value, at);
    });
    return bytes;
  }

  u16(value: number): Buffer {
    const bytes = Buffer.alloc(2);
    if (this.#isBigEndian) bytes.writeUInt16BE(value);
    else bytes.writeUInt16LE(value);
    return bytes;
  }

  u32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    if (this.#isBigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  }
}
