import { crc32, deflateSync } from 'node:zlib';
import { join, u8, u32be } from './parts.ts';

/** What a PNG image is built of; what is not said is right. */
export interface PngPlan {
  readonly width?: number;
  readonly height?: number;
  /** Bit depth, colour type, compression, filter, interlace. */
  readonly header?: readonly number[];
  /** Chunks between the header and the picture. */
  readonly before?: readonly Buffer[];
  /** Picture data, as many chunks; `null` for none. */
  readonly data?: readonly Buffer[] | null;
  /** Chunks between the picture and the end. */
  readonly behind?: readonly Buffer[];
  /** Bytes after the end. */
  readonly after?: Buffer;
}

export const PNG_SIGNATURE = u8(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A chunk with its checksum. */
export function pngChunk(type: string, data: Buffer | string = ''): Buffer {
  const body = join(type, data);
  return join(u32be(body.length - 4), body, u32be(crc32(body)));
}

/** The header chunk. */
export function pngHeader(width: number, height: number, rest: readonly number[] = [8, 0, 0, 0, 0]): Buffer {
  return pngChunk('IHDR', join(u32be(width), u32be(height), u8(...rest)));
}

/** Compressed grey pixels. */
export function pngPixels(width: number, height: number): Buffer {
  return deflateSync(Buffer.alloc((width + 1) * height));
}

/** A grey PNG image that decoders read; 4 × 4 pixels unless said otherwise. */
export function buildPng(plan: PngPlan = {}): Buffer {
  const { width = 4, height = 4, before = [], behind = [] } = plan;
  const data =
    plan.data === undefined ? [pngPixels(Math.min(width, 64), Math.min(height, 64))] : (plan.data ?? []);
  return join(
    PNG_SIGNATURE,
    pngHeader(width, height, plan.header),
    ...before,
    ...data.map((bytes) => pngChunk('IDAT', bytes)),
    ...behind,
    pngChunk('IEND'),
    plan.after ?? Buffer.alloc(0),
  );
}
