import { type ByteFeed, EndOfBytes, inspectorOf, type Parser } from '../byte-feed.ts';
import { judgeImageSize } from '../image-size.ts';
import { refuseLead } from '../leads.ts';
import { refuse } from '../refusal.ts';
import { readAfterEnd } from './jpeg-after-end.ts';
import { addDeclared, type DeclaredParts, nothingDeclared } from './jpeg-declared.ts';

/** Judges JPEG images: segments, scans, end marker, and that only what the image itself declares follows. */
export const jpegInspector = inspectorOf({
  read: readJpeg,
  incomplete: () => brokenJpeg('jpeg.incomplete', 'is not a complete JPEG image'),
});

function* readJpeg(feed: ByteFeed): Parser {
  // SOI: the gate has recognised it.
  yield* feed.skip(2);
  const declared = yield* readPicture(feed);
  yield* readAfterEnd(feed, declared, readPicture);
}

// ITU-T T.81 table B.1.
/** Scans and metadata come to a few hundred; every segment costs time. */
const SEGMENTS_MAX = 20_000;
const [EOI, SOS, DNL, COM] = [0xd9, 0xda, 0xdc, 0xfe];

/** Reads one picture after its SOI marker, through its EOI marker; returns what it says to follow. */
function* readPicture(feed: ByteFeed): Parser<DeclaredParts> {
  const declared = nothingDeclared();
  let hasFrame = false;
  let hasScan = false;
  let marker = yield* readMarker(feed);
  for (let segmentCount = 0; marker !== EOI; segmentCount += 1) {
    if (segmentCount > SEGMENTS_MAX)
      throw brokenJpeg('jpeg.too_many_segments', 'has more segments than any JPEG image');
    const data = yield* readSegment(feed, marker);
    if (marker >= 0xe0 && marker <= 0xef) addDeclared(declared, marker, data);
    if (isFrame(marker)) {
      if (hasFrame) throw brokenJpeg('jpeg.second_frame', 'has two JPEG frames in one');
      judgeFrame(data);
      hasFrame = true;
    }
    if (marker !== SOS) {
      marker = yield* readMarker(feed);
      continue;
    }
    if (!hasFrame) throw brokenJpeg('jpeg.scan_before_frame', 'has a JPEG scan before its frame');
    hasScan = true;
    marker = yield* skipScan(feed);
  }
  if (!hasScan) throw brokenJpeg('jpeg.no_image_data', 'is a JPEG image without a picture');
  return declared;
}

function* readMarker(feed: ByteFeed): Parser<number> {
  let [byte = 0] = yield* feed.take(1);
  if (byte !== 0xff) throw brokenJpeg('jpeg.malformed_segment', 'has a malformed JPEG segment');
  // T.81 §B.1.1.2: any marker may be preceded by fill bytes.
  while (byte === 0xff) [byte = 0] = yield* feed.take(1);
  return byte;
}

function* readSegment(feed: ByteFeed, marker: number): Parser<Buffer> {
  const isKnown =
    (marker >= 0xc0 && marker <= 0xcf) ||
    (marker >= SOS && marker <= 0xef) ||
    marker === COM ||
    marker === 0xdb;
  if (!isKnown) throw brokenJpeg('jpeg.unknown_segment', 'has a segment that no JPEG reader knows');
  const at = feed.position;
  const length = (yield* feed.take(2)).readUInt16BE(0);
  if (length < 2) throw brokenJpeg('jpeg.malformed_segment', 'has a malformed JPEG segment');
  if (at === 4 && length === 0x2f2a) {
    // The length of the first segment reads `/*`: then the whole image can be read as JavaScript.
    throw refuse('jpeg.script_comment', 'suspicious_content', 'The JPEG image can be run as a script.');
  }
  const data = yield* feed.take(length - 2);
  const place = marker === COM ? 'a comment of the JPEG image' : 'the metadata of the JPEG image';
  refuseLead(data, { rule: 'jpeg.lead_in_metadata', place, kind: marker === COM ? 'text' : 'binary' });
  return data;
}

/** SOF0 to SOF15, without DHT, JPG and DAC, which lie between them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function judgeFrame(data: Buffer): void {
  if (data.length < 6 || data.length !== 6 + 3 * (data[5] ?? 0)) {
    throw brokenJpeg('jpeg.frame', 'has an impossible JPEG frame');
  }
  // A height of 0 is told after the first scan (DNL), T.81 §B.2.5; hardly any writer does so.
  judgeImageSize(data.readUInt16BE(3), Math.max(1, data.readUInt16BE(1)));
}

/** Passes over the coded data of a scan; returns the marker that ends it. */
function* skipScan(feed: ByteFeed): Parser<number> {
  for (;;) {
    if (!(yield* feed.more())) throw new EndOfBytes();
    const bytes = feed.peek();
    const at = findMarker(bytes);
    if (at < 0) {
      feed.use(bytes.length);
      continue;
    }
    feed.use(at);
    const marker = yield* readMarker(feed);
    if (marker !== DNL && !isPartOfScan(marker)) return marker;
    if (marker === DNL) yield* readSegment(feed, marker);
  }
}

/** Byte stuffing (0xFF 0x00) and restart markers. */
function isPartOfScan(marker: number): boolean {
  return marker === 0 || (marker >= 0xd0 && marker <= 0xd7);
}

/** Where a marker that ends the scan begins, or where one may begin that is cut off; -1 when there is none. */
function findMarker(bytes: Buffer): number {
  for (let at = findByte(bytes, 0); at >= 0; at = findByte(bytes, at + 2)) {
    const marker = bytes[at + 1];
    if (marker === undefined || !isPartOfScan(marker)) return at;
  }
  return -1;
}

/** The next 0xFF: near ones by hand, since a call into native code costs as much as 50 bytes of looking. */
function findByte(bytes: Buffer, from: number): number {
  const near = Math.min(bytes.length, from + 32);
  for (let at = from; at < near; at += 1) if (bytes[at] === 0xff) return at;
  return near < bytes.length ? bytes.indexOf(0xff, near) : -1;
}

function brokenJpeg(rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, { detected: 'image/jpeg' });
}
