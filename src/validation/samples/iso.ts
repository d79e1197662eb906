import { join, noise, u8, u16be, u32be } from './parts.ts';

/** A box: size, type, content. */
export function box(type: string, ...content: (Buffer | string)[]): Buffer {
  const bytes = join(...content);
  return join(u32be(bytes.length + 8), type, bytes);
}

/** A box with version and flags. */
export function fullBox(type: string, ...content: (Buffer | string)[]): Buffer {
  return box(type, u32be(0), ...content);
}

/** The box that says which kind of file this is. */
export function fileTypeBox(major: string, ...compatible: string[]): Buffer {
  return box('ftyp', major, u32be(0x200), ...compatible);
}

/** A track with the given handler: `vide`, `soun`, `text`. */
export function track(handler: string): Buffer {
  const sampleTable = box(
    'stbl',
    fullBox('stsd', u32be(0)),
    fullBox('stts', u32be(0)),
    fullBox('stsc', u32be(0)),
    fullBox('stsz', u32be(0), u32be(0)),
    fullBox('stco', u32be(0)),
  );
  const dataReference = box('dinf', fullBox('dref', u32be(1), box('url ', u32be(1))));
  const media = box(
    'mdia',
    fullBox('mdhd', Buffer.alloc(20)),
    fullBox('hdlr', u32be(0), handler, Buffer.alloc(12), 'Handler\0'),
    box('minf', fullBox('vmhd', Buffer.alloc(8)), dataReference, sampleTable),
  );
  return box('trak', fullBox('tkhd', Buffer.alloc(80)), media);
}

/** The movie box with one track of each handler. */
export function movieBox(handlers: readonly string[] = ['vide'], ...more: Buffer[]): Buffer {
  return box('moov', fullBox('mvhd', Buffer.alloc(96)), ...handlers.map(track), ...more);
}

/** What an MP4 video is built of; what is not said is right. */
export interface Mp4Plan {
  readonly type?: Buffer;
  /** All that follows the first box. */
  readonly boxes?: readonly Buffer[];
}

/** An MP4 video with one track and 600 bytes of media. */
export function buildMp4(plan: Mp4Plan = {}): Buffer {
  const { type = fileTypeBox('isom', 'isom', 'avc1', 'mp41') } = plan;
  return join(type, ...(plan.boxes ?? [movieBox(), box('mdat', noise(600))]));
}

/** What an AVIF or HEIC image is built of; what is not said is right. */
export interface HeifPlan {
  readonly type?: Buffer;
  readonly width?: number;
  readonly height?: number;
  readonly handler?: string;
  /** Boxes inside the metadata, beside the needed ones. */
  readonly inMetadata?: readonly Buffer[];
  /** All that follows the metadata. */
  readonly boxes?: readonly Buffer[];
}

/** An AVIF image's boxes around data that stands for the picture. */
export function buildHeif(plan: HeifPlan = {}): Buffer {
  const { width = 8, height = 8, handler = 'pict', inMetadata = [] } = plan;
  const type = plan.type ?? fileTypeBox('avif', 'avif', 'mif1', 'miaf');
  const extent = fullBox('ispe', u32be(width), u32be(height));
  const properties = box(
    'iprp',
    box('ipco', extent, fullBox('pixi', u8(3, 8, 8, 8)), box('av1C', u8(0x81, 0, 0, 0))),
    fullBox('ipma', u32be(1), u16be(1), u8(3, 1, 2, 0x83)),
  );
  const metadata = fullBox(
    'meta',
    fullBox('hdlr', u32be(0), handler, Buffer.alloc(13)),
    fullBox('pitm', u16be(1)),
    fullBox('iloc', u16be(0x4400), u16be(1), u16be(1), u16be(0), u16be(1), u32be(0), u32be(100)),
    fullBox('iinf', u16be(1), box('infe', u8(2, 0, 0, 0), u16be(1), u16be(0), 'av01', 'Color\0')),
    properties,
    ...inMetadata,
  );
  return join(type, metadata, ...(plan.boxes ?? [box('mdat', noise(100))]));
}
