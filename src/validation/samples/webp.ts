import { join, u8, u16le, u32le } from './parts.ts';

/** What a WebP image is built of; what is not said is right. */
export interface WebpPlan {
  readonly chunks?: readonly Buffer[];
  /** Added to the size that the container claims. */
  readonly sizeLie?: number;
  readonly after?: Buffer;
}

/** A chunk, padded to an even length. */
export function webpChunk(type: string, data: Buffer | string): Buffer {
  const bytes = join(data);
  return join(type, u32le(bytes.length), bytes, Buffer.alloc(bytes.length & 1));
}

/** One transparent pixel, lossless. */
export const VP8L_PIXEL = webpChunk('VP8L', Buffer.from('2f00000010071011118888fe07', 'hex'));

/** The header of a lossy picture; enough for its structure to be judged. */
export function vp8Picture(width: number, height: number, rest: Buffer = Buffer.alloc(12)): Buffer {
  return webpChunk('VP8 ', join(u8(0x30, 0x01, 0x00, 0x9d, 0x01, 0x2a), u16le(width), u16le(height), rest));
}

/** The header of an extended file. */
export function vp8xHeader(width: number, height: number, flags = 0): Buffer {
  const u24 = (value: number) => u32le(value).subarray(0, 3);
  return webpChunk('VP8X', join(u8(flags, 0, 0, 0), u24(width - 1), u24(height - 1)));
}

/** A WebP image. */
export function buildWebp(plan: WebpPlan = {}): Buffer {
  const body = join('WEBP', ...(plan.chunks ?? [vp8Picture(8, 8)]));
  return join('RIFF', u32le(body.length + (plan.sizeLie ?? 0)), body, plan.after ?? Buffer.alloc(0));
}
