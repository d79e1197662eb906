import { box, buildHeif, buildMp4, fileTypeBox, fullBox, movieBox, track } from './iso.ts';
import {
  join,
  LINUX_PROGRAM,
  noise,
  PDF,
  PHP,
  plainZip,
  SCRIPT,
  u8,
  u32be,
  u64be,
  WINDOWS_PROGRAM,
} from './parts.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const video = buildMp4();
const media = box('mdat', noise(300));
const QUICKTIME = 'video/quicktime';

const mp4Cases: readonly SampleCase[] = [
  accepted('a small MP4 video', () => video),
  accepted('an MP4 video with its media first', () => buildMp4({ boxes: [media, movieBox()] })),
  accepted('an MP4 video with sound', () => buildMp4({ boxes: [movieBox(['vide', 'soun', 'text']), media] })),
  accepted('a fragmented MP4 video', () =>
    buildMp4({
      type: fileTypeBox('iso5', 'iso5', 'dash'),
      boxes: [
        movieBox(['vide'], box('mvex', fullBox('trex', Buffer.alloc(20)))),
        fullBox('sidx', Buffer.alloc(40)),
        ...[1, 2].flatMap((part) => [
          box('moof', fullBox('mfhd', u32be(part)), box('traf', fullBox('tfhd', u32be(1)))),
          media,
        ]),
        box('mfra', fullBox('tfra', Buffer.alloc(20)), fullBox('mfro', u32be(60))),
      ],
    }),
  ),
  accepted('an MP4 video whose media has a size of 64 bits', () =>
    buildMp4({ boxes: [movieBox(), join(u32be(1), 'mdat', u64be(16 + 100), noise(100))] }),
  ),
  accepted('an MP4 video whose media reaches to the end of the file', () =>
    buildMp4({ boxes: [movieBox(), join(u32be(0), 'mdat', noise(500))] }),
  ),
  accepted('an MP4 video with free space and a user type', () =>
    buildMp4({ boxes: [box('free', Buffer.alloc(4000)), movieBox(), box('uuid', noise(200)), media] }),
  ),
  accepted('an MP4 video with user data that ends in four zeros', () =>
    buildMp4({
      boxes: [movieBox(['vide'], box('udta', box('\u00a9too', 'Lavf60'), u32be(0)), u32be(0)), media],
    }),
  ),
  accepted('an MP4 video with a box of a kind to come', () =>
    buildMp4({ boxes: [movieBox(), box('newb', noise(50)), media] }),
  ),
  accepted('an MP4 video by its compatible brand', () =>
    buildMp4({ type: fileTypeBox('XYZ1', 'isom', 'mp42') }),
  ),
  accepted('an MP4 video that is undeclared', () => video, { declared: 'application/octet-stream' }),

  refused('boxes.bytes_after_end', 'an MP4 video with a ZIP archive after its end', () =>
    join(video, plainZip()),
  ),
  refused('boxes.bytes_after_end', 'an MP4 video with a Linux program after its end', () =>
    join(video, LINUX_PROGRAM),
  ),
  refused('boxes.bytes_after_end', 'an MP4 video with a few bytes after its end', () => join(video, 'tail')),
  refused('mp4.filling', 'an MP4 video with a PHP script after its end', () => join(video, PHP)),
  refused('boxes.malformed', 'an MP4 video with noise before its movie', () =>
    buildMp4({ boxes: [noise(40), movieBox(), media] }),
  ),
  refused('boxes.bytes_after_end', 'an MP4 video with an incomplete box after its end', () =>
    join(video, box('zzzz', noise(90)).subarray(0, 50)),
  ),
  refused('mp4.incomplete', 'an MP4 video cut off in its media', () => video.subarray(0, -10)),
  refused('mp4.incomplete', 'an MP4 video cut off in its movie', () => video.subarray(0, 300)),
  refused('mp4.no_movie', 'an MP4 video without a movie', () => buildMp4({ boxes: [media] })),
  refused('mp4.no_movie', 'an MP4 video without media', () => buildMp4({ boxes: [movieBox()] })),
  refused('mp4.no_movie', 'the first box of an MP4 video alone', () => buildMp4({ boxes: [] })),
  refused('mp4.no_video', 'an MP4 file with sound only', () =>
    buildMp4({ boxes: [movieBox(['soun']), media] }),
  ),
  refused('mp4.second_movie', 'an MP4 video with two movies', () =>
    buildMp4({ boxes: [movieBox(), media, movieBox()] }),
  ),
  refused('mp4.box_order', 'an MP4 video with a second file type', () =>
    buildMp4({ boxes: [movieBox(), media, fileTypeBox('isom')] }),
  ),
  refused('mp4.box_order', 'an MP4 video whose free space reaches to the end of the file', () =>
    buildMp4({ boxes: [movieBox(), media, join(u32be(0), 'free', PHP)] }),
  ),
  refused('mp4.file_type', 'an MP4 video whose first box is a hundred kilobytes', () =>
    buildMp4({ type: fileTypeBox('isom', 'mp42', noise(100_000).toString('latin1')) }),
  ),
  refused('boxes.size', 'an MP4 video with a box that is smaller than its header', () =>
    buildMp4({ boxes: [movieBox(), join(u32be(5), 'free'), media] }),
  ),
  refused('boxes.size', 'an MP4 video with a box that is larger than the one around it', () =>
    buildMp4({ boxes: [box('moov', u32be(5000), 'mvhd', Buffer.alloc(90)), media] }),
  ),
  refused('boxes.size', 'an MP4 video with a box of more bytes than numbers count', () =>
    buildMp4({ boxes: [movieBox(), join(u32be(1), 'mdat', Buffer.alloc(8, 0xff), noise(100))] }),
  ),
  refused('boxes.size', 'an MP4 video with three stray bytes in its movie', () =>
    buildMp4({ boxes: [movieBox(['vide'], u8(1, 2, 3)), media] }),
  ),
  refused('boxes.size', 'an MP4 video with four stray bytes in its movie', () =>
    buildMp4({ boxes: [movieBox(['vide'], u8(1, 2, 3, 4)), media] }),
  ),
  refused('boxes.size', 'an MP4 video with boxes that nest without end', () => {
    let nested = track('vide');
    for (let depth = 0; depth < 20; depth += 1) nested = box('trak', nested);
    return buildMp4({ boxes: [movieBox(['vide'], nested), media] });
  }),
  refused('boxes.too_many', 'an MP4 video with a million empty boxes', () =>
    buildMp4({
      boxes: [Buffer.alloc(8_000_000, box('free')), movieBox(), media],
    }),
  ),
  refused('mp4.lead_in_filling', 'an MP4 video with a web page in its free space', () =>
    buildMp4({ boxes: [box('free', '<!DOCTYPE html><html>'), movieBox(), media] }),
  ),
  refused('mp4.lead_in_filling', 'an MP4 video with a PHP script in its user data', () =>
    buildMp4({ boxes: [movieBox(['vide'], box('udta', box('\u00a9cmt', PHP))), media] }),
  ),
  refused('mp4.lead_in_filling', 'an MP4 video with a program in a user type', () =>
    buildMp4({ boxes: [movieBox(), box('uuid', LINUX_PROGRAM), media] }),
  ),
  refused(
    'mp4.lead_in_filling',
    'an MP4 video with a small Windows program behind the name of a user type',
    () => buildMp4({ boxes: [movieBox(), media, box('uuid', noise(16), 'MZ', noise(300))] }),
  ),
  refused('mp4.lead_in_filling', 'an MP4 video with a Windows program in the middle of its free space', () =>
    buildMp4({
      boxes: [
        movieBox(),
        media,
        box('free', noise(5000), 'This program cannot be run in DOS mode.', noise(900)),
      ],
    }),
  ),
  refused('mp4.lead_in_filling', 'an MP4 video with a ZIP archive in an unknown box', () =>
    buildMp4({ boxes: [movieBox(), box('zipz', plainZip()), media] }),
  ),
  refused('mp4.filling', 'an MP4 video with seventeen megabytes of free space', () =>
    buildMp4({ boxes: [movieBox(), box('skip', Buffer.alloc(17 * 1024 * 1024)), media] }),
  ),
  refused('content.hidden_pdf', 'an MP4 video that is a PDF document too', () =>
    buildMp4({ boxes: [box('free', PDF), movieBox(), media] }),
  ),
  refused('content.hidden_archive', 'an MP4 video that is a ZIP archive too, inside its media', () =>
    buildMp4({ boxes: [movieBox(), box('mdat', plainZip())] }),
  ),
  refused('content.another_type', 'a QuickTime video named .mp4', () =>
    buildMp4({ type: fileTypeBox('qt  ', 'qt  ') }),
  ),
  refused('content.another_type', 'an AVIF image named .mp4', () => buildHeif()),
  refused('content.another_type', 'an MP4 sound file named .mp4', () =>
    buildMp4({ type: fileTypeBox('M4A ', 'M4A ', 'mp42') }),
  ),
  refused('declared.not_accepted', 'an MP4 video declared as QuickTime', () => video, {
    declared: QUICKTIME,
  }),
];

const image = buildHeif();

const avifCases: readonly SampleCase[] = [
  accepted('a small AVIF image', () => image),
  accepted('an AVIF image that says mif1 first', () =>
    buildHeif({ type: fileTypeBox('mif1', 'avif', 'miaf') }),
  ),
  accepted('an AVIF image with its data beside its metadata', () =>
    buildHeif({ inMetadata: [box('idat', noise(40))], boxes: [] }),
  ),
  accepted('an AVIF image with free space', () =>
    buildHeif({ boxes: [box('free', Buffer.alloc(90)), box('mdat', noise(50))] }),
  ),
  accepted('an AVIF image whose data reaches to the end of the file', () =>
    buildHeif({ boxes: [join(u32be(0), 'mdat', noise(50))] }),
  ),
  accepted('an AVIF sequence', () =>
    buildHeif({
      type: fileTypeBox('avis', 'avis', 'avif', 'msf1'),
      boxes: [movieBox(['pict']), box('mdat', noise(90))],
    }),
  ),

  ...[Buffer.alloc(100), Buffer.alloc(3), Buffer.alloc(5000, ' '), Buffer.alloc(8, 0xff)].map((padding) =>
    accepted(`an AVIF image with ${padding.length} bytes of padding`, () => join(image, padding)),
  ),
  refused('image.bytes_after_end', 'an AVIF image with a script behind padding', () =>
    join(image, Buffer.alloc(100), PHP),
  ),
  refused('image.bytes_after_end', 'an AVIF image with too much padding', () =>
    join(image, Buffer.alloc(1024 * 1024 + 9)),
  ),
  refused('boxes.bytes_after_end', 'an AVIF image with three stray bytes after its end', () =>
    join(image, 'abc'),
  ),
  refused('boxes.bytes_after_end', 'an AVIF image with a ZIP archive after its end', () =>
    join(image, plainZip()),
  ),
  refused('heif.filling', 'an AVIF image with a PHP script after its end', () => join(image, PHP)),
  refused('boxes.bytes_after_end', 'an AVIF image with an incomplete box after its end', () =>
    join(image, box('zzzz', noise(90)).subarray(0, 50)),
  ),
  refused('heif.incomplete', 'an AVIF image cut off in its data', () => image.subarray(0, -20)),
  refused('heif.no_image_data', 'an AVIF image without data', () => buildHeif({ boxes: [] })),
  refused('heif.no_image_data', 'an AVIF file whose handler is no picture', () =>
    buildHeif({ handler: 'soun' }),
  ),
  refused('heif.file_type', 'an AVIF image whose first box is too large', () =>
    buildHeif({ type: fileTypeBox('avif', noise(4000).toString('latin1')) }),
  ),
  refused('heif.metadata_size', 'an AVIF image with five megabytes of metadata', () =>
    buildHeif({ inMetadata: [box('iref', Buffer.alloc(5 * 1024 * 1024))] }),
  ),
  refused('heif.filling', 'an AVIF image with two megabytes of free space', () =>
    buildHeif({ boxes: [box('mdat', noise(50)), box('free', Buffer.alloc(2 * 1024 * 1024))] }),
  ),
  refused('heif.lead_in_filling', 'an AVIF image with a PHP script in its free space', () =>
    buildHeif({ boxes: [box('mdat', noise(50)), box('free', PHP)] }),
  ),
  refused('heif.lead_in_filling', 'an AVIF image with a web page in an unknown box of its metadata', () =>
    buildHeif({ inMetadata: [box('uuid', SCRIPT)] }),
  ),
  refused('heif.lead_in_filling', 'an AVIF image with a Windows program behind the name of a user type', () =>
    join(buildHeif(), box('uuid', noise(16), WINDOWS_PROGRAM)),
  ),
  refused('content.hidden_script', 'an AVIF image with a browser script in its data', () =>
    buildHeif({ boxes: [box('mdat', SCRIPT)] }),
  ),
  refused('content.hidden_pdf', 'an AVIF image that is a PDF document too', () =>
    buildHeif({ boxes: [box('mdat', PDF)] }),
  ),
  refused('content.hidden_archive', 'an AVIF image that is a ZIP archive too', () =>
    buildHeif({ boxes: [box('mdat', plainZip())] }),
  ),
  refused('image.no_pixels', 'an AVIF image of no width', () => buildHeif({ width: 0 })),
  refused('image.too_many_pixels', 'an AVIF image of four billion pixels', () =>
    buildHeif({ width: 65_535, height: 65_535 }),
  ),
  refused('content.another_type', 'a HEIC image named .avif', () =>
    buildHeif({ type: fileTypeBox('heic', 'mif1', 'heic') }),
  ),
  refused('content.another_type', 'an MP4 video named .avif', () => video),
];

/** MP4 videos. */
export const MP4_SAMPLES = mp4Cases.map((make) => make('clip.mp4', 'video/mp4'));
/** AVIF images. */
export const AVIF_SAMPLES = avifCases.map((make) => make('lake.avif', 'image/avif'));
