import { box, buildMp4, fileTypeBox, movieBox } from './iso.ts';
import {
  buildJpeg,
  exifSegment,
  jpegFrame,
  jpegSegment,
  motionPhotoSegment,
  mpfSegment,
  samsungTrailer,
  xmpSegment,
} from './jpeg.ts';
import { join, LINUX_PROGRAM, noise, PDF, PHP, plainZip, SCRIPT, u8, WINDOWS_PROGRAM } from './parts.ts';
import { buildPng } from './png.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const picture = buildJpeg();
const video = buildMp4();
const microVideo = xmpSegment(`GCamera:MicroVideo="1" GCamera:MicroVideoOffset="${video.length}"`);
/** Coded data with every byte that means something to a scan: stuffing, restarts, fill bytes. */
const busyScan = join(
  noise(500).map((byte) => (byte === 0xff ? 0xfe : byte)) as Buffer,
  u8(0xff, 0x00, 0xff, 0xd0, 0x12, 0xff, 0xd7, 0xff, 0x00),
);

/** The image with a segment that says that it is not even as long as its length. */
function ofNoLength(image: Buffer, marker: Buffer): Buffer {
  image.fill(0, image.indexOf(marker) + 2, image.indexOf(marker) + 4);
  return image;
}

const cases: readonly SampleCase[] = [
  accepted('a small JPEG image', () => picture),
  accepted('a progressive JPEG image with several scans', () =>
    buildJpeg({ scans: [busyScan, busyScan, u8(0x3f)] }),
  ),
  accepted('a JPEG image with stuffed bytes and restart markers', () => buildJpeg({ scans: [busyScan] })),
  accepted('a JPEG image with fill bytes before a marker', () =>
    buildJpeg({ end: u8(0xff, 0xff, 0xff, 0xd9) }),
  ),
  accepted('a JPEG image whose height is told after the first scan', () =>
    buildJpeg({ height: 0, end: u8(0xff, 0xdc, 0, 4, 0, 8, 0xff, 0xd9) }),
  ),
  accepted('a JPEG image with a comment', () =>
    buildJpeg({ metadata: [jpegSegment(0xfe, 'On the beach, 3 < 4 & 5 > 2')] }),
  ),
  accepted('a JPEG image with XMP metadata', () => buildJpeg({ metadata: [xmpSegment('dc:title="Beach"')] })),
  accepted('a JPEG image with a colour profile of noise', () =>
    buildJpeg({ metadata: [jpegSegment(0xe2, join('ICC_PROFILE\0', u8(1, 1), noise(40_000)))] }),
  ),
  accepted('a JPEG image with a thumbnail in its Exif metadata', () =>
    buildJpeg({ metadata: [exifSegment('Canon', picture)] }),
  ),
  accepted('a JPEG image padded with zeros', () => buildJpeg({ after: Buffer.alloc(5000) })),
  accepted('a JPEG image padded with ones and a line break', () =>
    buildJpeg({ after: join(Buffer.alloc(300, 0xff), '\r\n') }),
  ),
  accepted('a multi-picture JPEG file', () => join(buildJpeg({ metadata: [mpfSegment(2)] }), picture)),
  accepted('a multi-picture JPEG file in little-endian order with padding between', () =>
    join(
      buildJpeg({ metadata: [mpfSegment(3, true)] }),
      Buffer.alloc(64),
      picture,
      Buffer.alloc(9),
      picture,
      Buffer.alloc(9),
    ),
  ),
  accepted('a multi-picture JPEG file that lost its pictures', () =>
    buildJpeg({ metadata: [mpfSegment(2)] }),
  ),
  accepted('a JPEG image with a gain map that its container directory declares', () =>
    join(
      buildJpeg({
        metadata: [
          xmpSegment('', '<Container:Item Item:Mime="image/jpeg"/><Container:Item Item:Mime="image/jpeg"/>'),
        ],
      }),
      picture,
    ),
  ),
  accepted('a motion photo', () => join(buildJpeg({ metadata: [motionPhotoSegment(video.length)] }), video)),
  accepted('a motion photo in the older form', () => join(buildJpeg({ metadata: [microVideo] }), video)),
  accepted('a motion photo whose video begins with a box of 32 bytes', () =>
    join(
      buildJpeg({ metadata: [microVideo] }),
      buildMp4({ type: fileTypeBox('isom', 'isom', 'iso2', 'avc1', 'mp41') }),
    ),
  ),
  accepted('a motion photo with a gain map before the video', () =>
    join(buildJpeg({ metadata: [mpfSegment(2), motionPhotoSegment(video.length)] }), picture, video),
  ),
  accepted('a photo with the trailer of a Samsung camera', () =>
    join(
      buildJpeg({ metadata: [exifSegment('samsung')] }),
      samsungTrailer([['Image_UTC_Data', Buffer.from('1700000000000')]]),
    ),
  ),
  accepted('a motion photo of a Samsung camera', () =>
    join(
      buildJpeg({ metadata: [exifSegment('samsung')] }),
      samsungTrailer([
        ['Image_UTC_Data', Buffer.from('1700000000000')],
        ['MotionPhoto_Data', video],
      ]),
    ),
  ),
  accepted('a photo of a Samsung camera without a trailer', () =>
    buildJpeg({ metadata: [exifSegment('samsung')] }),
  ),
  accepted('a JPEG image of the longest side', () => buildJpeg({ width: 65_500, height: 4000 })),

  refused('jpeg.undeclared_part', 'a JPEG image with a ZIP archive after its end', () =>
    join(picture, plainZip()),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image with a PHP script after its end', () => join(picture, PHP)),
  refused('jpeg.undeclared_part', 'a JPEG image with a web page after its end', () => join(picture, SCRIPT)),
  refused('jpeg.undeclared_part', 'a JPEG image with a Windows program after its end', () =>
    join(picture, WINDOWS_PROGRAM),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image with a Linux program after its end', () =>
    join(picture, LINUX_PROGRAM),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image with a PDF document after its end', () =>
    join(buildJpeg({ scans: [Buffer.alloc(2000, 0x3f)] }), PDF),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image with one stray byte after its end', () => join(picture, 'x')),
  refused('jpeg.undeclared_part', 'a JPEG image with a payload behind padding', () =>
    join(picture, Buffer.alloc(4096), PHP),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image with a RAR archive after its end', () =>
    join(picture, 'Rar!', u8(0x1a, 7, 0), noise(50)),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image with too much padding', () =>
    join(picture, Buffer.alloc(1024 * 1024 + 1)),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image followed by another that nothing declares', () =>
    join(picture, picture),
  ),
  refused('jpeg.undeclared_part', 'a JPEG image followed by a PNG image', () => join(picture, buildPng())),
  refused('jpeg.undeclared_part', 'a JPEG image followed by a video that nothing declares', () =>
    join(picture, video),
  ),
  refused('jpeg.undeclared_part', 'a multi-picture JPEG file with one picture too many', () =>
    join(buildJpeg({ metadata: [mpfSegment(2)] }), picture, picture),
  ),
  refused('jpeg.undeclared_part', 'a multi-picture JPEG file with an archive for a picture', () =>
    join(buildJpeg({ metadata: [mpfSegment(2)] }), plainZip()),
  ),
  refused('jpeg.undeclared_part', 'a multi-picture JPEG file with a script after its pictures', () =>
    join(buildJpeg({ metadata: [mpfSegment(2)] }), picture, PHP),
  ),
  refused('jpeg.incomplete', 'a multi-picture JPEG file whose second picture is cut off', () =>
    join(buildJpeg({ metadata: [mpfSegment(2)] }), picture.subarray(0, 60)),
  ),
  refused('jpeg.undeclared_part', 'a motion photo with an archive for a video', () =>
    join(buildJpeg({ metadata: [motionPhotoSegment(500)] }), plainZip()),
  ),
  refused('mp4.no_movie', 'a motion photo with a video without a movie', () =>
    join(
      buildJpeg({ metadata: [motionPhotoSegment(500)] }),
      fileTypeBox('isom', 'isom'),
      box('mdat', noise(50)),
    ),
  ),
  refused('boxes.bytes_after_end', 'a motion photo with a script after its video', () =>
    join(buildJpeg({ metadata: [motionPhotoSegment(500)] }), video, u8(0, 0, 1, 0, 1, 2, 3, 4), PHP),
  ),
  refused('mp4.lead_in_filling', 'a motion photo with a script inside its video', () =>
    join(
      buildJpeg({ metadata: [microVideo] }),
      buildMp4({ boxes: [movieBox(), box('mdat', noise(9)), box('free', SCRIPT)] }),
    ),
  ),
  refused('jpeg.undeclared_part', 'a trailer in the manner of Samsung behind another camera’s photo', () =>
    join(
      buildJpeg({ metadata: [exifSegment('Canon')] }),
      samsungTrailer([['Image_UTC_Data', Buffer.from('17')]]),
    ),
  ),
  refused('jpeg.undeclared_part', 'a Samsung trailer without its directory', () =>
    join(
      buildJpeg({ metadata: [exifSegment('samsung')] }),
      samsungTrailer([['Image_UTC_Data', noise(90)]]).subarray(0, -8),
    ),
  ),
  refused('jpeg.undeclared_part', 'a Samsung trailer whose directory leaves bytes out', () =>
    join(
      buildJpeg({ metadata: [exifSegment('samsung')] }),
      u8(0, 0, 0x30, 0x0a, 1, 0, 0, 0),
      noise(30),
      samsungTrailer([['Image_UTC_Data', Buffer.from('17')]]),
    ),
  ),
  refused('jpeg.lead_in_trailer', 'a Samsung trailer that holds a PHP script', () =>
    join(
      buildJpeg({ metadata: [exifSegment('samsung')] }),
      samsungTrailer([['Image_UTC_Data', Buffer.from(PHP)]]),
    ),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with a PHP script in a comment', () =>
    buildJpeg({ metadata: [jpegSegment(0xfe, PHP)] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with a short PHP tag in a comment', () =>
    buildJpeg({ metadata: [jpegSegment(0xfe, '<?=`$_GET[0]`?>')] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with an ASP tag in a comment', () =>
    buildJpeg({ metadata: [jpegSegment(0xfe, '<%=`$_GET[0]`?>')] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with an event handler in a comment', () =>
    buildJpeg({ metadata: [jpegSegment(0xfe, '"><img src=x onerror=alert(1)>')] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with a browser script in its Exif metadata', () =>
    buildJpeg({ metadata: [exifSegment(SCRIPT)] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with a ZIP archive in an application segment', () =>
    buildJpeg({ metadata: [jpegSegment(0xed, join('Photoshop 3.0\0', plainZip()))] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with a program at the start of an application segment', () =>
    buildJpeg({ metadata: [jpegSegment(0xef, WINDOWS_PROGRAM)] }),
  ),
  refused('jpeg.lead_in_metadata', 'a JPEG image with a web page in a quantisation table', () =>
    buildJpeg({ metadata: [jpegSegment(0xdb, join(u8(0), '<html><body>', Buffer.alloc(60)))] }),
  ),
  refused('content.hidden_script', 'a JPEG image with a PHP script in its pixels', () =>
    buildJpeg({ scans: [join(u8(0x3f), PHP, u8(0x3f))] }),
  ),
  refused('content.hidden_pdf', 'a JPEG image that is a PDF document too', () =>
    buildJpeg({ metadata: [jpegSegment(0xfe, PDF)] }),
  ),
  refused('content.hidden_archive', 'a JPEG image that is a ZIP archive too, by a comment at its end', () =>
    buildJpeg({ end: join(jpegSegment(0xee, join('Adobe', plainZip().subarray(36))), u8(0xff, 0xd9)) }),
  ),
  refused('jpeg.script_comment', 'a JPEG image that is a script too', () =>
    join(u8(0xff, 0xd8, 0xff, 0xe0, 0x2f, 0x2a), Buffer.alloc(0x2f2a - 2), picture.subarray(2)),
  ),
  refused('jpeg.incomplete', 'a JPEG image cut off in its pixels', () => picture.subarray(0, -2)),
  refused('jpeg.incomplete', 'a JPEG image cut off in a segment', () => picture.subarray(0, 40)),
  refused('jpeg.incomplete', 'a JPEG image of three bytes', () => u8(0xff, 0xd8, 0xff)),
  refused('jpeg.incomplete', 'a JPEG image that ends in the middle of its end marker', () =>
    picture.subarray(0, -1),
  ),
  refused('jpeg.no_image_data', 'a JPEG image without a scan', () => buildJpeg({ scans: [] })),
  refused('jpeg.scan_before_frame', 'a JPEG image with a scan before its frame', () =>
    join(u8(0xff, 0xd8), jpegSegment(0xda, u8(1, 1, 0, 0, 63, 0)), u8(0x3f, 0xff, 0xd9)),
  ),
  refused('jpeg.second_frame', 'a JPEG image with two frames', () =>
    buildJpeg({ metadata: [jpegFrame(8, 8)] }),
  ),
  refused('jpeg.frame', 'a JPEG image with an impossible frame', () =>
    buildJpeg({ metadata: [jpegSegment(0xc2, u8(8, 0, 8, 0, 8, 3))] }),
  ),
  refused('jpeg.malformed_segment', 'a JPEG image with bytes between its segments', () =>
    buildJpeg({ metadata: [Buffer.from('stray bytes')] }),
  ),
  refused('jpeg.malformed_segment', 'a JPEG image with a segment of an impossible length', () =>
    buildJpeg({ metadata: [u8(0xff, 0xe5, 0, 1)] }),
  ),
  refused('jpeg.malformed_segment', 'a JPEG image whose scan has a header of no length', () =>
    ofNoLength(buildJpeg(), u8(0xff, 0xda)),
  ),
  refused('jpeg.malformed_segment', 'a JPEG image whose frame has no length', () =>
    ofNoLength(buildJpeg(), u8(0xff, 0xc0)),
  ),
  refused('jpeg.unknown_segment', 'a JPEG image with a second start marker', () =>
    buildJpeg({ metadata: [u8(0xff, 0xd8)] }),
  ),
  refused('jpeg.unknown_segment', 'a JPEG image with a reserved marker', () =>
    buildJpeg({ metadata: [jpegSegment(0x4f, 'ab')] }),
  ),
  refused('jpeg.too_many_segments', 'a JPEG image with twenty thousand empty segments', () =>
    buildJpeg({ metadata: Array.from({ length: 20_001 }, () => jpegSegment(0xe9, '')) }),
  ),
  refused('image.no_pixels', 'a JPEG image of no width', () => buildJpeg({ width: 0 })),
  refused('image.too_many_pixels', 'a JPEG image of four billion pixels', () =>
    buildJpeg({ width: 65_535, height: 65_535 }),
  ),
];

/** JPEG images. */
export const JPEG_SAMPLES = cases.map((make) => make('photo.jpg', 'image/jpeg'));
