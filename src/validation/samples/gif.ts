import { join, u8, u16le } from './parts.ts';

/** What a GIF image is built of; what is not said is right. */
export interface GifPlan {
  readonly version?: '87a' | '89a';
  readonly width?: number;
  readonly height?: number;
  /** Extensions and images; one image of one pixel unless said otherwise. */
  readonly blocks?: readonly Buffer[];
  readonly end?: Buffer;
  readonly after?: Buffer;
}

/** Data in sub-blocks of at most 255 bytes, ended by an empty one. */
export function gifBlocks(data: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(u8(block.length), block);
  }
  return join(...blocks, u8(0));
}

/** An image of one pixel; `coded` replaces its LZW data. */
export function gifImage(coded = u8(0x44, 0x01), codeBits = 2): Buffer {
  return join(u8(0x2c), u16le(0), u16le(0), u16le(1), u16le(1), u8(0, codeBits), gifBlocks(coded));
}

/** An extension: a comment has label 0xFE, an application 0xFF. */
export function gifExtension(label: number, data: Buffer | string): Buffer {
  return join(u8(0x21, label), gifBlocks(join(data)));
}

/** A GIF image that decoders read. */
export function buildGif(plan: GifPlan = {}): Buffer {
  const { version = '89a', width = 1, height = 1, blocks = [gifImage()] } = plan;
  return join(
    `GIF${version}`,
    u16le(width),
    u16le(height),
    u8(0x80, 0, 0, 0, 0, 0, 255, 255, 255),
    ...blocks,
    plan.end ?? u8(0x3b),
    plan.after ?? Buffer.alloc(0),
  );
}
