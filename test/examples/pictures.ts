import sharp from 'sharp';

/** A JPEG of one colour, as a phone makes it: it lies on its side and knows where it was taken. */
export async function phonePicture(colour: string, width = 800, height = 600): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: colour } })
    .jpeg()
    .withMetadata({
      orientation: 6,
      exif: { IFD0: { Make: 'Phone' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 12/1' } },
    })
    .toBuffer();
}

/** A PNG of few bytes and very many pixels. */
export async function pixelBomb(): Promise<Buffer> {
  return await sharp({
    create: { width: 7_500, height: 7_500, channels: 3, background: 'red' },
    limitInputPixels: false,
  })
    .toColourspace('b-w')
    .png({ compressionLevel: 1 })
    .toBuffer();
}
