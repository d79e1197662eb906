import { expectPaddingOnly } from '../after-end.ts';
import { type ByteFeed, inspectorOf, type Parser, TAKE_BYTES_MAX } from '../byte-feed.ts';
import { brokenTiff, TiffLayout, type TiffRegion } from './tiff-layout.ts';

/** Bytes behind the position that lists of offsets may lie at: some writers put them before the directory. */
const HISTORY_BYTES = 512 * 1024;

/** Judges TIFF images: directories, and that the file ends where the last thing they point to ends. */
export const tiffInspector = inspectorOf({
  read: readTiff,
  incomplete: () => brokenTiff('tiff.incomplete', 'is not a complete TIFF image'),
  historyBytesMax: HISTORY_BYTES,
});

/**
 * A TIFF points from directory to directory. What the directories point to is read in the order in which it lies in
 * the file, so the file passes once, and only what lies shortly behind can still be looked at.
 */
function* readTiff(feed: ByteFeed): Parser {
  const magic = yield* feed.take(4);
  const isLittle = magic.toString('latin1', 0, 2) === 'II';
  const isBig = (isLittle ? magic[2] : magic[3]) === 0x2b;
  const layout = new TiffLayout(isLittle, isBig, yield* feed.take(isBig ? 12 : 4));
  for (let region = layout.nextRegion(); region; region = layout.nextRegion()) {
    const bytes = yield* readRegion(feed, region);
    if (bytes !== undefined) region.read(bytes);
    else if (region.isNeeded)
      throw brokenTiff('tiff.layout', 'is a TIFF image whose parts lie in an order that cannot be checked');
  }
  layout.judge();
  if (feed.position < layout.endPosition) yield* feed.skip(layout.endPosition - feed.position);
  yield* expectPaddingOnly(feed, 'the TIFF image');
}

/** The bytes of a region, ahead, behind or half and half; undefined when they lie too far behind. */
function* readRegion(feed: ByteFeed, { start, byteCount }: TiffRegion): Parser<Buffer | undefined> {
  if (byteCount > TAKE_BYTES_MAX)
    throw brokenTiff('tiff.directory_size', 'is a TIFF image with a list of impossible length');
  if (start >= feed.position) {
    yield* feed.skip(start - feed.position);
    return yield* feed.take(byteCount);
  }
  const behindBytes = Math.min(byteCount, feed.position - start);
  const behind = feed.lookBack(start, behindBytes);
  if (behind === undefined) return undefined;
  return Buffer.concat([behind, yield* feed.take(byteCount - behindBytes)]);
}
