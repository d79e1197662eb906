import { crc32, deflateSync } from 'node:zlib';
import { bigEndianBits, littleEndianBits, noise, u16, u32 } from './bits.ts';

/** What differs between two pictures made here. */
export interface PictureOptions {
  readonly width?: number;
  readonly height?: number;
  /** Another seed gives other bytes. */
  readonly seed?: number;
}

/** A baseline grey JPEG of 8 × 8 blocks, each of one shade. */
export function jpeg({ width = 32, height = 24, seed = 1 }: PictureOptions = {}): Buffer {
  const segment = (marker: number, body: Buffer) =>
    Buffer.concat([Buffer.from([0xff, marker]), u16(body.length + 2), body]);
  const jfif = Buffer.concat([Buffer.from('JFIF\0'), Buffer.from([1, 1, 0, 0, 1, 0, 1, 0, 0])]);
  const quantization = Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 8)]);
  const frame = Buffer.concat([Buffer.from([8]), u16(height), u16(width), Buffer.from([1, 1, 0x11, 0])]);
  // Sixteen counts of codes by length, then the symbols: categories 0 to 11 for DC, only "end of block" for AC.
  const dcTable = Buffer.from([0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, ...Array(12).keys()]);
  const acTable = Buffer.from([0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const scan = Buffer.from([1, 1, 0x00, 0, 63, 0]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, jfif),
    segment(0xdb, quantization),
    segment(0xc0, frame),
    segment(0xc4, dcTable),
    segment(0xc4, acTable),
    segment(0xda, scan),
    jpegScan(Math.ceil(width / 8) * Math.ceil(height / 8), seed),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** Entropy-coded blocks: the difference of each block's shade to the one before, then "end of block". */
function jpegScan(blocks: number, seed: number): Buffer {
  const dcCodes = [
    [0b00, 2],
    [0b010, 3],
    [0b011, 3],
    [0b100, 3],
    [0b101, 3],
    [0b110, 3],
    [0b1110, 4],
    [0b11110, 5],
  ] as const;
  const shades = noise(blocks, seed);
  const bits = bigEndianBits();
  let before = 0;
  for (const byte of shades) {
    const shade = (byte % 100) - 50;
    const difference = shade - before;
    before = shade;
    const category = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
    const [code, length] = dcCodes[category] ?? [0, 2];
    bits.put(code, length);
    if (category > 0) bits.put(difference > 0 ? difference : difference + (1 << category) - 1, category);
    bits.put(0, 1);
  }
  const stuffed: number[] = [];
  for (const byte of bits.bytes(1)) stuffed.push(...(byte === 0xff ? [0xff, 0x00] : [byte]));
  return Buffer.from(stuffed);
}

/** What differs between two PNGs made here. */
export interface PngOptions extends PictureOptions {
  /** Exact size of the file: filled up with a text chunk. */
  readonly sizeBytes?: number;
}

/** A true-colour PNG of noise. */
export function png({ width = 16, height = 16, seed = 1, sizeBytes }: PngOptions = {}): Buffer {
  const pixels = noise(height * width * 3, seed);
  const rows: Buffer[] = [];
  for (let row = 0; row < height; row++) {
    rows.push(Buffer.from([0]), pixels.subarray(row * width * 3, (row + 1) * width * 3));
  }
  const head = Buffer.concat([u32(width), u32(height), Buffer.from([8, 2, 0, 0, 0])]);
  const before = [Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), pngChunk('IHDR', head)];
  const after = [pngChunk('IDAT', deflateSync(Buffer.concat(rows))), pngChunk('IEND', Buffer.alloc(0))];
  const plain = Buffer.concat([...before, ...after]);
  if (sizeBytes === undefined) return plain;
  const text = sizeBytes - plain.length - 12;
  if (text < 8) throw new Error(`A PNG of ${sizeBytes} bytes is too small for this picture.`);
  const comment = Buffer.concat([Buffer.from('Comment\0'), Buffer.alloc(text - 8, 'x')]);
  return Buffer.concat([...before, pngChunk('tEXt', comment), ...after]);
}

/** One chunk of a PNG with its checksum. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([u32(data.length), body, u32(crc32(body))]);
}

/** A lossless WebP of one colour: every prefix code has one symbol, so the pixels take no bits at all. */
export function webp({ width = 16, height = 16, seed = 1 }: PictureOptions = {}): Buffer {
  const bits = littleEndianBits();
  bits.put(width - 1, 14);
  bits.put(height - 1, 14);
  bits.put(0, 1 + 3); // No alpha, version 0.
  bits.put(0, 1 + 1 + 1); // No transform, no colour cache, no meta prefix codes.
  for (const symbol of [seed & 0xff, (seed * 7) & 0xff, (seed * 13) & 0xff, 0xff]) {
    bits.put(1, 1); // A simple code
    bits.put(0, 1); // of one symbol
    bits.put(1, 1); // in eight bits.
    bits.put(symbol, 8);
  }
  bits.put(0b0001, 4); // Distance: a simple code of one symbol, 0, in one bit.
  const stream = Buffer.concat([Buffer.from([0x2f]), bits.bytes()]);
  const padding = Buffer.alloc(stream.length % 2);
  const chunk = Buffer.concat([Buffer.from('VP8L'), littleEndian32(stream.length), stream, padding]);
  return Buffer.concat([Buffer.from('RIFF'), littleEndian32(chunk.length + 4), Buffer.from('WEBP'), chunk]);
}

function littleEndian32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A GIF of four colours. A clear code before every two pixels keeps the codes three bits wide. */
export function gif({ width = 8, height = 8, seed = 1 }: PictureOptions = {}): Buffer {
  const bits = littleEndianBits();
  const pixels = noise(width * height, seed);
  pixels.forEach((pixel, index) => {
    if (index % 2 === 0) bits.put(4, 3);
    bits.put(pixel & 3, 3);
  });
  bits.put(5, 3);
  const data = bits.bytes();
  const blocks: Buffer[] = [];
  for (let start = 0; start < data.length; start += 255) {
    const block = data.subarray(start, start + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  const size = Buffer.from([width & 255, width >> 8, height & 255, height >> 8]);
  return Buffer.concat([
    Buffer.from('GIF89a'),
    size,
    Buffer.from([0x91, 0, 0]),
    Buffer.from([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]),
    Buffer.from([0x2c, 0, 0, 0, 0]),
    size,
    Buffer.from([0, 2]),
    ...blocks,
    Buffer.from([0, 0x3b]),
  ]);
}

/** An uncompressed grey TIFF in one strip, in either byte order. */
export function tiff(
  { width = 8, height = 8, seed = 1 }: PictureOptions = {},
  order: 'II' | 'MM' = 'II',
): Buffer {
  const pixels = noise(width * height, seed);
  const short = (value: number) => (order === 'MM' ? u16(value) : u16(value).swap16());
  const long = (value: number) => (order === 'MM' ? u32(value) : u32(value).swap32());
  const shortTag = (tag: number, value: number) => [short(tag), short(3), long(1), short(value), short(0)];
  const longTag = (tag: number, value: number) => [short(tag), short(4), long(1), long(value)];
  const tags = [
    shortTag(256, width),
    shortTag(257, height),
    shortTag(258, 8),
    shortTag(259, 1),
    shortTag(262, 1),
    longTag(273, 8),
    shortTag(277, 1),
    shortTag(278, height),
    longTag(279, pixels.length),
  ];
  const padded = Buffer.concat([pixels, Buffer.alloc(pixels.length % 2)]);
  return Buffer.concat([
    Buffer.from(order),
    short(42),
    long(8 + padded.length),
    padded,
    short(tags.length),
    ...tags.flat(),
    long(0),
  ]);
}
