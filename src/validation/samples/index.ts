import { GIF_SAMPLES } from './gif-samples.ts';
import { AVIF_SAMPLES, MP4_SAMPLES } from './iso-samples.ts';
import { JPEG_SAMPLES } from './jpeg-samples.ts';
import { NAME_SAMPLES } from './name-samples.ts';
import { OOXML_SAMPLES } from './ooxml.ts';
import { PDF_SAMPLES } from './pdf.ts';
import { PNG_SAMPLES } from './png-samples.ts';
import type { Sample } from './sample.ts';
import { MARKDOWN_SAMPLES, PLAIN_TEXT_SAMPLES } from './text-samples.ts';
import { TIFF_SAMPLES } from './tiff-samples.ts';
import { WEBP_SAMPLES } from './webp-samples.ts';
import { XML_SAMPLES } from './xml-samples.ts';
import { ZIP_SAMPLES } from './zip.ts';

/** Every file that the gate is tested with: real ones that pass and hostile ones that don't. */
export const SAMPLES: readonly Sample[] = [
  ...NAME_SAMPLES,
  ...JPEG_SAMPLES,
  ...PNG_SAMPLES,
  ...GIF_SAMPLES,
  ...WEBP_SAMPLES,
  ...AVIF_SAMPLES,
  ...TIFF_SAMPLES,
  ...MP4_SAMPLES,
  ...PLAIN_TEXT_SAMPLES,
  ...MARKDOWN_SAMPLES,
  ...XML_SAMPLES,
  ...PDF_SAMPLES,
  ...ZIP_SAMPLES,
  ...OOXML_SAMPLES,
];
