import { crc32 } from 'node:zlib';
import { expectPaddingOnly } from '../after-end.ts';
import { type ByteFeed, inspectorOf, type Parser } from '../byte-feed.ts';
import { judgeImageSize } from '../image-size.ts';
import { skipSearching } from '../leads.ts';
import { refuse } from '../refusal.ts';

// W3C PNG (third edition) §5.3: a chunk's length is at most 2^31 - 1.
const CHUNK_BYTES_MAX = 0x7fff_ffff;
/** More than any picture that fits into the limits needs; every chunk costs time. */
const CHUNKS_MAX = 200_000;
const PRIVATE_BYTES_MAX = 4 * 1024 * 1024;
const TEXT_CHUNKS = /^(?:tEXt|iTXt)$/;

/** Judges PNG images: chunks, their order and checksums, and that nothing follows the last. */
export const pngInspector = inspectorOf({
  read: readPng,
  incomplete: () => broken('png.incomplete', 'is not a complete PNG image'),
});

interface PngState {
  readonly seen: Set<string>;
  previousType: string;
  privateBytes: number;
  chunkCount: number;
}

function* readPng(feed: ByteFeed): Parser {
  // The gate has recognised the signature.
  yield* feed.skip(8);
  const state: PngState = { seen: new Set(), previousType: '', privateBytes: 0, chunkCount: 0 };
  while (state.previousType !== 'IEND') yield* readChunk(feed, state);
  if (!state.seen.has('IDAT')) throw broken('png.no_image_data', 'is a PNG image without a picture');
  yield* expectPaddingOnly(feed, 'the PNG image');
}

function* readChunk(feed: ByteFeed, state: PngState): Parser {
  const header = yield* feed.take(8);
  const length = header.readUInt32BE(0);
  const type = header.toString('latin1', 4, 8);
  if (!/^[A-Za-z]{4}$/.test(type) || length > CHUNK_BYTES_MAX) {
    throw broken('png.malformed_chunk', 'has a malformed chunk');
  }
  judgeOrder(type, length, state);
  state.chunkCount += 1;
  if (state.chunkCount > CHUNKS_MAX)
    throw broken('png.too_many_chunks', 'has more chunks than any PNG image');
  let checksum = crc32(header.subarray(4));
  yield* readChunkData(feed, type, length, state, (bytes) => {
    checksum = crc32(bytes, checksum);
  });
  if ((yield* feed.take(4)).readUInt32BE(0) !== checksum) {
    throw broken('png.checksum', `is damaged: the checksum of its ${type} chunk is wrong`);
  }
  state.seen.add(type);
  state.previousType = type;
}

/** W3C PNG §5.6: IHDR first, PLTE before IDAT, IDAT in one run, IEND last and empty. */
function judgeOrder(type: string, length: number, { seen, previousType }: PngState): void {
  const isFirst = previousType === '';
  const isWrong =
    isFirst !== (type === 'IHDR') ||
    (type === 'IHDR' && length !== 13) ||
    (type === 'PLTE' && (seen.has('PLTE') || seen.has('IDAT') || length % 3 !== 0 || length > 768)) ||
    (type === 'IDAT' && seen.has('IDAT') && previousType !== 'IDAT') ||
    (type === 'IEND' && length !== 0);
  if (isWrong) throw broken('png.chunk_order', `has its ${type} chunk in the wrong place or size`);
  if (/^[A-Z]/.test(type) && !/^(?:IHDR|PLTE|IDAT|IEND)$/.test(type)) {
    throw broken('png.unknown_chunk', 'has a chunk that no PNG reader knows');
  }
}

function* readChunkData(
  feed: ByteFeed,
  type: string,
  length: number,
  state: PngState,
  watch: (bytes: Buffer) => void,
): Parser {
  if (type === 'IHDR') {
    const data = yield* feed.take(length);
    watch(data);
    return judgeHeader(data);
  }
  if (type === 'IDAT' || type === 'fdAT') {
    let leftBytes = length;
    if (type === 'IDAT' && !state.seen.has('IDAT') && length >= 2) {
      const start = yield* feed.take(2);
      watch(start);
      judgeCompression(start);
      leftBytes -= 2;
    }
    while (leftBytes > 0) {
      const bytes = yield* feed.some(leftBytes);
      watch(bytes);
      leftBytes -= bytes.length;
    }
    return;
  }
  // The case of the second letter tells private chunks from registered ones (W3C PNG §5.4).
  if (/^.[a-z]/.test(type)) {
    state.privateBytes += length;
    if (state.privateBytes > PRIVATE_BYTES_MAX) {
      throw refuse(
        'png.private_data',
        'suspicious_content',
        'The PNG image carries too much data that is no part of the picture.',
      );
    }
  }
  const kind = TEXT_CHUNKS.test(type) ? 'text' : 'binary';
  const region = { rule: 'png.lead_in_metadata', place: `the ${type} chunk of the PNG image`, kind } as const;
  yield* skipSearching(feed, length, region, watch);
}

const DEPTHS_BY_COLOUR: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

function judgeHeader(data: Buffer): void {
  const [bitDepth = 0, colourType = 0, compression, filter, interlace = 0] = data.subarray(8);
  const isKnown = DEPTHS_BY_COLOUR[colourType]?.includes(bitDepth) && compression === 0 && filter === 0;
  if (!isKnown || interlace > 1) throw broken('png.header', 'has an impossible PNG header');
  judgeImageSize(data.readUInt32BE(0), data.readUInt32BE(4));
}

/** RFC 1950 §2.2: method 8 and a header divisible by 31. */
function judgeCompression(start: Buffer): void {
  const isZlib = ((start[0] ?? 0) & 0x0f) === 8 && start.readUInt16BE(0) % 31 === 0;
  if (!isZlib) throw broken('png.picture_data', 'has PNG picture data that is not compressed as it must be');
}

function broken(rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, { detected: 'image/png' });
}
