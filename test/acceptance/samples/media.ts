import { bigEndianBits, noise, u16, u32 } from './bits.ts';

/** A box of the ISO base media file format: size, type, body. */
export function box(type: string, ...body: readonly Buffer[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([u32(content.length + 8), Buffer.from(type, 'latin1'), content]);
}

function fullBox(type: string, version: number, flags: number, ...body: readonly Buffer[]): Buffer {
  return box(type, u32((version << 24) | flags), ...body);
}

/** An AVIF still picture: the container in full, a sequence header that is valid AV1, tile data of noise. */
export function avif({ width = 16, height = 16, seed = 1 } = {}): Buffer {
  const sequence = av1SequenceHeader(width, height);
  const image = Buffer.concat([Buffer.from([0x12, 0]), sequence, obu(6, noise(48, seed))]);
  const fileType = box('ftyp', Buffer.from('avif'), u32(0), Buffer.from('avifmif1miafMA1B'));
  const meta = (offset: number) =>
    fullBox(
      'meta',
      0,
      0,
      fullBox('hdlr', 0, 0, u32(0), Buffer.from('pict'), Buffer.alloc(12), Buffer.from([0])),
      fullBox('pitm', 0, 0, u16(1)),
      fullBox('iloc', 0, 0, u16(0x4400), u16(1), u16(1), u16(0), u16(1), u32(offset), u32(image.length)),
      fullBox('iinf', 0, 0, u16(1), fullBox('infe', 2, 0, u16(1), u16(0), Buffer.from('av01Color\0'))),
      box(
        'iprp',
        box(
          'ipco',
          fullBox('ispe', 0, 0, u32(width), u32(height)),
          fullBox('pixi', 0, 0, Buffer.from([1, 8])),
          box('av1C', Buffer.from([0x81, 0x00, 0x1c, 0x00]), sequence),
        ),
        fullBox('ipma', 0, 0, u32(1), u16(1), Buffer.from([3, 1, 2, 0x83])),
      ),
    );
  const offset = fileType.length + meta(0).length + 8;
  return Buffer.concat([fileType, meta(offset), box('mdat', image)]);
}

/** An AV1 unit with its size. */
function obu(type: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(type << 3) | 2, payload.length]), payload]);
}

/** A sequence header for one grey still picture (AV1 §5.5, reduced still picture header). */
function av1SequenceHeader(width: number, height: number): Buffer {
  const bits = bigEndianBits();
  bits.put(0, 3); // Main profile
  bits.put(1, 1); // still_picture
  bits.put(1, 1); // reduced_still_picture_header
  bits.put(0, 5); // Level 2.0
  bits.put(15, 4);
  bits.put(15, 4);
  bits.put(width - 1, 16);
  bits.put(height - 1, 16);
  bits.put(0, 3); // No 128 × 128 superblocks, filter intra, intra edge filter
  bits.put(0, 3); // No superres, cdef, restoration
  bits.put(0, 1); // Eight bits
  bits.put(1, 1); // Monochrome
  bits.put(0, 1); // No colour description
  bits.put(1, 1); // Full range
  bits.put(0, 1); // No film grain
  bits.put(1, 1); // Trailing bit
  return obu(1, bits.bytes());
}

/** The head of an MP4 whose `mdat` box holds `mediaBytes` bytes: what follows it are those bytes, whatever they are. */
export function mp4Head(mediaBytes: number): Buffer {
  const fileType = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isomiso2avc1mp41'));
  const offset = fileType.length + movie(0, mediaBytes).length + 8;
  return Buffer.concat([fileType, movie(offset, mediaBytes), u32(mediaBytes + 8), Buffer.from('mdat')]);
}

/** A small MP4 of one H.264 track with one sample. */
export function mp4({ mediaBytes = 2048, seed = 1 } = {}): Buffer {
  return Buffer.concat([mp4Head(mediaBytes), noise(mediaBytes, seed)]);
}

const IDENTITY_MATRIX = Buffer.concat([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map(u32));

function movie(sampleOffset: number, sampleBytes: number): Buffer {
  const movieHeader = fullBox(
    'mvhd',
    0,
    0,
    Buffer.concat([0, 0, 1000, 1000, 0x10000].map(u32)),
    u16(0x0100),
    Buffer.alloc(10),
    IDENTITY_MATRIX,
    Buffer.alloc(24),
    u32(2),
  );
  const trackHeader = fullBox(
    'tkhd',
    0,
    3,
    Buffer.concat([0, 0, 1, 0, 1000, 0, 0, 0, 0].map(u32)),
    IDENTITY_MATRIX,
    u32(64 << 16),
    u32(64 << 16),
  );
  const handler = fullBox(
    'hdlr',
    0,
    0,
    u32(0),
    Buffer.from('vide'),
    Buffer.alloc(12),
    Buffer.from('Video\0'),
  );
  const mediaHeader = fullBox('mdhd', 0, 0, Buffer.concat([0, 0, 1000, 1000].map(u32)), u16(0x55c4), u16(0));
  const data = box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)));
  const media = box(
    'mdia',
    mediaHeader,
    handler,
    box('minf', fullBox('vmhd', 0, 1, Buffer.alloc(8)), data, sampleTable(sampleOffset, sampleBytes)),
  );
  return box('moov', movieHeader, box('trak', trackHeader, media));
}

function sampleTable(sampleOffset: number, sampleBytes: number): Buffer {
  const configuration = box(
    'avcC',
    Buffer.from([1, 66, 0, 10, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 10, 1, 0, 2, 0x68, 0xce]),
  );
  const sampleEntry = box(
    'avc1',
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(16),
    u16(64),
    u16(64),
    u32(0x480000),
    u32(0x480000),
    u32(0),
    u16(1),
    Buffer.alloc(32),
    u16(24),
    u16(0xffff),
    configuration,
  );
  return box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), sampleEntry),
    fullBox('stts', 0, 0, u32(1), u32(1), u32(1000)),
    fullBox('stsc', 0, 0, u32(1), u32(1), u32(1), u32(1)),
    fullBox('stsz', 0, 0, u32(0), u32(1), u32(sampleBytes)),
    fullBox('stco', 0, 0, u32(1), u32(sampleOffset)),
  );
}
