import { docx, pptx, zip } from './archives.ts';
import { invoiceXml, markdown, pdf, plainText } from './documents.ts';
import { gif, jpeg, png, tiff, webp } from './images.ts';
import { avif, mp4 } from './media.ts';

/** A file to upload: its name, the type a browser would declare, its bytes. */
export interface Sample {
  readonly filename: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

const MAKERS = {
  jpg: ['image/jpeg', (seed: number) => jpeg({ seed })],
  jpeg: ['image/jpeg', (seed: number) => jpeg({ seed })],
  png: ['image/png', (seed: number) => png({ seed })],
  webp: ['image/webp', (seed: number) => webp({ seed })],
  gif: ['image/gif', (seed: number) => gif({ seed })],
  avif: ['image/avif', (seed: number) => avif({ seed })],
  tiff: ['image/tiff', (seed: number) => tiff({ seed })],
  tif: ['image/tiff', (seed: number) => tiff({ seed }, 'MM')],
  mp4: ['video/mp4', (seed: number) => mp4({ seed })],
  pdf: ['application/pdf', (seed: number) => pdf({ text: `Invoice ${seed}` })],
  docx: [
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    (seed: number) => docx(`Lesson ${seed}`),
  ],
  pptx: ['application/vnd.openxmlformats-officedocument.presentationml.presentation', () => pptx()],
  zip: [
    'application/zip',
    (seed: number) =>
      zip([
        { name: 'images/1.png', data: png({ seed }), stored: true },
        { name: 'images/1.txt', data: `a red shoe ${seed}` },
      ]),
  ],
  txt: ['text/plain', plainText],
  md: ['text/markdown', markdown],
  xml: ['application/xml', invoiceXml],
} as const;

/** The extensions that {@link sample} can make. */
export type SampleExtension = keyof typeof MAKERS;

/** A small valid file of a type; another seed gives other bytes. */
export function sample(
  extension: SampleExtension,
  seed = 1,
  filename = `sample-${seed}.${extension}`,
): Sample {
  const [mediaType, make] = MAKERS[extension];
  return { filename, mediaType, bytes: make(seed) };
}
