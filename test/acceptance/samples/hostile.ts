import { docx, zip } from './archives.ts';
import { noise, u16 } from './bits.ts';
import { pdf } from './documents.ts';
import { gif, jpeg, png, pngChunk, webp } from './images.ts';
import { type Sample, sample } from './index.ts';
import { avif, box, mp4 } from './media.ts';

/** A file that must be refused: for which asset type, and with which codes (the first is what DESIGN.md suggests). */
export interface HostileFile {
  readonly title: string;
  readonly assetType: string;
  readonly file: Sample;
  readonly codes: readonly string[];
}

const DISGUISED = ['file_type_mismatch', 'suspicious_content'];
const SUSPICIOUS = ['suspicious_content'];
const MISMATCH = ['file_type_mismatch'];
const NOT_ACCEPTED = ['invalid_file_type'];
const BROKEN = ['suspicious_content', 'file_type_mismatch'];

const WINDOWS_PROGRAM = Buffer.concat([
  Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0', 'latin1'),
  Buffer.alloc(44),
  Buffer.from([0x80, 0, 0, 0]),
  Buffer.alloc(64),
  Buffer.from('PE\0\0'),
  noise(200),
]);
const LINUX_PROGRAM = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'), noise(200)]);
const PHP = '<?php system($_GET["c"]); ?>';
const HTML = '<!DOCTYPE html><html><body><script>alert(1)</script></body></html>';
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const ARCHIVE = zip([{ name: 'payload.exe', data: WINDOWS_PROGRAM }]);

function joined(...parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

function hostile(
  title: string,
  assetType: string,
  filename: string,
  mediaType: string,
  bytes: Buffer | string,
  codes: readonly string[],
): HostileFile {
  return { title, assetType, file: { filename, mediaType, bytes: Buffer.from(bytes) }, codes };
}

function picture(
  title: string,
  filename: string,
  bytes: Buffer | string,
  codes: readonly string[],
): HostileFile {
  const extension = filename.split('.').at(-1) ?? '';
  const mediaType = `image/${extension.replace('jpg', 'jpeg')}`;
  return hostile(title, 'image', filename, mediaType, bytes, codes);
}

function document(
  title: string,
  filename: string,
  mediaType: string,
  bytes: Buffer | string,
  codes = BROKEN,
) {
  return hostile(title, 'study_material', filename, mediaType, bytes, codes);
}

function archive(title: string, bytes: Buffer, codes = SUSPICIOUS): HostileFile {
  return hostile(title, 'lora_training', 'set.zip', 'application/zip', bytes, codes);
}

/** Pictures that are something else, or something else as well. */
export function hostilePictures(): readonly HostileFile[] {
  const comment = (text: string) =>
    joined(jpeg().subarray(0, 2), Buffer.from([0xff, 0xfe]), u16(text.length + 2), text, jpeg().subarray(2));
  return [
    picture('a Windows program called .jpg', 'photo.jpg', WINDOWS_PROGRAM, DISGUISED),
    picture('a Linux program called .png', 'photo.png', LINUX_PROGRAM, DISGUISED),
    picture('a shell script called .jpg', 'photo.jpg', '#!/bin/sh\nrm -rf /\n', DISGUISED),
    picture('HTML called .gif', 'photo.gif', HTML, DISGUISED),
    picture('SVG called .png', 'photo.png', SVG, DISGUISED),
    picture('a zip called .webp', 'photo.webp', ARCHIVE, DISGUISED),
    picture('a PDF called .avif', 'photo.avif', pdf(), DISGUISED),
    picture('an MP4 called .avif', 'photo.avif', mp4(), DISGUISED),
    picture('noise called .jpg', 'photo.jpg', noise(4000), DISGUISED),
    picture('one byte called .png', 'photo.png', 'x', DISGUISED),
    picture('a JPEG with a zip appended', 'photo.jpg', joined(jpeg(), ARCHIVE), SUSPICIOUS),
    picture('a JPEG with PHP appended', 'photo.jpg', joined(jpeg(), PHP), SUSPICIOUS),
    picture('a JPEG with a program appended', 'photo.jpg', joined(jpeg(), WINDOWS_PROGRAM), SUSPICIOUS),
    picture('a JPEG with PHP in its comment', 'photo.jpg', comment(PHP), SUSPICIOUS),
    picture(
      'a JPEG cut in the middle',
      'photo.jpg',
      jpeg({ width: 256, height: 256 }).subarray(0, 300),
      BROKEN,
    ),
    picture('a JPEG of three bytes', 'photo.jpg', jpeg().subarray(0, 3), BROKEN),
    picture('a PNG with PHP after its end', 'photo.png', joined(png(), PHP), SUSPICIOUS),
    picture('a PNG with a zip after its end', 'photo.png', joined(png(), ARCHIVE), SUSPICIOUS),
    picture('a PNG with HTML after its end', 'photo.png', joined(png(), HTML), SUSPICIOUS),
    picture('a PNG cut before its end', 'photo.png', png().subarray(0, -12), BROKEN),
    picture('a PNG of its signature only', 'photo.png', png().subarray(0, 8), BROKEN),
    picture(
      'a PNG with PHP in a text chunk',
      'photo.png',
      joined(png().subarray(0, 33), pngChunk('tEXt', joined('Comment\0', PHP)), png().subarray(33)),
      SUSPICIOUS,
    ),
    picture('a GIF with a script after its end', 'photo.gif', joined(gif(), HTML), SUSPICIOUS),
    picture('a GIF cut before its end', 'photo.gif', gif().subarray(0, -6), BROKEN),
    picture('a GIF that is JavaScript', 'photo.gif', 'GIF89a/*\0\0*/=alert(1)//;', BROKEN),
    picture('a WebP with a zip after its end', 'photo.webp', joined(webp(), ARCHIVE), SUSPICIOUS),
    picture(
      'a WebP that announces more than it holds',
      'photo.webp',
      webp({ width: 9 }).subarray(0, 24),
      BROKEN,
    ),
    picture('an AVIF with a program after its end', 'photo.avif', joined(avif(), WINDOWS_PROGRAM), BROKEN),
    picture('an AVIF cut in the middle', 'photo.avif', avif().subarray(0, 200), BROKEN),
    hostile('SVG, which is not accepted', 'image', 'logo.svg', 'image/svg+xml', SVG, NOT_ACCEPTED),
    hostile('HTML declared as what it is', 'image', 'page.html', 'text/html', HTML, NOT_ACCEPTED),
    hostile('a GIF as a brand image', 'brand_image', 'a.gif', 'image/gif', gif(), NOT_ACCEPTED),
    hostile('a picture declared as another', 'image', 'a.png', 'image/jpeg', png(), MISMATCH),
    hostile('a picture named as another', 'image', 'a.jpg', 'image/png', png(), MISMATCH),
    hostile('a picture declared and named as another', 'image', 'a.jpg', 'image/jpeg', png(), MISMATCH),
    hostile('a picture with two extensions, the last one bad', 'image', 'a.png.exe', 'image/png', png(), [
      'invalid_file_type',
      'file_type_mismatch',
    ]),
    hostile('a picture without an extension', 'image', 'picture', 'image/png', png(), [
      'invalid_file_type',
      'invalid_filename',
      'file_type_mismatch',
    ]),
  ];
}

/** Documents with something in them that acts. */
export function hostileDocuments(): readonly HostileFile[] {
  const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
  const pdfWith = (title: string, catalog: string, objects: readonly string[] = []) =>
    document(title, 'a.pdf', 'application/pdf', pdf({ catalog, objects }), SUSPICIOUS);
  const embedded = [
    '<< /Type /Filespec /F (a.exe) /EF << /F 7 0 R >> >>',
    '<< /Type /EmbeddedFile /Length 2 >>\nstream\nMZ\nendstream',
  ];
  return [
    document('HTML called .txt', 'a.txt', 'text/plain', HTML),
    document('HTML called .md', 'a.md', 'text/markdown', `\n  ${HTML}`),
    document('a script called .txt', 'a.txt', 'text/plain', '#!/bin/bash\ncurl x | sh\n'),
    document('PHP called .txt', 'a.txt', 'text/plain', PHP),
    document('binary called .txt', 'a.txt', 'text/plain', noise(3000)),
    document('text with NUL', 'a.txt', 'text/plain', 'hello\0world'),
    document('a program called .txt', 'a.txt', 'text/plain', WINDOWS_PROGRAM),
    document('text called .pdf', 'a.pdf', 'application/pdf', 'This is no PDF.', DISGUISED),
    document('a zip called .docx', 'a.docx', word, zip([{ name: 'a.txt', data: 'a' }]), DISGUISED),
    document('a .docx called .pptx', 'a.pptx', sample('pptx').mediaType, docx(), MISMATCH),
    document(
      'a .docx with a macro',
      'a.docx',
      word,
      docx('x', [{ name: 'word/vbaProject.bin', data: noise(500) }]),
      SUSPICIOUS,
    ),
    document('a .docm', 'a.docm', 'application/vnd.ms-word.document.macroEnabled.12', docx(), NOT_ACCEPTED),
    document(
      'a .docx with an entry that climbs',
      'a.docx',
      word,
      docx('x', [{ name: '../../evil.xml', data: 'x' }]),
      SUSPICIOUS,
    ),
    pdfWith('a PDF that launches a program', '/OpenAction << /S /Launch /F (cmd.exe) >> '),
    pdfWith('a PDF with JavaScript on opening', '/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> '),
    pdfWith(
      'a PDF with an embedded file',
      '/Names << /EmbeddedFiles << /Names [(a.exe) 6 0 R] >> >> ',
      embedded,
    ),
    pdfWith('a PDF that hides /Launch in hexadecimal', '/OpenAction << /S /L#61unch /F (cmd.exe) >> '),
    document('a PDF with HTML in front', 'a.pdf', 'application/pdf', joined(HTML, pdf())),
    document(
      'a PDF with a program after its end',
      'a.pdf',
      'application/pdf',
      joined(pdf(), WINDOWS_PROGRAM),
    ),
    document('a PDF with a zip after its end', 'a.pdf', 'application/pdf', joined(pdf(), ARCHIVE)),
    document('a PDF cut in the middle', 'a.pdf', 'application/pdf', pdf().subarray(0, 200)),
    hostile('an XML that is HTML', 'invoice', 'a.xml', 'application/xml', HTML, BROKEN),
    hostile('an XML that is SVG with a script', 'invoice', 'a.xml', 'application/xml', SVG, BROKEN),
    hostile(
      'an XML with entities that grow',
      'invoice',
      'a.xml',
      'application/xml',
      '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
      BROKEN,
    ),
    hostile('text called .xml', 'invoice', 'a.xml', 'application/xml', 'no markup here', BROKEN),
  ];
}

/** Archives and films that bite. */
export function hostileArchives(): readonly HostileFile[] {
  const film = (title: string, bytes: Buffer, codes = SUSPICIOUS) =>
    hostile(title, 'generated_video', 'a.mp4', 'video/mp4', bytes, codes);
  const plain = { name: 'a.txt', data: 'a' };
  return [
    archive('a zip with an entry that climbs', zip([plain, { name: '../../etc/cron.d/x', data: 'x' }])),
    archive('a zip with an absolute entry', zip([plain, { name: '/etc/passwd', data: 'x' }])),
    archive('a zip with a climbing entry for Windows', zip([plain, { name: '..\\..\\x.bat', data: 'x' }])),
    archive('a zip with a drive in a name', zip([plain, { name: 'C:\\x.txt', data: 'x' }])),
    archive('a zip with an encrypted entry', zip([{ ...plain, encrypted: true }])),
    archive(
      'a zip that swells a thousandfold',
      zip([{ name: 'zeros.txt', data: Buffer.alloc(48 * 1024 * 1024) }]),
    ),
    archive('a zip that lies about its sizes', liarZip()),
    archive('a zip with a program in front', joined(WINDOWS_PROGRAM, zip([plain])), BROKEN),
    archive('a zip with bytes after its end', joined(zip([plain]), PHP), BROKEN),
    archive('a zip without its directory', zip([plain]).subarray(0, 40), BROKEN),
    archive('a RAR called .zip', joined('Rar!\x1a\x07\x01\x00', noise(200)), DISGUISED),
    // Boxes have no end mark: what follows the last one is taken for a broken box.
    film('an MP4 with a program after its end', joined(mp4(), WINDOWS_PROGRAM), BROKEN),
    film('an MP4 cut in the middle', mp4().subarray(0, -500), BROKEN),
    film('an MP4 without a movie', joined(mp4().subarray(0, 32), box('mdat', noise(900))), BROKEN),
    film(
      'a QuickTime film called .mp4',
      joined(box('ftyp', Buffer.from('qt  \0\0\0\0qt  ')), mp4().subarray(32)),
      ['file_type_mismatch'],
    ),
  ];
}

/** The local header says one byte, the entry unpacks to sixteen megabytes. */
function liarZip(): Buffer {
  const bytes = zip([{ name: 'a.txt', data: Buffer.alloc(16 * 1024 * 1024) }]);
  bytes.writeUInt32LE(1, 22);
  bytes.writeUInt32LE(1, bytes.lastIndexOf('PK\x01\x02') + 24);
  return bytes;
}

/** Names that no file may have. */
export function hostileNames(): readonly HostileFile[] {
  const named = (title: string, filename: string, codes: readonly string[]) =>
    hostile(title, 'image', filename, 'image/png', png(), codes);
  return [
    named('of 256 characters', `${'n'.repeat(252)}.png`, ['filename_too_long']),
    named('of 300 astral characters', `${'😀'.repeat(300)}.png`, ['filename_too_long']),
    named('of 100,000 characters', `${'n'.repeat(100_000)}.png`, [
      'filename_too_long',
      'malformed_request',
      'request_too_large',
    ]),
    named('with a way up', '../../etc/passwd.png', ['invalid_filename']),
    named('with a way up for Windows', '..\\..\\boot.png', ['invalid_filename']),
    named('with an absolute path', '/etc/passwd.png', ['invalid_filename']),
    named('with NUL', 'a\0.png', ['invalid_filename', 'malformed_request']),
    named('with a control character', 'a\u0007b.png', ['invalid_filename', 'malformed_request']),
    named('with an escape sequence', 'a\u001b[31m.png', ['invalid_filename', 'malformed_request']),
    named('that turns the reading direction', 'photo\u202egnp.exe.png', ['invalid_filename']),
    named('that is only an extension', '.png', ['invalid_filename', 'invalid_file_type']),
    named('of dots', '..', ['invalid_filename', 'invalid_file_type']),
    named('of spaces', '   ', ['invalid_filename', 'invalid_file_type', 'missing_field']),
  ];
}
