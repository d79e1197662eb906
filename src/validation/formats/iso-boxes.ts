import { isStowageError } from '../../core/errors.ts';
import { type ByteFeed, EndOfBytes, type Parser } from '../byte-feed.ts';
import { refuse } from '../refusal.ts';

/** How to speak of a format made of ISO base media boxes (ISO/IEC 14496-12). */
export interface BoxFormat {
  /** For example `an MP4 video`. */
  readonly name: string;
  readonly mediaType: string;
}

/** Half a million seconds of fragments; every box costs time. */
const BOXES_MAX = 1_000_000;

/** The boxes of one file, counted. */
export interface BoxReading {
  readonly format: BoxFormat;
  boxCount: number;
}

/** A box whose header has been read. */
export interface Box {
  readonly type: string;
  /** Bytes that follow the header; infinite when the box reaches to the end of the file. */
  readonly contentBytes: number;
}

/** The refusal of a file that is not what the format demands. */
export function brokenBox(format: BoxFormat, rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, {
    detected: format.mediaType,
  });
}

/**
 * Reads the header of the next box.
 *
 * @param end where the surrounding box ends; infinite at the top level.
 * @param begun its first eight bytes, when they were read already.
 */
export function* readBoxHeader(
  feed: ByteFeed,
  end: number,
  reading: BoxReading,
  begun?: Buffer,
): Parser<Box> {
  const { format } = reading;
  reading.boxCount += 1;
  if (reading.boxCount > BOXES_MAX)
    throw brokenBox(format, 'boxes.too_many', `has more boxes than any ${format.name}`);
  if (begun === undefined && feed.position + 8 > end) throw overflow(format);
  const header = begun ?? (yield* feed.take(8));
  const type = header.toString('latin1', 4, 8);
  // Printable ASCII, and © as the first letter in QuickTime's user data.
  if (!/^[\x20-\x7e\u00a9][\x20-\x7e]{3}$/.test(type)) {
    throw brokenBox(
      format,
      'boxes.malformed',
      `is no complete ${format.name}: one of its boxes is malformed`,
    );
  }
  const size32 = header.readUInt32BE(0);
  const contentBytes = yield* readContentBytes(feed, size32, format);
  if (contentBytes < 0 || feed.position + contentBytes > end) throw overflow(format);
  return { type, contentBytes };
}

/**
 * Reads what follows once all that the format needs was there: then what is no whole box was appended.
 *
 * @param read reads a box or its header.
 */
export function* readAfterWhole<T>(read: Parser<T>, format: BoxFormat): Parser<T> {
  try {
    return yield* read;
  } catch (error) {
    if (!(error instanceof EndOfBytes) && !isStowageError(error, 'file_type_mismatch')) throw error;
    throw refuse(
      'boxes.bytes_after_end',
      'suspicious_content',
      `The file has more data after the end of the ${format.name}.`,
    );
  }
}

function* readContentBytes(feed: ByteFeed, size32: number, format: BoxFormat): Parser<number> {
  if (size32 === 0) return Number.POSITIVE_INFINITY;
  if (size32 !== 1) return size32 - 8;
  const sizeBytes = Number((yield* feed.take(8)).readBigUInt64BE(0));
  if (!Number.isSafeInteger(sizeBytes)) throw overflow(format);
  return sizeBytes - 16;
}

function overflow(format: BoxFormat) {
  return brokenBox(
    format,
    'boxes.size',
    `is no complete ${format.name}: the sizes of its boxes do not fit together`,
  );
}

/** What is done with one kind of box inside another. */
export type BoxReader = (feed: ByteFeed, box: Box) => Parser;

/** Boxes of boxes, by type, with the bytes that come before the first child. */
export type Containers = Readonly<Record<string, number>>;

/** Far deeper than any standard nests. */
const DEPTH_MAX = 12;

/**
 * Walks the boxes that tile a container and the containers among them.
 *
 * @param leaf what is done with a box that is no container; it must use up the content exactly.
 */
export function* walkBoxes(
  feed: ByteFeed,
  contentBytes: number,
  walk: { readonly containers: Containers; readonly leaf: BoxReader; readonly reading: BoxReading },
  depth = 0,
): Parser {
  const { containers, leaf, reading } = walk;
  const end = feed.position + contentBytes;
  while (feed.position < end) {
    // QuickTime ends a list of boxes with four zeros.
    if (end - feed.position === 4) {
      if ((yield* feed.take(4)).readUInt32BE(0) === 0) return;
      throw overflow(reading.format);
    }
    const box = yield* readBoxHeader(feed, end, reading);
    const headBytes = containers[box.type];
    if (headBytes === undefined || box.contentBytes < headBytes) yield* leaf(feed, box);
    else if (depth >= DEPTH_MAX) throw overflow(reading.format);
    else {
      yield* feed.skip(headBytes);
      yield* walkBoxes(feed, box.contentBytes - headBytes, walk, depth + 1);
    }
  }
}
