import { isPadding, PADDING_BYTES_MAX, refuseAfterPadding } from '../after-end.ts';
import { type ByteFeed, EndOfBytes, type Parser } from '../byte-feed.ts';
import { searchToEnd } from '../leads.ts';
import { RecentBytes } from '../recent-bytes.ts';
import { refuse } from '../refusal.ts';
import { readMovie } from './iso-movie.ts';
import type { DeclaredParts } from './jpeg-declared.ts';

/**
 * Reads from the end marker to the end of the file: padding, and the parts that the picture's metadata declares, each
 * judged as what it is declared to be.
 *
 * @param readPicture reads a JPEG picture after its SOI marker.
 */
export function* readAfterEnd(
  feed: ByteFeed,
  declared: DeclaredParts,
  readPicture: (feed: ByteFeed) => Parser<unknown>,
): Parser {
  let picturesLeft = declared.pictures;
  for (;;) {
    const found = yield* skipPadding(feed);
    if (found === undefined) return;
    if (found.part === 'picture' && picturesLeft > 0) {
      picturesLeft -= 1;
      yield* readPicture(feed);
    } else if (found.part === 'video' && declared.video) {
      return yield* readMovie(feed, { type: 'ftyp', contentBytes: found.contentBytes });
    } else if (found.part === 'samsung' && declared.samsungTrailer) {
      return yield* readSamsungTrailer(feed, found.start);
    } else throw undeclared();
  }
}

type FoundPart =
  | { readonly part: 'picture' | 'unknown' }
  | { readonly part: 'video'; readonly contentBytes: number }
  | { readonly part: 'samsung'; readonly start: Buffer };

/** Passes over padding; tells what begins after it, or undefined at the end of the file. */
function* skipPadding(feed: ByteFeed): Parser<FoundPart | undefined> {
  // The first bytes of every part can look like padding, so the last four are kept.
  let last = [1, 1, 1, 1];
  for (let paddingBytes = 0; ; paddingBytes += 1) {
    const byte = yield* feed.byte();
    if (byte === undefined) return undefined;
    if (!isPadding(byte)) return yield* nameFound(feed, last, byte);
    if (paddingBytes >= PADDING_BYTES_MAX) yield* refuseAfterPadding(feed, undeclared);
    last = [last[1] ?? 0, last[2] ?? 0, last[3] ?? 0, byte];
  }
}

function* nameFound(feed: ByteFeed, last: number[], byte: number): Parser<FoundPart> {
  if (byte === 0xd8 && last[3] === 0xff) return { part: 'picture' };
  try {
    // A video begins with its ftyp box, after the size of the box in four bytes: 0x20, a common one, looks like padding.
    const three = (yield* feed.take(3)).toString('latin1');
    if (byte === 0x66 && three === 'typ' && isZero(last.slice(0, 3))) {
      return { part: 'video', contentBytes: (last[3] ?? 0) - 8 };
    }
    const next = Buffer.concat([Buffer.from(three, 'latin1'), yield* feed.take(1)]);
    if (next.toString('latin1') === 'ftyp' && isZero(last.slice(1))) {
      return { part: 'video', contentBytes: byte - 8 };
    }
    // A block of the maker's trailer: two zeros, its type, the length of its name, its name.
    if (isZero(last.slice(2)) && (next[0] ?? 0) <= 0x0f) {
      return { part: 'samsung', start: Buffer.concat([Buffer.from([0, 0, byte]), next]) };
    }
    return { part: 'unknown' };
  } catch (error) {
    if (error instanceof EndOfBytes) throw undeclared();
    throw error;
  }
}

function isZero(bytes: readonly number[]): boolean {
  return bytes.every((byte) => byte === 0);
}

const DIRECTORY_BYTES_MAX = 4096;

/**
 * The trailer of Samsung cameras: blocks, then a directory `SEFH` version count (type, distance, size)*, its length,
 * `SEFT`. Its blocks can only be found from the end, so they are searched while they pass and tied up there.
 */
function* readSamsungTrailer(feed: ByteFeed, start: Buffer): Parser {
  const startPosition = feed.position - start.length;
  const recent = new RecentBytes(DIRECTORY_BYTES_MAX);
  const region = {
    rule: 'jpeg.lead_in_trailer',
    place: 'the trailer of the JPEG image',
    kind: 'binary',
  } as const;
  recent.push(start);
  yield* searchToEnd(feed, region, (bytes) => recent.push(bytes));
  const end = recent.bytes().subarray(-DIRECTORY_BYTES_MAX);
  const directoryBytes = end.length >= 8 ? end.readUInt32LE(end.length - 8) : 0;
  const directory = end.subarray(Math.max(0, end.length - 8 - directoryBytes), end.length - 8);
  const isDirectory =
    end.toString('latin1', end.length - 4) === 'SEFT' &&
    directory.length === directoryBytes &&
    directory.length >= 12 &&
    directory.toString('latin1', 0, 4) === 'SEFH' &&
    directory.length === 12 + 12 * directory.readUInt32LE(8);
  const blockBytes = feed.position - 8 - directoryBytes - startPosition;
  if (!isDirectory || farthestBlock(directory) !== blockBytes) throw undeclared();
}

/** How far before the directory the first block begins. */
function farthestBlock(directory: Buffer): number {
  let distance = 0;
  for (let at = 12; at < directory.length; at += 12)
    distance = Math.max(distance, directory.readUInt32LE(at + 4));
  return distance;
}

function undeclared() {
  return refuse(
    'jpeg.undeclared_part',
    'suspicious_content',
    'The file has data after the end of the JPEG image that the image does not declare.',
  );
}
