import { join, LINUX_PROGRAM, noise, PDF, PHP, plainZip, SCRIPT, u8, u32be } from './parts.ts';
import { buildPng, PNG_SIGNATURE, pngChunk, pngHeader, pngPixels } from './png.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const picture = buildPng();
const pixels = pngPixels(4, 4);

const cases: readonly SampleCase[] = [
  accepted('a small PNG image', () => picture),
  accepted('a PNG image with its picture in three chunks', () =>
    buildPng({ data: [pixels.subarray(0, 5), pixels.subarray(5, 9), pixels.subarray(9)] }),
  ),
  accepted('a PNG image with an empty chunk before its picture', () =>
    buildPng({ data: [Buffer.alloc(0), pixels] }),
  ),
  accepted('a PNG image with a palette', () =>
    buildPng({ header: [8, 3, 0, 0, 0], before: [pngChunk('PLTE', noise(30)), pngChunk('tRNS', noise(9))] }),
  ),
  accepted('a PNG image with a palette of 256 colours', () =>
    buildPng({ header: [8, 3, 0, 0, 0], before: [pngChunk('PLTE', noise(768))] }),
  ),
  accepted('an interlaced PNG image of 16 bits', () => buildPng({ header: [16, 6, 0, 0, 1] })),
  accepted('a PNG image with text, time, resolution and profile', () =>
    buildPng({
      before: [pngChunk('iCCP', noise(3000)), pngChunk('pHYs', noise(9)), pngChunk('eXIf', noise(100))],
      behind: [pngChunk('tEXt', 'Comment\0Made in 5 < 6 steps'), pngChunk('tIME', noise(7))],
    }),
  ),
  accepted('a PNG image with XMP metadata', () =>
    buildPng({ before: [pngChunk('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0<?xpacket begin=""?><x:xmpmeta/>')] }),
  ),
  accepted('an animated PNG image', () =>
    buildPng({
      before: [pngChunk('acTL', noise(8)), pngChunk('fcTL', noise(26))],
      behind: [pngChunk('fcTL', noise(26)), pngChunk('fdAT', join(u32be(1), pixels))],
    }),
  ),
  accepted('a PNG image with a private chunk of provenance', () =>
    buildPng({ before: [pngChunk('caBX', noise(50_000))] }),
  ),
  accepted('a PNG image padded with zeros', () => buildPng({ after: Buffer.alloc(100) })),

  refused('image.bytes_after_end', 'a PNG image with a ZIP archive after its end', () =>
    join(picture, plainZip()),
  ),
  refused('image.bytes_after_end', 'a PNG image with a PHP script after its end', () => join(picture, PHP)),
  refused('image.bytes_after_end', 'a PNG image with a web page after its end', () =>
    join(picture, '\n', SCRIPT),
  ),
  refused('image.bytes_after_end', 'a PNG image with a program after its end', () =>
    join(picture, LINUX_PROGRAM),
  ),
  refused('image.bytes_after_end', 'a PNG image followed by another', () => join(picture, picture)),
  refused('image.bytes_after_end', 'a PNG image with too much padding', () =>
    join(picture, Buffer.alloc(1024 * 1024 + 1)),
  ),
  refused('png.lead_in_metadata', 'a PNG image with a PHP script in its text', () =>
    buildPng({ before: [pngChunk('tEXt', `Comment\0${PHP}`)] }),
  ),
  refused('png.lead_in_metadata', 'a PNG image with a browser script in its international text', () =>
    buildPng({ before: [pngChunk('iTXt', `Title\0\0\0\0\0${SCRIPT}`)] }),
  ),
  refused('png.lead_in_metadata', 'a PNG image with a ZIP archive in a private chunk', () =>
    buildPng({ before: [pngChunk('zipA', plainZip())] }),
  ),
  refused('png.lead_in_metadata', 'a PNG image with a script far inside a private chunk', () =>
    buildPng({ before: [pngChunk('prIv', join(noise(65_530), SCRIPT, noise(70_000)))] }),
  ),
  refused('png.lead_in_metadata', 'a PNG image with a script in its palette', () =>
    buildPng({ before: [pngChunk('PLTE', join(PHP, Buffer.alloc(2)))] }),
  ),
  refused('content.hidden_script', 'a PNG image with a PHP script in its pixels', () =>
    buildPng({ data: [join(pixels, PHP)] }),
  ),
  ...['<?PHP\nsystem(1);', '<SCRIPT SRC=//a.example/x>', '<script\tsrc=x>', '<script/src=x>'].map((script) =>
    refused('content.hidden_script', `a PNG image with ${script.slice(0, 8).trim()} in its pixels`, () =>
      buildPng({ data: [join(pixels, script)] }),
    ),
  ),
  ...['<iframe src=x>', '<script/src=x>', '<!DOCTYPE HTML>'].map((lead) =>
    refused('png.lead_in_metadata', `a PNG image with ${lead} in a private chunk`, () =>
      buildPng({ before: [pngChunk('prIv', join(noise(100), lead))] }),
    ),
  ),
  refused('png.lead_in_metadata', 'a PNG image with a RAR archive in a private chunk', () =>
    buildPng({ before: [pngChunk('prIv', 'Rar!\x1a\x07\x01\0')] }),
  ),
  refused('content.hidden_pdf', 'a PNG image that is a PDF document too', () =>
    buildPng({ before: [pngChunk('zTXt', join('a\0\0', PDF))] }),
  ),
  refused('content.hidden_archive', 'a PNG image that is a ZIP archive too, inside its picture data', () =>
    buildPng({ data: [join(pixels, plainZip())] }),
  ),
  refused('png.private_data', 'a PNG image with five megabytes in private chunks', () =>
    buildPng({ before: [0, 1, 2].map(() => pngChunk('prIv', Buffer.alloc(1_700_000))) }),
  ),
  refused('png.checksum', 'a PNG image with a wrong checksum', () => {
    const bytes = buildPng();
    bytes[bytes.indexOf('IDAT') + 6] = (bytes[bytes.indexOf('IDAT') + 6] ?? 0) ^ 1;
    return bytes;
  }),
  refused('png.checksum', 'a PNG image with a changed size', () => {
    const bytes = buildPng();
    bytes[19] = 5;
    return bytes;
  }),
  refused('png.incomplete', 'a PNG image without its end', () => picture.subarray(0, -12)),
  refused('png.incomplete', 'a PNG image cut off in its picture', () => picture.subarray(0, 50)),
  refused('png.incomplete', 'a PNG signature alone', () => PNG_SIGNATURE),
  refused('png.no_image_data', 'a PNG image without a picture', () => buildPng({ data: null })),
  refused('png.chunk_order', 'a PNG image that does not begin with its header', () =>
    join(PNG_SIGNATURE, pngChunk('tEXt', 'a\0b'), picture.subarray(8)),
  ),
  refused('png.chunk_order', 'a PNG image with two headers', () => buildPng({ before: [pngHeader(4, 4)] })),
  refused('png.chunk_order', 'a PNG image with a chunk between its picture data', () =>
    join(picture.subarray(0, -12), pngChunk('tEXt', 'a\0b'), pngChunk('IDAT', pixels), pngChunk('IEND')),
  ),
  refused('png.chunk_order', 'a PNG image with two palettes', () =>
    buildPng({ before: [pngChunk('PLTE', noise(3)), pngChunk('PLTE', noise(3))] }),
  ),
  refused('png.chunk_order', 'a PNG image with a palette behind its picture', () =>
    buildPng({ behind: [pngChunk('PLTE', noise(3))] }),
  ),
  refused('png.chunk_order', 'a PNG image with a palette of a colour and a third', () =>
    buildPng({ before: [pngChunk('PLTE', noise(4))] }),
  ),
  refused('png.chunk_order', 'a PNG image with a palette of 257 colours', () =>
    buildPng({ before: [pngChunk('PLTE', noise(771))] }),
  ),
  refused('png.chunk_order', 'a PNG image with a header that is a byte too short', () =>
    buildPng({ header: [8, 0, 0, 0] }),
  ),
  refused('png.chunk_order', 'a PNG image with a header that is a byte too long', () =>
    buildPng({ header: [8, 0, 0, 0, 0, 0] }),
  ),
  refused('png.chunk_order', 'a PNG image with data in its end chunk', () =>
    join(picture.subarray(0, -12), pngChunk('IEND', PHP)),
  ),
  refused('png.unknown_chunk', 'a PNG image with an unknown critical chunk', () =>
    buildPng({ before: [pngChunk('ABCD', 'x')] }),
  ),
  refused('png.malformed_chunk', 'a PNG image with a chunk without a name', () =>
    buildPng({ before: [join(u32be(4), u8(0, 1, 2, 3), noise(8))] }),
  ),
  refused('png.malformed_chunk', 'a PNG image with a chunk of four gigabytes', () =>
    buildPng({ before: [join(u32be(0xffff_ff00), 'tEXt', noise(8))] }),
  ),
  refused('png.header', 'a PNG image of a bit depth that does not exist', () =>
    buildPng({ header: [3, 0, 0, 0, 0] }),
  ),
  refused('png.header', 'a PNG image of a colour type that does not exist', () =>
    buildPng({ header: [8, 5, 0, 0, 0] }),
  ),
  refused('png.header', 'a PNG image of an unknown compression', () => buildPng({ header: [8, 0, 1, 0, 0] })),
  refused('png.header', 'a PNG image of an unknown filter', () => buildPng({ header: [8, 0, 0, 1, 0] })),
  refused('png.header', 'a PNG image of an unknown interlace method', () =>
    buildPng({ header: [8, 0, 0, 0, 7] }),
  ),
  refused('png.picture_data', 'a PNG image whose picture is not compressed', () =>
    buildPng({ data: [Buffer.from('no zlib')] }),
  ),
  refused('png.too_many_chunks', 'a PNG image with two hundred thousand empty chunks', () =>
    buildPng({ behind: [Buffer.concat(Array.from({ length: 200_000 }, () => pngChunk('IDAT')))] }),
  ),
  refused('image.no_pixels', 'a PNG image of no height', () => buildPng({ height: 0 })),
  refused('image.too_many_pixels', 'a PNG image of a billion pixels', () =>
    buildPng({ width: 32_000, height: 32_000 }),
  ),
  refused('image.too_many_pixels', 'a PNG image of one row of a hundred thousand pixels', () =>
    buildPng({ width: 100_000, height: 1 }),
  ),
];

/** PNG images. */
export const PNG_SAMPLES = cases.map((make) => make('drawing.png', 'image/png'));
