import { join, u8, u16be, u32be } from './parts.ts';

/** What a JPEG image is built of; what is not said is right. */
export interface JpegPlan {
  readonly width?: number;
  readonly height?: number;
  /** Segments between SOI and the tables. */
  readonly metadata?: readonly Buffer[];
  /** The scans' coded data; two make it progressive in form. */
  readonly scans?: readonly Buffer[];
  /** Bytes instead of the end marker. */
  readonly end?: Buffer;
  /** Bytes after the end marker. */
  readonly after?: Buffer;
}

/** A segment: marker, length, data. */
export function jpegSegment(marker: number, data: Buffer | string): Buffer {
  const bytes = join(data);
  return join(u8(0xff, marker), u16be(bytes.length + 2), bytes);
}

const JFIF = jpegSegment(0xe0, join('JFIF\0', u8(1, 1, 0, 0, 1, 0, 1, 0, 0)));
const QUANTISATION = jpegSegment(0xdb, join(u8(0), Buffer.alloc(64, 16)));
/** One code of one bit for DC and for AC: a difference of zero, an end of block. */
const HUFFMAN = join(
  jpegSegment(0xc4, join(u8(0x00, 1), Buffer.alloc(15), u8(0))),
  jpegSegment(0xc4, join(u8(0x10, 1), Buffer.alloc(15), u8(0))),
);
const SCAN_HEADER = jpegSegment(0xda, u8(1, 1, 0, 0, 63, 0));

/** The frame header of a grey image. */
export function jpegFrame(width: number, height: number): Buffer {
  return jpegSegment(0xc0, join(u8(8), u16be(height), u16be(width), u8(1, 1, 0x11, 0)));
}

/** A grey JPEG image that decoders read; 8 × 8 pixels unless said otherwise. */
export function buildJpeg(plan: JpegPlan = {}): Buffer {
  const { width = 8, height = 8, metadata = [], scans = [u8(0x3f)] } = plan;
  return join(
    u8(0xff, 0xd8),
    JFIF,
    ...metadata,
    QUANTISATION,
    jpegFrame(width, height),
    HUFFMAN,
    ...scans.flatMap((data) => [SCAN_HEADER, data]),
    plan.end ?? u8(0xff, 0xd9),
    plan.after ?? Buffer.alloc(0),
  );
}

/** XMP metadata that holds the given attributes and elements. */
export function xmpSegment(attributes: string, elements = ''): Buffer {
  return jpegSegment(
    0xe1,
    `http://ns.adobe.com/xap/1.0/\0<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">` +
      `<rdf:RDF><rdf:Description ${attributes}>${elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`,
  );
}

/** The XMP of a motion photo in today's form, with its container directory. */
export function motionPhotoSegment(videoBytes: number): Buffer {
  const item = (mime: string, semantic: string, length: number) =>
    `<rdf:li><Container:Item Item:Mime="${mime}" Item:Semantic="${semantic}" Item:Length="${length}"/></rdf:li>`;
  return xmpSegment(
    'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"',
    `<Container:Directory><rdf:Seq>${item('image/jpeg', 'Primary', 0)}${item('video/mp4', 'MotionPhoto', videoBytes)}</rdf:Seq></Container:Directory>`,
  );
}

/** Exif metadata that names the maker of the camera, and may hold a thumbnail. */
export function exifSegment(maker: string, thumbnail: Buffer = Buffer.alloc(0)): Buffer {
  const text = `${maker}\0`;
  const entry = join(u16be(0x010f), u16be(2), u32be(text.length), u32be(26));
  return jpegSegment(
    0xe1,
    join('Exif\0\0', 'MM', u16be(42), u32be(8), u16be(1), entry, u32be(0), text, thumbnail),
  );
}

/** The index of a multi-picture file (CIPA DC-007) that tells of so many pictures. */
export function mpfSegment(pictures: number, isLittle = false): Buffer {
  const index = join(
    'MM',
    u16be(42),
    u32be(8),
    u16be(2),
    join(u16be(0xb000), u16be(7), u32be(4), '0100'),
    join(u16be(0xb001), u16be(4), u32be(1), u32be(pictures)),
    u32be(0),
  );
  if (!isLittle) return jpegSegment(0xe2, join('MPF\0', index));
  const swapped = join(
    'II',
    u8(42, 0, 8, 0, 0, 0, 1, 0),
    u8(0x01, 0xb0, 4, 0, 1, 0, 0, 0, pictures, 0, 0, 0),
    u32be(0),
  );
  return jpegSegment(0xe2, join('MPF\0', swapped));
}

/** The trailer of Samsung cameras around blocks of a name and data. */
export function samsungTrailer(blocks: readonly (readonly [name: string, data: Buffer])[]): Buffer {
  const le32 = (value: number) => u32be(value).reverse();
  const bodies = blocks.map(([name, data]) => join(u8(0, 0, 0x30, 0x0a), le32(name.length), name, data));
  const entries = bodies.map((body, index) => {
    const distance = bodies.slice(index).reduce((sum, { length }) => sum + length, 0);
    return join(u8(0, 0, 0x30, 0x0a), le32(distance), le32(body.length));
  });
  const directory = join('SEFH', le32(106), le32(entries.length), ...entries);
  return join(...bodies, directory, le32(directory.length), 'SEFT');
}
