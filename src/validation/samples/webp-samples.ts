import { join, LINUX_PROGRAM, noise, PDF, PHP, plainZip, SCRIPT, u8 } from './parts.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';
import { buildWebp, VP8L_PIXEL, vp8Picture, vp8xHeader, webpChunk } from './webp.ts';

const picture = buildWebp();

const cases: readonly SampleCase[] = [
  accepted('a lossy WebP image', () => picture),
  accepted('a lossless WebP image', () => buildWebp({ chunks: [VP8L_PIXEL] })),
  accepted('an extended WebP image with profile, alpha and metadata', () =>
    buildWebp({
      chunks: [
        vp8xHeader(8, 8, 0x3c),
        webpChunk('ICCP', noise(501)),
        webpChunk('ALPH', noise(21)),
        vp8Picture(8, 8),
        webpChunk('EXIF', noise(99)),
        webpChunk('XMP ', '<?xpacket begin=""?><x:xmpmeta/>'),
      ],
    }),
  ),
  accepted('an animated WebP image', () =>
    buildWebp({
      chunks: [
        vp8xHeader(8, 8, 2),
        webpChunk('ANIM', noise(6)),
        webpChunk('ANMF', noise(80)),
        webpChunk('ANMF', noise(41)),
      ],
    }),
  ),
  accepted('a WebP image with a small chunk of a kind to come', () =>
    buildWebp({ chunks: [vp8xHeader(8, 8), vp8Picture(8, 8), webpChunk('NEWC', noise(40))] }),
  ),
  accepted('a WebP image whose last chunk lacks its padding', () => {
    const body = buildWebp({ chunks: [vp8Picture(8, 8, Buffer.alloc(11))], sizeLie: -1 });
    return body.subarray(0, -1);
  }),
  accepted('a WebP image padded with zeros', () => buildWebp({ after: Buffer.alloc(16) })),

  refused('image.bytes_after_end', 'a WebP image with a ZIP archive after its end', () =>
    join(picture, plainZip()),
  ),
  refused('image.bytes_after_end', 'a WebP image with a PHP script after its end', () => join(picture, PHP)),
  refused('image.bytes_after_end', 'a WebP image with a program after its end', () =>
    join(picture, LINUX_PROGRAM),
  ),
  refused('image.bytes_after_end', 'a WebP image followed by another', () => join(picture, picture)),
  refused('webp.chunk_size', 'a WebP image that claims to be shorter than its chunks', () =>
    buildWebp({ sizeLie: -4 }),
  ),
  refused('webp.incomplete', 'a WebP image that claims to be longer than it is', () =>
    buildWebp({ sizeLie: 100 }),
  ),
  refused('webp.incomplete', 'a WebP image cut off in its picture', () => picture.subarray(0, -6)),
  refused('webp.incomplete', 'a WebP signature alone', () => picture.subarray(0, 12)),
  refused('webp.chunk_size', 'a WebP image with a chunk that is larger than the file', () =>
    buildWebp({
      chunks: [vp8xHeader(8, 8), vp8Picture(8, 8), Buffer.from('EXIF\xff\xff\xff\x7f', 'latin1')],
    }),
  ),
  refused('webp.chunk_order', 'a WebP image that begins with metadata', () =>
    buildWebp({ chunks: [webpChunk('EXIF', noise(20)), vp8Picture(8, 8)] }),
  ),
  refused('webp.no_image_data', 'an extended WebP image without a picture', () =>
    buildWebp({ chunks: [vp8xHeader(8, 8)] }),
  ),
  refused('webp.header', 'a lossy WebP picture without its start code', () =>
    buildWebp({ chunks: [webpChunk('VP8 ', noise(30))] }),
  ),
  refused('webp.header', 'a lossless WebP picture without its signature', () =>
    buildWebp({ chunks: [webpChunk('VP8L', Buffer.alloc(30))] }),
  ),
  refused('webp.header', 'a WebP image whose size is cut off', () =>
    buildWebp({ chunks: [webpChunk('VP8X', Buffer.alloc(5)), vp8Picture(8, 8)] }),
  ),
  refused('webp.header', 'a lossless WebP picture of two bytes', () =>
    buildWebp({ chunks: [webpChunk('VP8L', u8(0x2f, 0))] }),
  ),
  refused('webp.header', 'a WebP picture of three bytes', () =>
    buildWebp({ chunks: [webpChunk('VP8 ', noise(3))] }),
  ),
  refused('webp.lead_in_metadata', 'a WebP image with a PHP script in its Exif metadata', () =>
    buildWebp({ chunks: [vp8xHeader(8, 8), vp8Picture(8, 8), webpChunk('EXIF', PHP)] }),
  ),
  refused('webp.lead_in_metadata', 'a WebP image with a browser script in its XMP metadata', () =>
    buildWebp({ chunks: [vp8xHeader(8, 8), vp8Picture(8, 8), webpChunk('XMP ', SCRIPT)] }),
  ),
  refused('webp.lead_in_metadata', 'a WebP image with a ZIP archive in an unknown chunk', () =>
    buildWebp({ chunks: [vp8xHeader(8, 8), vp8Picture(8, 8), webpChunk('ZIPZ', plainZip())] }),
  ),
  refused('webp.unknown_data', 'a WebP image with a large unknown chunk', () =>
    buildWebp({ chunks: [vp8xHeader(8, 8), vp8Picture(8, 8), webpChunk('DATA', noise(70_000))] }),
  ),
  refused('content.hidden_script', 'a WebP image with a browser script in its pixels', () =>
    buildWebp({ chunks: [vp8Picture(8, 8, join(SCRIPT))] }),
  ),
  refused('content.hidden_pdf', 'a WebP image that is a PDF document too', () =>
    buildWebp({ chunks: [vp8Picture(8, 8, join(PDF))] }),
  ),
  refused('content.hidden_archive', 'a WebP image that is a ZIP archive too', () =>
    buildWebp({ chunks: [vp8Picture(8, 8, plainZip())] }),
  ),
  refused('webp.too_many_chunks', 'a WebP image with a hundred thousand empty chunks', () =>
    buildWebp({
      chunks: [vp8xHeader(8, 8), ...Array.from({ length: 100_001 }, () => webpChunk('ANMF', ''))],
    }),
  ),
  refused('image.no_pixels', 'a WebP image of no width', () => buildWebp({ chunks: [vp8Picture(0, 8)] })),
  refused('image.too_many_pixels', 'a WebP image of a hundred thousand pixels a side', () =>
    buildWebp({ chunks: [vp8xHeader(100_000, 100_000), vp8Picture(8, 8)] }),
  ),
];

/** WebP images. */
export const WEBP_SAMPLES = cases.map((make) => make('cat.webp', 'image/webp'));
