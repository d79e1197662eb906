import { expectPaddingOnly } from '../after-end.ts';
import { type ByteFeed, inspectorOf, type Parser } from '../byte-feed.ts';
import { judgeImageSize } from '../image-size.ts';
import { refuseLead } from '../leads.ts';
import { refuse } from '../refusal.ts';

/** Judges GIF images: every block up to the trailer, and that nothing follows it. */
export const gifInspector = inspectorOf({
  read: readGif,
  incomplete: () => broken('gif.incomplete', 'is not a complete GIF image'),
});

const [TRAILER, EXTENSION, IMAGE] = [0x3b, 0x21, 0x2c];
const COMMENT_LABEL = 0xfe;
/** Tens of thousands of frames; every block costs time. */
const BLOCKS_MAX = 200_000;
/** Bytes of one comment or application extension that are gathered to be searched; the rest is refused. */
const EXTENSION_BYTES_MAX = 1024 * 1024;

function* readGif(feed: ByteFeed): Parser {
  // The gate has recognised the signature, six bytes.
  const header = yield* feed.take(13);
  judgeImageSize(header.readUInt16LE(6), header.readUInt16LE(8));
  // The header of a GIF can be read as JavaScript when its width opens a comment (`GIF89a/*`).
  const opensScriptComment = header.toString('latin1', 6, 8) === '/*';
  yield* skipColourTable(feed, header[10] ?? 0);
  let imageCount = 0;
  for (let blockCount = 0; ; blockCount += 1) {
    if (blockCount > BLOCKS_MAX) throw broken('gif.too_many_blocks', 'has more blocks than any GIF image');
    const [kind] = yield* feed.take(1);
    if (kind === TRAILER) break;
    if (kind === EXTENSION) yield* readExtension(feed, opensScriptComment);
    else if (kind === IMAGE) {
      yield* readImage(feed);
      imageCount += 1;
    } else throw broken('gif.unknown_block', 'has a block that no GIF reader knows');
  }
  if (imageCount === 0) throw broken('gif.no_image_data', 'is a GIF image without a picture');
  yield* expectPaddingOnly(feed, 'the GIF image');
}

function* readImage(feed: ByteFeed): Parser {
  const descriptor = yield* feed.take(9);
  yield* skipColourTable(feed, descriptor[8] ?? 0);
  const [codeBits = 0] = yield* feed.take(1);
  // GIF89a §22: the LZW minimum code size; pixels have at most 8 bits.
  if (codeBits < 1 || codeBits > 8)
    throw broken('gif.picture_data', 'has GIF picture data that cannot be decoded');
  yield* skipBlocks(feed);
}

function* readExtension(feed: ByteFeed, opensScriptComment: boolean): Parser {
  const [label = 0] = yield* feed.take(1);
  // Graphic control and plain text hold a few numbers and a label; comments and applications hold anything.
  const data = yield* gatherBlocks(feed);
  const place = label === COMMENT_LABEL ? 'a comment of the GIF image' : 'an extension of the GIF image';
  refuseLead(data, {
    rule: 'gif.lead_in_metadata',
    place,
    kind: label === COMMENT_LABEL ? 'text' : 'binary',
  });
  if (opensScriptComment && data.includes('*/')) {
    throw refuse('gif.script_comment', 'suspicious_content', 'The GIF image can be run as a script.');
  }
}

/** Global and local colour tables: 3 × 2^(n+1) bytes when the flag says that there is one. */
function skipColourTable(feed: ByteFeed, flags: number): Parser {
  return feed.skip(flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0);
}

/** Passes over data sub-blocks up to the empty one; those that are whole at hand cost no generator each. */
function* skipBlocks(feed: ByteFeed): Parser {
  for (;;) {
    const bytes = feed.peek();
    let at = 0;
    for (let length = bytes[0]; length !== undefined && at + 1 + length <= bytes.length; length = bytes[at]) {
      at += 1 + length;
      if (length > 0) continue;
      feed.use(at);
      return;
    }
    feed.use(at);
    const [length = 0] = yield* feed.take(1);
    if (length === 0) return;
    yield* feed.skip(length);
  }
}

function* gatherBlocks(feed: ByteFeed): Parser<Buffer> {
  const blocks: Buffer[] = [];
  let gatheredBytes = 0;
  for (;;) {
    const [length = 0] = yield* feed.take(1);
    if (length === 0) return Buffer.concat(blocks);
    gatheredBytes += length;
    if (gatheredBytes > EXTENSION_BYTES_MAX) {
      throw refuse(
        'gif.extension_too_large',
        'suspicious_content',
        'The GIF image carries too much data that is no part of the picture.',
      );
    }
    // Copied: a view would hold the whole chunk that it was cut from.
    blocks.push(Buffer.from(yield* feed.take(length)));
  }
}

function broken(rule: string, problem: string) {
  return refuse(rule, 'file_type_mismatch', `The file ${problem}.`, { detected: 'image/gif' });
}
