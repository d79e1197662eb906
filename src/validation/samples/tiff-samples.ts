import { KIB, MIB } from '../../core/bytes.ts';
import { join, noise, PDF, PHP, plainZip, SCRIPT, u8, u16le, u32le, WINDOWS_PROGRAM } from './parts.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';
import { buildPointers, buildTiff } from './tiff.ts';

const scan = buildTiff();
const [ASCII, LONG, SHORT] = [2, 4, 3];

/** Changes the first directory's link to the next one (one strip, no more fields). */
function linkedTo(bytes: Buffer, next: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(next, copy.length - 4);
  return copy;
}

const cases: readonly SampleCase[] = [
  accepted('a TIFF image with its directory at the end', () => scan),
  accepted('a TIFF image with its directory at the beginning', () => buildTiff({ directoryFirst: true })),
  accepted('a big-endian TIFF image', () => buildTiff({ isBigEndian: true, strips: 3 })),
  accepted('a TIFF image of many strips', () => buildTiff({ strips: 20 })),
  accepted('a TIFF image of many strips with its directory first', () =>
    buildTiff({ strips: 20, directoryFirst: true }),
  ),
  accepted('a BigTIFF image', () => buildTiff({ isBig: true, strips: 4 })),
  accepted('a big-endian BigTIFF image of two pages', () =>
    buildTiff({ isBig: true, isBigEndian: true, pages: 2 }),
  ),
  accepted('a scan of thirty pages', () => buildTiff({ pages: 30, strips: 2 })),
  accepted('a scan of thirty pages with directories first', () =>
    buildTiff({ pages: 30, strips: 2, directoryFirst: true }),
  ),
  accepted('a TIFF image with a description and its maker', () =>
    buildTiff({
      fields: [
        [270, ASCII, join('Invoice 4711, scanned\0')],
        [271, ASCII, join('Canon\0')],
        [296, SHORT, u16le(2)],
      ],
    }),
  ),
  accepted('a TIFF image with its description behind the directory', () =>
    buildTiff({ directoryFirst: true, fields: [[270, ASCII, join('x'.repeat(70_000), '\0')]] }),
  ),
  accepted('a TIFF image with lists a hundred kilobytes before its directory', () =>
    buildTiff({ strips: 5, gapBytes: 100_000 }),
  ),
  accepted('a TIFF image padded with zeros', () => buildTiff({ after: Buffer.alloc(100) })),
  accepted('a TIFF image named .tif', () => scan, { filename: 'scan.tif' }),

  refused('image.bytes_after_end', 'a TIFF image with a ZIP archive after its end', () =>
    join(scan, plainZip()),
  ),
  refused('image.bytes_after_end', 'a TIFF image with a PHP script after its end', () => join(scan, PHP)),
  refused('image.bytes_after_end', 'a TIFF image with a program after its end', () =>
    join(scan, WINDOWS_PROGRAM),
  ),
  refused(
    'image.bytes_after_end',
    'a TIFF image with its directory first and a payload after its pixels',
    () => buildTiff({ directoryFirst: true, strips: 3, after: join(PHP) }),
  ),
  refused('image.bytes_after_end', 'a TIFF image followed by another', () => join(scan, scan)),
  refused('tiff.incomplete', 'a TIFF image cut off in its directory', () => scan.subarray(0, -5)),
  refused('tiff.incomplete', 'a TIFF image cut off in its pixels', () =>
    buildTiff({ directoryFirst: true }).subarray(0, -5),
  ),
  refused('tiff.incomplete', 'a TIFF signature alone', () => scan.subarray(0, 4)),
  refused('tiff.incomplete', 'a TIFF image whose directory lies beyond its end', () =>
    join('II', u16le(42), u32le(90_000), noise(200)),
  ),
  refused('tiff.no_image_data', 'a TIFF image without pixels', () => buildTiff({ isWithoutPixels: true })),
  refused('tiff.field', 'a TIFF image with a field of an unknown kind', () =>
    buildTiff({ fields: [[700, 99, u8(1)]] }),
  ),
  refused('tiff.directory_loop', 'a TIFF image whose directory links to itself', () =>
    linkedTo(scan, scan.readUInt32LE(4)),
  ),
  refused('tiff.directory_size', 'a TIFF image with an empty directory', () =>
    join('II', u16le(42), u32le(8), u16le(0), u32le(0)),
  ),
  refused('tiff.directory_size', 'a TIFF image with a directory of ten thousand fields', () =>
    join('II', u16le(42), u32le(8), u16le(10_000), noise(9000)),
  ),
  refused('tiff.directory_size', 'a TIFF image with a list of a million strips', () =>
    buildTiff({
      fields: [
        [324, LONG, Buffer.alloc(4_000_000)],
        [325, LONG, u32le(1)],
      ],
    }),
  ),
  refused('tiff.layout', 'a TIFF image with lists far behind its directory', () =>
    buildTiff({ strips: 5, gapBytes: 600_000 }),
  ),
  refused('tiff.too_complex', 'a scan of two thousand pages', () => buildTiff({ pages: 2000 })),
  refused('tiff.too_complex', 'a TIFF image with seventeen megabytes of small metadata', () =>
    buildPointers([Array.from({ length: 272 }, (_, field) => [60_000 + field, 7, 64 * KIB] as const)]),
  ),
  refused('tiff.too_complex', 'a TIFF image whose list of strips has 33 MiB', () =>
    buildPointers([[[273, LONG, (33 * MIB) / 4]]]),
  ),
  refused('tiff.too_complex', 'a TIFF image of seventeen thousand small pieces', () =>
    buildPointers(
      Array.from({ length: 40 }, () =>
        Array.from({ length: 425 }, (_, field) => [60_000 + field, 7, 8] as const),
      ),
    ),
  ),
  refused('tiff.too_complex', 'a TIFF image with a value behind the end of all numbers', () =>
    buildPointers([[[65_000, 7, 2 ** 60]]], true),
  ),
  refused('tiff.lead_in_metadata', 'a TIFF image with a PHP script in its description', () =>
    buildTiff({ fields: [[270, ASCII, join(PHP)]] }),
  ),
  refused('tiff.lead_in_metadata', 'a TIFF image with a browser script in its XMP metadata', () =>
    buildTiff({ directoryFirst: true, fields: [[700, 1, join(SCRIPT)]] }),
  ),
  refused('tiff.lead_in_metadata', 'a TIFF image with a ZIP archive in a private field', () =>
    buildTiff({ fields: [[65_000, 7, plainZip()]] }),
  ),
  refused('content.hidden_script', 'a TIFF image with a PHP script between its parts', () =>
    join(scan.subarray(0, 4), u32le(scan.readUInt32LE(4) + PHP.length + 1), PHP, '\0', scan.subarray(8)),
  ),
  refused('content.hidden_pdf', 'a TIFF image that is a PDF document too', () =>
    join(scan.subarray(0, 4), u32le(scan.readUInt32LE(4) + PDF.length), PDF, scan.subarray(8)),
  ),
  refused('content.hidden_archive', 'a TIFF image that is a ZIP archive too', () =>
    join(scan.subarray(0, 4), u32le(scan.readUInt32LE(4) + plainZip().length), plainZip(), scan.subarray(8)),
  ),
  refused('image.no_pixels', 'a TIFF image of no height', () => buildTiff({ height: 0 })),
  refused('image.too_many_pixels', 'a TIFF image of a hundred thousand pixels a side', () =>
    buildTiff({ width: 100_000, height: 100_000 }),
  ),
];

/** TIFF images. */
export const TIFF_SAMPLES = cases.map((make) => make('scan.tiff', 'image/tiff'));
