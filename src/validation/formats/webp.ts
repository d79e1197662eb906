import { expectPaddingOnly } from '../after-end.ts';
import { type ByteFeed, inspectorOf, type Parser } from '../byte-feed.ts';
import { judgeImageSize } from '../image-size.ts';
import { skipSearching } from '../leads.ts';
import { refuse } from '../refusal.ts';

/** Judges WebP images: chunks that tile the RIFF container, and that the container is the whole file. */
export const webpInspector = inspectorOf({
  read: readWebp,
  incomplete: () => broken('webp.incomplete', 'is not a complete WebP image'),
});

const PICTURE_CHUNKS = /^(?:VP8 |VP8L|ALPH|ANMF)$/;
const KNOWN_CHUNKS = /^(?:VP8X|ANIM|ICCP|EXIF|XMP |VP8 |VP8L|ALPH|ANMF)$/;
/** Tens of thousands of frames; every chunk costs time. */
const CHUNKS_MAX = 100_000;
const UNKNOWN_BYTES_MAX = 64 * 1024;

function* readWebp(feed: ByteFeed): Parser {
  // `RIFF` size `WEBP`: the gate has recognised it.
  const header = yield* feed.take(12);
  const end = 8 + header.readUInt32LE(4);
  let hasPicture = false;
  for (let chunkCount = 0; feed.position < end; chunkCount += 1) {
    if (chunkCount > CHUNKS_MAX) throw broken('webp.too_many_chunks', 'has more chunks than any WebP image');
    const type = yield* readChunk(feed, end, chunkCount === 0);
    hasPicture ||= /^(?:VP8 |VP8L|ANMF)$/.test(type);
  }
  if (!hasPicture) throw broken('webp.no_image_data', 'is a WebP image without a picture');
  yield* expectPaddingOnly(feed, 'the WebP image');
}

function* readChunk(feed: ByteFeed, end: number, isFirst: boolean): Parser<string> {
  const header = yield* feed.take(8);
  const type = header.toString('latin1', 0, 4);
  const length = header.readUInt32LE(4);
  if (isFirst && !/^VP8[ LX]$/.test(type)) throw broken('webp.chunk_order', 'does not hold a WebP picture');
  // A chunk of odd length is followed by one byte of padding, which some writers leave out at the very end.
  const paddedLength = Math.min(length + (length & 1), Math.max(length, end - feed.position));
  if (feed.position + paddedLength > end)
    throw broken('webp.chunk_size', 'has a chunk that is larger than the image');
  if (isFirst) {
    const start = yield* feed.take(Math.min(length, 10));
    judgeSize(type, start);
    yield* feed.skip(paddedLength - start.length);
  } else if (PICTURE_CHUNKS.test(type)) {
    yield* feed.skip(paddedLength);
  } else {
    judgeUnknown(type, length);
    const place = 'the metadata of the WebP image';
    yield* skipSearching(feed, paddedLength, { rule: 'webp.lead_in_metadata', place, kind: 'binary' });
  }
  return type;
}

function judgeUnknown(type: string, length: number): void {
  if (KNOWN_CHUNKS.test(type) || length <= UNKNOWN_BYTES_MAX) return;
  throw refuse(
    'webp.unknown_data',
    'suspicious_content',
    'The WebP image carries too much data that is no part of the picture.',
  );
}

/** RFC 9649 §2.5 to §2.7: where each kind of first chunk says how large the picture is. */
function judgeSize(type: string, start: Buffer): void {
  if (start.length < (type === 'VP8L' ? 5 : 10)) throw broken('webp.header', 'has an impossible WebP header');
  if (type === 'VP8X') {
    judgeImageSize(1 + start.readUIntLE(4, 3), 1 + start.readUIntLE(7, 3));
  } else if (type === 'VP8L') {
    if (start[0] !== 0x2f) throw broken('webp.header', 'has an impossible WebP header');
    const bits = start.readUInt32LE(1);
    judgeImageSize(1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
  } else {
    if (start.toString('hex', 3, 6) !== '9d012a')
      throw broken('webp.header', 'has an impossible WebP header');
    judgeImageSize(start.readUInt16LE(6) & 0x3fff, start.readUInt16LE(8) & 0x3fff);
  }
}

function broken(rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, { detected: 'image/webp' });
}
