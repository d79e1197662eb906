import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';

/** One picture as it is to be. */
export interface VariantSpec {
  /** The box it is fitted into, in pixels; smaller pictures stay as they are. */
  readonly widthMax: number;
  readonly heightMax: number;
  readonly format: 'webp' | 'avif';
  /** 1 to 100. */
  readonly quality: number;
}

export interface RenderRequest {
  readonly bytes: Uint8Array;
  readonly spec: VariantSpec;
}

export type RenderAnswer = { readonly bytes: Uint8Array } | { readonly problem: string };

/** A picture of more pixels is a bomb: a few bytes that unpack to gigabytes. 50 million are 200 MB. */
const PIXELS_MAX = 50_000_000;
const SECONDS_MAX = 20;
/** What is decoded at all: the formats that the gate lets in, from memory. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif'].map((format) => `VipsForeignLoad${format}Buffer`);

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });
sharp.cache(false);
sharp.concurrency(1);

parentPort?.on('message', async ({ bytes, spec }: RenderRequest) => {
  const answer = await render(bytes, spec).catch(
    (error: Error): RenderAnswer => ({ problem: error.message }),
  );
  parentPort?.postMessage(answer);
});

/** EXIF with its place and its camera stays behind: what is not asked to be kept is not written. Only its turn is applied. */
async function render(bytes: Uint8Array, spec: VariantSpec): Promise<RenderAnswer> {
  const { widthMax: width, heightMax: height, format, quality } = spec;
  const picture = sharp(bytes, { limitInputPixels: PIXELS_MAX, failOn: 'error', sequentialRead: true })
    .autoOrient()
    .resize({ width, height, fit: 'inside', withoutEnlargement: true })
    .timeout({ seconds: SECONDS_MAX });
  return { bytes: await picture.toFormat(format, { quality, effort: 3 }).toBuffer() };
}
