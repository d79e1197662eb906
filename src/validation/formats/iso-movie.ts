import type { ByteFeed, Parser } from '../byte-feed.ts';
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

const MP4: BoxFormat = { name: 'MP4 video', mediaType: 'video/mp4' };

/** The boxes of boxes in a movie. */
const CONTAINERS = {
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  stbl: 0,
  dinf: 0,
  edts: 0,
  mvex: 0,
  moof: 0,
  traf: 0,
  mfra: 0,
} as const;

/** Boxes that hold no media and anything else: together no more than this. */
const FILLING_BYTES_MAX = 16 * 1024 * 1024;
const KNOWN_TYPES =
  /^(?:ftyp|moov|mdat|moof|mfra|sidx|ssix|styp|pdin|prft|emsg|meta|udta|free|skip|wide|uuid)$/;
const FILLING_TYPES = /^(?:free|skip|wide|uuid|meta|udta|emsg)$/;

interface MovieState {
  readonly reading: BoxReading;
  hasMovie: boolean;
  hasMedia: boolean;
  readonly handlers: Set<string>;
  fillingBytes: number;
}

/**
 * Reads an MP4 video to the end of the file: boxes that tile it, with a movie and its media.
 *
 * @param first the box whose header was read already, when the video lies behind a photo.
 */
export function* readMovie(feed: ByteFeed, first?: Box): Parser {
  const reading = { format: MP4, boxCount: 0 };
  const state: MovieState = {
    reading,
    hasMovie: false,
    hasMedia: false,
    handlers: new Set(),
    fillingBytes: 0,
  };
  yield* readFileType(feed, first ?? (yield* readBoxHeader(feed, Number.POSITIVE_INFINITY, reading)));
  while (yield* feed.more()) {
    const header = readBoxHeader(feed, Number.POSITIVE_INFINITY, reading);
    const isWhole = state.hasMovie && state.hasMedia;
    const box = yield* isWhole ? readAfterWhole(header, MP4) : header;
    const content = readTopBox(feed, box, state);
    yield* isWhole && !KNOWN_TYPES.test(box.type) ? readAfterWhole(content, MP4) : content;
  }
  if (!state.hasMovie || !state.hasMedia) {
    throw brokenBox(MP4, 'mp4.no_movie', 'is an MP4 file without a movie and its media');
  }
  if (state.handlers.size > 0 && !state.handlers.has('vide')) {
    throw brokenBox(MP4, 'mp4.no_video', 'is an MP4 file without a video track');
  }
}

const FILE_TYPE_BYTES_MAX = 1024;

function* readFileType(feed: ByteFeed, box: Box): Parser {
  const { type, contentBytes } = box;
  if (type !== 'ftyp' || contentBytes < 8 || contentBytes > FILE_TYPE_BYTES_MAX || contentBytes % 4 !== 0) {
    throw brokenBox(MP4, 'mp4.file_type', 'does not begin like an MP4 video');
  }
  yield* feed.skip(contentBytes);
}

function* readTopBox(feed: ByteFeed, box: Box, state: MovieState): Parser {
  const { type, contentBytes } = box;
  if (type === 'mdat') {
    state.hasMedia = true;
    if (contentBytes === Number.POSITIVE_INFINITY) return yield* skipToEnd(feed);
    return yield* feed.skip(contentBytes);
  }
  if (contentBytes === Number.POSITIVE_INFINITY || type === 'ftyp') {
    throw brokenBox(MP4, 'mp4.box_order', 'has an MP4 box in the wrong place');
  }
  if (FILLING_TYPES.test(type) || !KNOWN_TYPES.test(type)) return yield* skipFilling(feed, box, state);
  if (type === 'moov') {
    if (state.hasMovie) throw brokenBox(MP4, 'mp4.second_movie', 'has two movies in one');
    state.hasMovie = true;
  }
  if (type === 'moov' || type === 'moof' || type === 'mfra') {
    const leaf = (_: ByteFeed, inner: Box) => readMovieLeaf(feed, inner, state);
    return yield* walkBoxes(feed, contentBytes, { containers: CONTAINERS, leaf, reading: state.reading });
  }
  yield* feed.skip(contentBytes);
}

function* readMovieLeaf(feed: ByteFeed, box: Box, state: MovieState): Parser {
  if (FILLING_TYPES.test(box.type)) return yield* skipFilling(feed, box, state);
  if (box.type !== 'hdlr' || box.contentBytes < 12) return yield* feed.skip(box.contentBytes);
  // ISO/IEC 14496-12 §8.4.3: version and flags, four bytes predefined, then the handler's type.
  state.handlers.add((yield* feed.take(12)).toString('latin1', 8, 12));
  yield* feed.skip(box.contentBytes - 12);
}

function* skipFilling(feed: ByteFeed, { type, contentBytes }: Box, state: MovieState): Parser {
  state.fillingBytes += contentBytes;
  if (state.fillingBytes > FILLING_BYTES_MAX) {
    throw refuse(
      'mp4.filling',
      'suspicious_content',
      'The MP4 video carries too much data that is no part of the movie.',
    );
  }
  const place = `the ${type} box of the MP4 video`;
  // ISO/IEC 14496-12 §4.2: the content of a `uuid` box begins with 16 bytes that name its kind.
  const head = type === 'uuid' ? { headBytes: 16 } : {};
  yield* skipSearching(feed, contentBytes, { rule: 'mp4.lead_in_filling', place, kind: 'binary', ...head });
}

function* skipToEnd(feed: ByteFeed): Parser {
  while (yield* feed.more()) feed.use(feed.available);
}
