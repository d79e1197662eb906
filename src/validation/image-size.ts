import { refuse } from './refusal.ts';

/** Longest side of an image in pixels: what JPEG can say. */
export const IMAGE_SIDE_PIXELS_MAX = 65_535;

/** Most pixels of an image: more than cameras make, and what fits in 1 GiB when it is decoded to four bytes each. */
export const IMAGE_PIXELS_MAX = 268_435_456;

/** Refuses dimensions that no picture has: none at all, or so many that decoding it would exhaust a machine. */
export function judgeImageSize(width: number, height: number): void {
  if (width < 1 || height < 1) {
    throw refuse('image.no_pixels', 'file_type_mismatch', 'The image has no pixels.');
  }
  const isTooLong = Math.max(width, height) > IMAGE_SIDE_PIXELS_MAX;
  if (isTooLong || width * height > IMAGE_PIXELS_MAX) {
    const message = `The image claims ${width} × ${height} pixels, more than can safely be decoded.`;
    throw refuse('image.too_many_pixels', 'suspicious_content', message);
  }
}
