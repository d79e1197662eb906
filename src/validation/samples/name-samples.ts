import { buildGif } from './gif.ts';
import { buildMp4 } from './iso.ts';
import { buildJpeg } from './jpeg.ts';
import { noise, WINDOWS_PROGRAM } from './parts.ts';
import { buildPng } from './png.ts';
import type { Sample } from './sample.ts';
import { accepted, refused, type SampleCase } from './sample-cases.ts';

const photo = () => buildJpeg();

/** A photo with this name passes. */
function named(filename: string, title = `a photo named ${filename}`): SampleCase {
  return accepted(title, photo, { filename });
}

/** A photo with this name is refused by this rule. */
function misnamed(
  rule: string,
  filename: string,
  title = `a photo named ${JSON.stringify(filename)}`,
): SampleCase {
  return refused(rule, title, photo, { filename });
}

/** A photo with this declared type. */
function declared(rule: string, type: string, changes: Partial<Sample> = {}): SampleCase {
  return refused(rule, `a photo declared as ${JSON.stringify(type)}`, photo, { declared: type, ...changes });
}

const cases: readonly SampleCase[] = [
  named('photo.JPG'),
  named('Ångström & Söhne (2024) №5.jpeg'),
  named('写真.jpg'),
  named('صورة.jpg'),
  named('👨‍👩‍👧 family.jpg'),
  named('photo.v2.final.jpg'),
  named('Introduction to Node.js.jpg'),
  named('receipt amazon.com.jpg'),
  named('.hidden.jpg'),
  named('Screenshot 12:30:00.jpg'),
  named(`${'é'.repeat(251)}.jpg`, 'a photo with a name of 255 characters'),
  named(`${'😀'.repeat(251)}.jpg`, 'a photo with a name of 255 characters outside the basic plane'),
  named('Cafe\u0301.jpg', 'a photo whose name is decomposed as on a Mac'),
  accepted('a photo without a declared type', photo, { declared: null }),
  accepted('a photo declared as nothing', photo, { declared: '' }),
  accepted('a photo declared as bytes', photo, { declared: 'application/octet-stream' }),
  accepted('a photo declared by an older name', photo, { declared: 'image/pjpeg' }),
  accepted('a photo declared in capitals with a parameter', photo, { declared: 'IMAGE/JPEG; q=1' }),

  misnamed('name.empty', ''),
  misnamed('name.too_long', `${'a'.repeat(252)}.jpg`, 'a photo with a name of 256 characters'),
  misnamed('name.too_long', 'a'.repeat(100_000), 'a photo with a name of a hundred thousand characters'),
  misnamed('name.broken_unicode', 'a\ud800b.jpg'),
  misnamed('name.control_character', 'a\0.jpg'),
  misnamed('name.control_character', 'photo.php\0.jpg'),
  misnamed('name.control_character', 'a\nb.jpg'),
  misnamed('name.control_character', 'a\u0085b.jpg'),
  misnamed('name.bidi_override', 'photo\u202egpj.exe.jpg'),
  misnamed('name.bidi_override', 'a\u2066b.jpg'),
  misnamed('name.path_separator', '../../etc/passwd.jpg'),
  misnamed('name.path_separator', 'a/b.jpg'),
  misnamed('name.path_separator', 'C:\\photos\\a.jpg'),
  misnamed('name.path_separator', '..%2f..%2fa.jpg'),
  misnamed('name.path_separator', '%2E%2E%5ca.jpg'),
  misnamed('name.path_separator', 'a%00.jpg'),
  misnamed('name.dots_only', '.'),
  misnamed('name.dots_only', '..'),
  misnamed('name.trailing_dot_or_space', 'photo.jpg.'),
  misnamed('name.trailing_dot_or_space', 'photo.jpg '),
  misnamed('name.windows_device', 'CON.jpg'),
  misnamed('name.windows_device', 'nul.photo.jpg'),
  misnamed('name.windows_device', 'Lpt1 .jpg'),
  misnamed('name.windows_device', 'com¹.jpg'),
  misnamed('name.windows_device', 'CONIN$.jpg'),
  misnamed('name.windows_device', 'conout$.jpg'),
  misnamed('name.no_extension', 'photo'),
  misnamed('name.extension_only', '.jpg'),
  misnamed('name.extension_not_accepted', 'photo.exe'),
  misnamed('name.extension_not_accepted', 'photo.svg'),
  misnamed('name.extension_not_accepted', 'photo.jpg.php'),
  misnamed('name.extension_not_accepted', 'photo.jp\u212a'),
  misnamed('name.extension_not_accepted', 'photo.jpg::$DATA'),
  misnamed('name.extension_only', '.htaccess'),
  misnamed('name.runnable_extension_inside', 'photo.php.jpg'),
  misnamed('name.runnable_extension_inside', 'photo.PhP5.jpg'),
  misnamed('name.runnable_extension_inside', 'photo.exe.jpg'),
  misnamed('name.runnable_extension_inside', 'photo.html.jpg'),
  misnamed('name.runnable_extension_inside', 'photo.svg.jpg'),
  misnamed('name.runnable_extension_inside', 'photo.asp;.jpg'),
  misnamed('name.runnable_extension_inside', 'photo.php .jpg'),
  misnamed('name.runnable_extension_inside', 'photo.php.old.jpg'),
  declared('declared.malformed', 'jpeg'),
  declared('declared.malformed', 'image/'),
  declared('declared.malformed', 'image/jpeg, text/html'),
  declared('declared.malformed', 'image/jp eg'),
  declared('declared.malformed', ';charset=utf-8'),
  declared('declared.not_accepted', 'text/html'),
  declared('declared.not_accepted', 'image/svg+xml'),
  declared('declared.not_accepted', 'application/x-msdownload'),
  declared('declared.conflicts_with_extension', 'image/png'),
  declared('declared.conflicts_with_extension', 'application/pdf'),
  refused('content.another_type', 'a PNG image named .jpg', () => buildPng()),
  refused('content.another_type', 'a GIF image named .jpg', () => buildGif(), { declared: null }),
  refused('content.another_type', 'an MP4 video named .jpg', () => buildMp4(), {
    declared: 'application/octet-stream',
  }),
  refused('content.another_type', 'plain text named .jpg', () => Buffer.from('This is no photo.')),
  refused('content.another_type', 'a bitmap named .jpg', () =>
    Buffer.concat([Buffer.from('BM'), noise(200)]),
  ),
  refused('content.unrecognised', 'noise named .jpg', () => noise(5000)),
  refused('content.runnable', 'a Windows program named .jpg', () => WINDOWS_PROGRAM),
  ...(
    [
      ['feedfacf', 'a macOS program'],
      ['cffaedfe', 'a little-endian macOS program'],
      ['cafebabe00000034', 'a Java class'],
      ['0061736d01000000', 'a WebAssembly program'],
      ['4c0000000114020000000000', 'a Windows shortcut'],
      ['4d53434600000000', 'a Windows cabinet'],
      ['6465780a30333500', 'an Android program'],
      ['213c617263683e0a64656269616e2d62696e61727920', 'a Debian package'],
      ['edabeedb0300', 'an RPM package'],
      ['43723234', 'a browser extension'],
      ['435753050a', 'a Flash program'],
      ['49545346', 'a Windows help program'],
    ] as const
  ).map(([prefixHex, name]) =>
    refused('content.runnable', `${name} named .jpg`, () =>
      Buffer.concat([Buffer.from(prefixHex, 'hex'), noise(400)]),
    ),
  ),
  refused('content.runnable', 'a Windows installer named .jpg', () =>
    Buffer.concat([
      Buffer.from('d0cf11e0a1b11ae1', 'hex'),
      Buffer.alloc(1100),
      Buffer.from('84100c0000000000c000000000000046', 'hex'),
      noise(400),
    ]),
  ),
  refused('content.runnable', 'a shell script named .jpg', () => Buffer.from('#!/bin/sh\n')),
];

/** Names, declared types and first bytes. */
export const NAME_SAMPLES = cases.map((make) => make('photo.jpg', 'image/jpeg'));
