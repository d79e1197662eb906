import { expectPaddingOnly, isPadding } from '../after-end.ts';
import { type ByteFeed, inspectorOf, type Parser } from '../byte-feed.ts';
import { judgeImageSize } from '../image-size.ts';
import { skipSearching } from '../leads.ts';
import { refuse } from '../refusal.ts';
import {
  type Box,
  type BoxFormat,
  type BoxReading,
  brokenBox,
  readAfterWhole,
  readBoxHeader,
  walkBoxes,
} from './iso-boxes.ts';

const AVIF: BoxFormat = { name: 'AVIF image', mediaType: 'image/avif' };
const HEIC: BoxFormat = { name: 'HEIC image', mediaType: 'image/heic' };

/** Judges AVIF and HEIC images: boxes that tile the file, with a picture and its data. */
export const heifInspector = inspectorOf({
  read: (feed, { mediaType }) => readHeif(feed, mediaType === AVIF.mediaType ? AVIF : HEIC),
  incomplete: () => refuse('heif.incomplete', 'file_type_mismatch', 'The file is not a complete image.'),
});

/** `meta` has a version before its first child; so does nothing else among these. */
const CONTAINERS = {
  meta: 4,
  iprp: 0,
  ipco: 0,
  dinf: 0,
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  stbl: 0,
} as const;
const FILE_TYPE_BYTES_MAX = 1024;
const METADATA_BYTES_MAX = 4 * 1024 * 1024;
const FILLING_BYTES_MAX = 1024 * 1024;

interface HeifState {
  readonly reading: BoxReading;
  hasPicture: boolean;
  hasData: boolean;
  fillingBytes: number;
}

function* readHeif(feed: ByteFeed, format: BoxFormat): Parser {
  const reading = { format, boxCount: 0 };
  const first = yield* readBoxHeader(feed, Number.POSITIVE_INFINITY, reading);
  if (first.type !== 'ftyp' || first.contentBytes < 8 || first.contentBytes > FILE_TYPE_BYTES_MAX) {
    throw brokenBox(format, 'heif.file_type', `does not begin like an ${format.name}`);
  }
  yield* feed.skip(first.contentBytes);
  const state: HeifState = { reading, hasPicture: false, hasData: false, fillingBytes: 0 };
  while (yield* feed.more()) {
    const isWhole = state.hasPicture && state.hasData;
    const begun = isWhole ? yield* readBegun(feed) : undefined;
    if (begun?.every(isPadding)) return yield* expectPaddingOnly(feed, `the ${format.name}`);
    const header = readBoxHeader(feed, Number.POSITIVE_INFINITY, reading, begun);
    const box = yield* isWhole ? readAfterWhole(header, format) : header;
    const content = readTopBox(feed, box, state);
    yield* isWhole && box.type !== 'mdat' ? readAfterWhole(content, format) : content;
  }
  if (!state.hasPicture || !state.hasData) {
    throw brokenBox(format, 'heif.no_image_data', `is an ${format.name} without a picture`);
  }
}

/** The next eight bytes, or what is left of the file; what follows them is read as the header that they begin. */
function* readBegun(feed: ByteFeed): Parser<Buffer> {
  const bytes: number[] = [];
  while (bytes.length < 8) {
    const byte = yield* feed.byte();
    if (byte === undefined) break;
    bytes.push(byte);
  }
  return Buffer.from(bytes);
}

function* readTopBox(feed: ByteFeed, box: Box, state: HeifState): Parser {
  const { format } = state.reading;
  const { type, contentBytes } = box;
  if (type === 'mdat') {
    state.hasData = true;
    const isOpen = contentBytes === Number.POSITIVE_INFINITY;
    return yield* isOpen ? skipToEnd(feed) : feed.skip(contentBytes);
  }
  const isMetadata = type === 'meta' || type === 'moov';
  if (!isMetadata) return yield* skipFilling(feed, box, state);
  if (contentBytes > METADATA_BYTES_MAX || contentBytes < 4) {
    throw brokenBox(format, 'heif.metadata_size', `has ${format.name} metadata of an impossible size`);
  }
  const leaf = (_: ByteFeed, inner: Box) => readLeaf(feed, inner, state);
  const headBytes = CONTAINERS[type];
  yield* feed.skip(headBytes);
  yield* walkBoxes(feed, contentBytes - headBytes, { containers: CONTAINERS, leaf, reading: state.reading });
}

function* readLeaf(feed: ByteFeed, box: Box, state: HeifState): Parser {
  const { type, contentBytes } = box;
  if (type === 'hdlr' && contentBytes >= 12) {
    const handler = (yield* feed.take(12)).toString('latin1', 8, 12);
    state.hasPicture ||= handler === 'pict' || handler === 'vide';
    return yield* feed.skip(contentBytes - 12);
  }
  if (type === 'ispe' && contentBytes >= 12) {
    // ISO/IEC 23008-12 §6.5.3: version and flags, width, height.
    const extent = yield* feed.take(12);
    judgeImageSize(extent.readUInt32BE(4), extent.readUInt32BE(8));
    return yield* feed.skip(contentBytes - 12);
  }
  // Small pictures keep their data beside the metadata.
  if (type === 'idat') state.hasData = true;
  if (/^(?:free|skip|uuid|udta)$/.test(type)) return yield* skipFilling(feed, box, state);
  yield* feed.skip(contentBytes);
}

function* skipFilling(feed: ByteFeed, { type, contentBytes }: Box, state: HeifState): Parser {
  state.fillingBytes += contentBytes;
  if (state.fillingBytes > FILLING_BYTES_MAX) {
    const message = 'The image carries too much data that is no part of the picture.';
    throw refuse('heif.filling', 'suspicious_content', message);
  }
  const place = `the ${type} box of the image`;
  // ISO/IEC 14496-12 §4.2: the content of a `uuid` box begins with 16 bytes that name its kind.
  const head = type === 'uuid' ? { headBytes: 16 } : {};
  yield* skipSearching(feed, contentBytes, { rule: 'heif.lead_in_filling', place, kind: 'binary', ...head });
}

function* skipToEnd(feed: ByteFeed): Parser {
  while (yield* feed.more()) feed.use(feed.available);
}
