import type { VariantSpec } from '../shared/variants/worker.ts';

/** The sizes there are, by the longest side in pixels. Others are not made: a URL can't ask for work. */
const SIZES = { thumb: 320, medium: 960, large: 1920 } as const;
export type Size = keyof typeof SIZES;

/** Best first. */
const FORMATS = ['avif', 'webp'] as const;
const QUALITY = { avif: 50, webp: 75 } as const;

/** Every size in every format, by names such as `thumb-avif`. */
export const SPECS: Readonly<Record<string, VariantSpec>> = Object.fromEntries(
  Object.entries(SIZES).flatMap(([size, longest]) =>
    FORMATS.map((format) => [
      `${size}-${format}`,
      { widthMax: longest, heightMax: longest, format, quality: QUALITY[format] },
    ]),
  ),
);

export function isSize(text: string): text is Size {
  return Object.hasOwn(SIZES, text);
}

/** The variant of a size that a browser can show: AVIF to those that say so, else WebP. */
export function variantFor(size: Size, accept = ''): string {
  return `${size}-${/\bimage\/avif\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accept) ? 'avif' : 'webp'}`;
}
