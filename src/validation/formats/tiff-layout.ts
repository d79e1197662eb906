import { judgeImageSize } from '../image-size.ts';
import { refuseLead } from '../leads.ts';
import { refuse } from '../refusal.ts';

/** A part of the file that must be read to know the rest. */
export interface TiffRegion {
  readonly start: number;
  readonly byteCount: number;
  /** Whether the file can't be judged without it. */
  readonly isNeeded: boolean;
  readonly read: (bytes: Buffer) => void;
}

const DIRECTORIES_MAX = 1024;
const FIELDS_MAX = 512;
/** Pieces that are read, and their bytes, in the whole file; a scan of a thousand pages has fewer. */
const REGIONS_MAX = 16_384;
const NEEDED_BYTES_MAX = 32 * 1024 * 1024;
/** Metadata that is searched, in the whole file; each piece at most as large as one segment of a JPEG. */
const SEARCHED_BYTES_MAX = 16 * 1024 * 1024;
const SEARCHED_PIECE_BYTES_MAX = 64 * 1024;

/** TIFF 6.0 §2 and the BigTIFF extension: bytes of a value, by the number of its type. */
const VALUE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
const TAGS = { width: 256, height: 257 } as const;
/** Exif, GPS and interoperability directories, and those of thumbnails. */
const DIRECTORY_TAGS: readonly number[] = [330, 34665, 34853, 40965];
/** Where picture data lies, by the tag of its offsets: the tag of its sizes. Strips, tiles, the old JPEG way. */
const DATA_TAGS: Readonly<Record<number, number>> = { 273: 279, 324: 325, 513: 514 };
const SIZE_TAGS: readonly number[] = Object.values(DATA_TAGS);

/** What a TIFF image's directories say about where everything lies. */
export class TiffLayout {
  /** Where the last thing that any directory points to ends. */
  endPosition: number;
  readonly #isLittle: boolean;
  readonly #isBig: boolean;
  readonly #regions: TiffRegion[] = [];
  readonly #directories = new Set<number>();
  #hasPicture = false;
  #regionCount = 0;
  #neededBytes = 0;
  #searchedBytes = 0;

  /** @param header what follows the first four bytes, up to and with the place of the first directory. */
  constructor(isLittle: boolean, isBig: boolean, header: Buffer) {
    this.#isLittle = isLittle;
    this.#isBig = isBig;
    this.endPosition = 4 + header.length;
    this.#addDirectory(this.#word(header, isBig ? 4 : 0));
  }

  /** The region nearest to the beginning that has not been read; undefined when all have. */
  nextRegion(): TiffRegion | undefined {
    let nearest = 0;
    this.#regions.forEach(({ start }, index) => {
      if (start < (this.#regions[nearest]?.start ?? 0)) nearest = index;
    });
    return this.#regions.splice(nearest, 1)[0];
  }

  /** Judges the whole, after the last region. */
  judge(): void {
    if (!this.#hasPicture) throw brokenTiff('tiff.no_image_data', 'is a TIFF image without a picture');
  }

  #addDirectory(start: number): void {
    if (this.#directories.has(start))
      throw brokenTiff('tiff.directory_loop', 'is a TIFF image whose directories form a loop');
    this.#directories.add(start);
    if (this.#directories.size > DIRECTORIES_MAX) throw tooMuch();
    const countBytes = this.#isBig ? 8 : 2;
    this.#need(start, countBytes, (bytes) => {
      const fieldCount = this.#isBig ? this.#word(bytes, 0) : this.#u16(bytes, 0);
      if (fieldCount < 1 || fieldCount > FIELDS_MAX) {
        throw brokenTiff('tiff.directory_size', 'is a TIFF image with a list of impossible length');
      }
      const fieldsBytes = fieldCount * this.#fieldBytes;
      this.#need(start + countBytes, fieldsBytes + this.#wordBytes, (fields) => {
        this.#readFields(fields.subarray(0, fieldsBytes));
        const nextStart = this.#word(fields, fieldsBytes);
        if (nextStart !== 0) this.#addDirectory(nextStart);
      });
    });
  }

  #readFields(fields: Buffer): void {
    const values = new Map<number, number[]>();
    const whenPaired = () => this.#addData(values);
    const size = new Map<number, number>();
    for (let at = 0; at < fields.length; at += this.#fieldBytes) {
      const tag = this.#u16(fields, at);
      const read = this.#readerOf(tag, values, size, whenPaired);
      this.#readField(fields.subarray(at, at + this.#fieldBytes), read);
    }
    const [width, height] = [size.get(TAGS.width), size.get(TAGS.height)];
    if (width !== undefined && height !== undefined) judgeImageSize(width, height);
  }

  /** What is done with the values of a field; undefined for those whose values mean nothing here. */
  #readerOf(
    tag: number,
    values: Map<number, number[]>,
    size: Map<number, number>,
    whenPaired: () => void,
  ): ((numbers: number[]) => void) | undefined {
    if (tag === TAGS.width || tag === TAGS.height) return ([number]) => size.set(tag, number ?? 0);
    if (DIRECTORY_TAGS.includes(tag)) {
      return (starts) => {
        for (const start of starts) this.#addDirectory(start);
      };
    }
    if (!(tag in DATA_TAGS) && !SIZE_TAGS.includes(tag)) return undefined;
    return (numbers) => {
      values.set(tag, numbers);
      whenPaired();
    };
  }

  #addData(values: Map<number, number[]>): void {
    for (const [offsetsTag, sizesTag] of Object.entries(DATA_TAGS)) {
      const offsets = values.get(Number(offsetsTag));
      const sizes = values.get(sizesTag);
      if (offsets === undefined || sizes === undefined) continue;
      this.#hasPicture = true;
      for (const [index, offset] of offsets.entries()) this.#reach(offset + (sizes[index] ?? 0));
      values.delete(sizesTag);
    }
  }

  #readField(field: Buffer, read: ((numbers: number[]) => void) | undefined): void {
    const type = this.#u16(field, 2);
    const count = this.#word(field, 4);
    const valueBytes = VALUE_BYTES[type] ?? 0;
    if (valueBytes === 0) throw brokenTiff('tiff.field', 'is a TIFF image with a field of an unknown kind');
    const byteCount = count * valueBytes;
    const inline = field.subarray(4 + this.#wordBytes);
    if (byteCount <= this.#wordBytes) {
      read?.(this.#numbers(inline.subarray(0, byteCount), type));
      return;
    }
    const start = this.#word(inline, 0);
    this.#reach(start + byteCount);
    if (read !== undefined) this.#need(start, byteCount, (bytes) => read(this.#numbers(bytes, type)));
    else if (byteCount <= SEARCHED_PIECE_BYTES_MAX) this.#search(start, byteCount);
  }

  #search(start: number, byteCount: number): void {
    this.#searchedBytes += byteCount;
    if (this.#searchedBytes > SEARCHED_BYTES_MAX) throw tooMuch();
    const region = {
      rule: 'tiff.lead_in_metadata',
      place: 'the metadata of the TIFF image',
      kind: 'binary',
    } as const;
    this.#add({ start, byteCount, isNeeded: false, read: (bytes) => refuseLead(bytes, region) });
  }

  #need(start: number, byteCount: number, read: (bytes: Buffer) => void): void {
    this.#reach(start + byteCount);
    this.#neededBytes += byteCount;
    if (this.#neededBytes > NEEDED_BYTES_MAX) throw tooMuch();
    this.#add({ start, byteCount, isNeeded: true, read });
  }

  #add(region: TiffRegion): void {
    this.#regionCount += 1;
    if (this.#regionCount > REGIONS_MAX) throw tooMuch();
    this.#regions.push(region);
  }

  #reach(position: number): void {
    if (!Number.isSafeInteger(position)) throw tooMuch();
    this.endPosition = Math.max(this.endPosition, position);
  }

  #numbers(bytes: Buffer, type: number): number[] {
    const valueBytes = VALUE_BYTES[type] ?? 1;
    const numbers: number[] = [];
    for (let at = 0; at + valueBytes <= bytes.length; at += valueBytes) {
      numbers.push(
        valueBytes === 2
          ? this.#u16(bytes, at)
          : valueBytes === 4
            ? this.#u32(bytes, at)
            : valueBytes === 8
              ? this.#u64(bytes, at)
              : (bytes[at] ?? 0),
      );
    }
    return numbers;
  }

  get #wordBytes(): number {
    return this.#isBig ? 8 : 4;
  }

  get #fieldBytes(): number {
    return this.#isBig ? 20 : 12;
  }

  /** An offset or a count: 4 bytes, in BigTIFF 8. */
  #word(bytes: Buffer, at: number): number {
    return this.#isBig ? this.#u64(bytes, at) : this.#u32(bytes, at);
  }

  #u16(bytes: Buffer, at: number): number {
    return this.#isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  #u64(bytes: Buffer, at: number): number {
    return Number(this.#isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  }
}

/** The refusal of a file that is no whole TIFF image. */
export function brokenTiff(rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, { detected: 'image/tiff' });
}

function tooMuch() {
  return refuse('tiff.too_complex', 'suspicious_content', 'The TIFF image has more parts than any real one.');
}
