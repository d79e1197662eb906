import { deflateRawSync, constants as zlib } from 'node:zlib';
import { KIB, MIB } from '../../core/bytes.ts';
import { buildOffice } from './ooxml-builder.ts';
import { noise } from './parts.ts';
import type { Sample } from './sample.ts';
import { type ArchivePlan, buildZip, type EntryPlan, extraField, unicodeName } from './zip-builder.ts';

const PICTURE = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex');
const NOTES: EntryPlan = { name: 'notes.txt', data: 'A product photo on a white table. '.repeat(20) };
const PHOTO: EntryPlan = { name: 'photos/one.png', data: PICTURE, method: 0 };
const FOLDER: EntryPlan = { name: 'photos/', method: 0, mode: 0o040755 };
const SET: readonly EntryPlan[] = [FOLDER, PHOTO, NOTES];

/** An archive that holds one file of a name. */
const named = (name: string, data: string | Buffer = 'x'): EntryPlan[] => [{ name, data }, NOTES];

function accepted(title: string, bytes: () => Buffer): Sample {
  return {
    title,
    bytes,
    filename: 'set.zip',
    declared: 'application/zip',
    mediaType: 'application/zip',
    expect: 'accepted',
  };
}

function refused(rule: string, title: string, bytes: () => Buffer): Sample {
  const expect = /no_header|is_office|incomplete|damaged/.test(rule)
    ? 'file_type_mismatch'
    : 'suspicious_content';
  return {
    title,
    bytes,
    filename: 'set.zip',
    declared: 'application/zip',
    mediaType: 'application/zip',
    expect,
    rule,
  };
}

/** What the gate calls a program before the inspector sees it. */
const runnable = (rule: string, title: string, bytes: () => Buffer): Sample => ({
  ...refused(rule, title, bytes),
  expect: 'suspicious_content',
});

const zip = (entries: readonly EntryPlan[], plan?: ArchivePlan) => () => buildZip(entries, plan);
/** The archive with another byte at a distance from where a record is found last. */
function altered(archive: Buffer, record: string, distance: number, byte: number): Buffer {
  archive[archive.lastIndexOf(record, undefined, 'latin1') + distance] = byte;
  return archive;
}

const later = (descriptor: EntryPlan['descriptor'], method: number): EntryPlan[] =>
  SET.map((entry) => (entry === FOLDER ? entry : { ...entry, method, ...(descriptor && { descriptor }) }));
const nested = (name: string, entries: readonly EntryPlan[]): EntryPlan => ({
  name,
  data: buildZip(entries),
  method: 0,
});

/** Zeros packed as blocks that stand alone, so that a gigabyte costs a megabyte and no memory to make. */
export function packedZeros(mebibytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MIB), { finishFlush: zlib.Z_FULL_FLUSH });
  return Buffer.concat([...Array<Buffer>(mebibytes).fill(block), deflateRawSync('')]);
}

/** Data with so many descriptors in it that tell their own place, and a wrong checksum. */
function falseEnds(count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const descriptor = Buffer.from('PK\x07\x08wrong---size', 'latin1');
      descriptor.writeUInt32LE(16 * index, 8);
      return descriptor;
    }),
  );
}

/** An archive that unpacks to many mebibytes of zeros and says so only after them. */
export function zipBomb(mebibytes: number): Buffer {
  return buildZip([{ name: 'zeros.bin', packed: packedZeros(mebibytes), descriptor: 'signed' }]);
}

/** ZIP archives and what the gate says about them. */
export const ZIP_SAMPLES: readonly Sample[] = [
  accepted('an archive of files and a folder', zip(SET)),
  accepted('an archive without entries', zip([])),
  accepted('stored entries', zip(SET.map((entry) => ({ ...entry, method: 0 })))),
  accepted('entries from Windows, without modes', zip(SET.map((entry) => ({ ...entry, mode: null })))),
  accepted('deflated entries with descriptors, as macOS and Java write', zip(later('signed', 8))),
  accepted('deflated entries with descriptors without signature', zip(later('unsigned', 8))),
  accepted('deflated entries with long descriptors', zip(later('signed64', 8))),
  accepted('deflated entries with long descriptors without signature', zip(later('unsigned64', 8))),
  accepted('stored entries with descriptors, as Go and browsers write', zip(later('signed', 0))),
  accepted('stored entries with long descriptors', zip(later('signed64', 0))),
  accepted(
    'stored data with descriptors that holds the signature of one',
    zip([
      {
        name: 'a.bin',
        data: Buffer.from('PK\x07\x08PK\x07\x08 and PK\x07\x08', 'latin1'),
        method: 0,
        descriptor: 'signed',
      },
    ]),
  ),
  accepted(
    'a descriptor whose unpacked size is known before, as Info-ZIP writes to a pipe',
    zip([{ ...NOTES, descriptor: 'signed', local: { expandedBytes: 680 } }]),
  ),
  accepted(
    'an empty file with a descriptor',
    zip([
      { name: 'empty', data: '', descriptor: 'signed' },
      { name: 'empty2', data: '', method: 0, descriptor: 'signed' },
    ]),
  ),
  accepted(
    'zip64 sizes and a zip64 end',
    zip(
      SET.map((entry) => ({ ...entry, zip64: true })),
      { zip64: true },
    ),
  ),
  accepted('a zip64 end only', zip(SET, { zip64: true })),
  accepted('a directory in another order than the entries', zip(SET, { reversedDirectory: true })),
  accepted('a comment', zip(SET, { comment: 'Training set of May, 2 photos.' })),
  accepted('comments of entries', zip([{ ...NOTES, comment: 'by hand' }])),
  accepted('names in UTF-8', zip([{ name: 'Prüfung/名前 🎉.txt', data: 'x', flags: 0x800 }])),
  accepted(
    'names in an old code page',
    zip([{ name: Buffer.from([0x50, 0x81, 0x66, 0x2e, 0x74, 0x78, 0x74]), data: 'x' }]),
  ),
  accepted(
    'a second name in UTF-8',
    zip([{ name: 'Pr_fung.txt', data: 'x', extra: unicodeName('Prüfung.txt', 'Pr_fung.txt') }]),
  ),
  accepted(
    'extra fields with times, and padding for alignment',
    zip([
      {
        name: 'a.txt',
        data: 'x',
        extra: Buffer.concat([extraField(0x5455, Buffer.from('\x01\0\0\0\0')), Buffer.alloc(3)]),
      },
    ]),
  ),
  accepted(
    'the folder __MACOSX',
    zip([NOTES, { name: '__MACOSX/._notes.txt', data: Buffer.from([0, 5, 22, 7, 0, 2, 0, 0]) }]),
  ),
  accepted(
    'source code',
    zip([
      ...named('src/app.js', 'run()'),
      { name: 'x.py', data: '#!/usr/bin/env python3\n' },
      { name: 'i.html', data: '<html>' },
    ]),
  ),
  accepted(
    'a text that begins with MZ',
    zip(named('mz.txt', 'MZ is the mark of Mark Zbikowski. '.repeat(4))),
  ),
  accepted('names with dots', zip(named('a..b/...c/.hidden'))),
  accepted('names with ./ and doubled slashes', zip(named('./a//b.txt'))),
  accepted('an archive in the archive', zip([nested('more.zip', SET), NOTES])),
  accepted('an archive in an archive in the archive', zip([nested('more.zip', [nested('most.zip', SET)])])),
  accepted(
    'a deflated archive with descriptors in the archive',
    zip([{ name: 'more.zip', data: buildZip(later('signed', 8)), descriptor: 'signed' }]),
  ),
  accepted(
    'an Office document in the archive',
    zip([{ name: 'letter.docx', data: buildOffice('docx') }, NOTES]),
  ),
  accepted(
    'an entry that packs 100 to 1',
    zip([{ name: 'log.txt', data: 'GET / 200 and so on\n'.repeat(40_000) }]),
  ),
  accepted(
    'many small entries',
    zip(Array.from({ length: 300 }, (_, index) => ({ name: `f${index}`, data: `${index}` }))),
  ),

  refused('zip.entry_climbs', 'a path that begins with ..', zip(named('../evil.txt'))),
  refused('zip.entry_climbs', 'a path with .. in its middle', zip(named('a/../../evil.txt'))),
  refused('zip.entry_climbs', 'a path that ends in ..', zip(named('a/..'))),
  refused('zip.entry_climbs', 'a path with .. and a space, which Windows drops', zip(named('.. /evil.txt'))),
  refused('zip.entry_climbs', 'a path with three dots', zip(named('.../evil.txt'))),
  refused(
    'zip.entry_climbs',
    'a second name that climbs',
    zip([{ name: 'a.txt', data: 'x', extra: unicodeName('../a.txt', 'a.txt') }]),
  ),
  refused('zip.entry_climbs', 'a folder that climbs', zip([{ name: '../../', method: 0 }, NOTES])),
  refused('zip.entry_absolute', 'an absolute path', zip(named('/etc/passwd'))),
  refused('zip.entry_absolute', 'a path with a drive letter', zip(named('C:/Windows/x.txt'))),
  refused('zip.entry_absolute', 'a path relative to a drive', zip(named('c:x.txt'))),
  refused('zip.entry_name_backslash', 'a path with backslashes', zip(named('..\\..\\evil.txt'))),
  refused('zip.entry_name_backslash', 'a path on another computer', zip(named('\\\\server\\share\\x'))),
  refused('zip.entry_name_control', 'a name with NUL', zip(named('a.txt\0.png'))),
  refused('zip.entry_name_control', 'a name with a line break', zip(named('a\nb.txt'))),
  refused('zip.entry_name_control', 'a name written from right to left', zip(named('gpj\u202egnp.txt'))),
  refused('zip.entry_name_empty', 'an entry without a name', zip(named(''))),
  refused('zip.entry_name_too_long', 'a name of 1,025 bytes', zip(named('a'.repeat(1025)))),
  refused('zip.entry_duplicate', 'two entries of one name', zip([NOTES, NOTES])),
  refused(
    'zip.entry_duplicate',
    'two spellings of one path',
    zip([NOTES, { name: './notes.txt', data: 'y' }]),
  ),
  refused(
    'zip.entry_duplicate',
    'a folder and a file of one name',
    zip([
      { name: 'a/', method: 0 },
      { name: 'a', data: 'x' },
    ]),
  ),
  refused(
    'zip.entry_duplicate',
    'one name in two Unicode forms',
    zip([
      { name: 'é', data: 'x' },
      { name: 'e\u0301', data: 'y' },
    ]),
  ),
  refused('zip.entry_link', 'a symbolic link', zip([{ name: 'link', data: '/etc/passwd', mode: 0o120777 }])),
  refused('zip.entry_link', 'a device', zip([{ name: 'disk', data: '', mode: 0o060644 }])),
  refused(
    'zip.entry_link',
    'a link in an ASi field',
    zip([
      {
        name: 'link',
        data: 'x',
        centralExtra: extraField(0x756e, Buffer.from([0, 0, 0, 0, 0xff, 0xa1, 0, 0, 0, 0])),
      },
    ]),
  ),
  refused('zip.entry_runnable', 'a Windows program by name', zip(named('setup.exe'))),
  refused('zip.entry_runnable', 'a Windows program by name with a dot at the end', zip(named('setup.exe. '))),
  refused('zip.entry_runnable', 'a Windows script', zip(named('docs/run.VBS'))),
  refused('zip.entry_runnable', 'a shortcut', zip(named('invoice.pdf.lnk'))),
  refused('zip.entry_runnable', 'a Java program', zip(named('tool.jar'))),
  refused('zip.entry_runnable', 'a document with macros by name', zip(named('letter.docm'))),
  refused(
    'zip.entry_runnable',
    'a program by its second name',
    zip([{ name: 'a.txt', data: 'x', extra: unicodeName('a.exe', 'a.txt') }]),
  ),
  refused(
    'zip.entry_program',
    'a Windows program by content',
    zip(named('photo.png', Buffer.from('MZ\x90\0\x03\0\0\0'))),
  ),
  refused(
    'zip.entry_program',
    'a stored Linux program',
    zip([{ name: 'run', data: Buffer.from('\x7fELF\x02\x01\x01'), method: 0 }]),
  ),
  refused('zip.entry_program', 'a macOS program', zip(named('run', Buffer.from('cffaedfe07000001', 'hex')))),
  ...['feedface', 'feedfacf', 'cefaedfe'].map((lead) =>
    refused(
      'zip.entry_program',
      `a macOS program that begins with ${lead}`,
      zip(named('run', Buffer.from(`${lead}07000001`, 'hex'))),
    ),
  ),
  refused('zip.entry_program', 'an Android program', zip(named('a', Buffer.from('dex\n035\0', 'latin1')))),
  refused(
    'zip.entry_program',
    'a compiled help file',
    zip(named('a', Buffer.from('ITSF\x03\0\0\0', 'latin1'))),
  ),
  refused('zip.entry_program', 'a Java class', zip(named('A', Buffer.from('cafebabe00000034', 'hex')))),
  refused(
    'zip.entry_program',
    'a shortcut by content',
    zip(named('a', Buffer.from('4c0000000114020000', 'hex'))),
  ),
  refused(
    'zip.entry_program',
    'a program in an archive in the archive',
    zip([nested('more.zip', named('x', Buffer.from('\x7fELF\x02')))]),
  ),
  refused(
    'zip.nested_closed',
    'a RAR archive in the archive',
    zip(named('more.rar', Buffer.from('Rar!\x1a\x07\x01\0', 'latin1'))),
  ),
  refused(
    'zip.nested_closed',
    'a 7z archive in the archive',
    zip(named('a', Buffer.from('377abcaf271c0004', 'hex'))),
  ),
  ...Object.entries({
    bzip2: Buffer.from('BZh91AY&SY', 'latin1'),
    Zstandard: Buffer.from('28b52ffd2000', 'hex'),
    XZ: Buffer.from('fd377a585a000004', 'hex'),
    cabinet: Buffer.from('MSCF\0\0\0\0', 'latin1'),
  }).map(([kind, data]) =>
    refused('zip.nested_closed', `a ${kind} file in the archive`, zip(named('more', data))),
  ),
  refused(
    'zip.nested_closed',
    'a gzip file in the archive',
    zip(named('a.tgz', Buffer.from('1f8b0800000000000003', 'hex'))),
  ),
  refused(
    'zip.nested_too_deep',
    'archives four deep',
    zip([nested('1.zip', [nested('2.zip', [nested('3.zip', SET)])])]),
  ),
  refused(
    'zip.entry_climbs',
    'a path that climbs in an archive in the archive',
    zip([nested('1.zip', named('../x'))]),
  ),
  refused(
    'zip.incomplete',
    'an archive in the archive that is cut',
    zip([{ name: 'a.zip', data: buildZip(SET).subarray(0, -9), method: 0 }]),
  ),
  refused('zip.encrypted', 'an encrypted entry', zip([{ ...NOTES, flags: 1 }])),
  refused('zip.encrypted', 'strong encryption', zip([{ ...NOTES, flags: 0x41 }])),
  refused('zip.encrypted', 'strong encryption by its own flag alone', zip([{ ...NOTES, flags: 0x40 }])),
  refused('zip.encrypted', 'patched data', zip([{ ...NOTES, flags: 0x20 }])),
  refused('zip.encrypted', 'headers that are masked', zip([{ ...NOTES, flags: 0x2000 }])),
  refused(
    'zip.encrypted',
    'AES encryption by its extra field',
    zip([{ ...NOTES, extra: extraField(0x9901, Buffer.alloc(7)) }]),
  ),
  refused(
    'zip.encrypted',
    'an encrypted directory',
    zip([NOTES], { beforeDirectory: Buffer.from('PK\x06\x08\0\0\0\0', 'latin1') }),
  ),
  refused(
    'zip.directory_differs',
    'encryption that only the directory tells of',
    zip([{ ...NOTES, central: { flags: 1 } }]),
  ),
  refused('zip.method', 'bzip2', zip([{ ...NOTES, method: 12 }])),
  refused('zip.method', 'LZMA', zip([{ ...NOTES, method: 14 }])),
  refused('zip.method', 'Zstandard', zip([{ ...NOTES, method: 93 }])),
  refused(
    'zip.too_many_entries',
    '10,001 entries',
    zip(Array.from({ length: 10_001 }, (_, index) => ({ name: `${index}`, method: 0 }))),
  ),
  refused(
    'zip.bomb_declared',
    'a header that declares a bomb',
    zip([{ ...NOTES, local: { expandedBytes: 40 * MIB } }]),
  ),
  refused('zip.bomb_declared', 'an entry that unpacks to 280 times its size', () =>
    buildZip([{ name: 'a', data: Buffer.concat([noise(50_000), Buffer.alloc(20 * MIB)]) }]),
  ),
  accepted('an entry that unpacks to 150 times its size', () =>
    buildZip([{ name: 'a', data: Buffer.concat([noise(115_000), Buffer.alloc(20 * MIB)]) }]),
  ),
  refused('zip.bomb', 'a bomb that declares no sizes', () => zipBomb(20)),
  refused('zip.bomb', 'a bomb that shows while it goes off', () => zipBomb(96)),
  refused(
    'zip.bomb',
    'a bomb in an archive in the archive',
    zip([{ name: 'a.zip', data: zipBomb(20), method: 0 }]),
  ),
  refused(
    'zip.bomb_total',
    'a bomb of many small ones',
    zip(
      [1, 2, 3].map((index) => ({
        name: `${index}`,
        data: Buffer.alloc(15 * MIB),
        descriptor: 'signed' as const,
      })),
    ),
  ),
  refused(
    'zip.expands_too_far',
    'more than 10 GiB declared',
    zip([{ ...NOTES, zip64: true, local: { compressedBytes: 2 ** 33, expandedBytes: 11 * 2 ** 30 } }]),
  ),
  refused(
    'zip.size_lies',
    'an entry that is larger than declared',
    zip([{ ...NOTES, local: { expandedBytes: 5 } }]),
  ),
  refused(
    'zip.size_lies',
    'an entry that is smaller than declared',
    zip([{ ...NOTES, local: { expandedBytes: 5000 } }]),
  ),
  refused(
    'zip.size_lies',
    'bytes hidden behind the deflated data',
    zip([{ ...NOTES, packed: Buffer.concat([deflateRawSync(String(NOTES.data)), Buffer.from('hidden')]) }]),
  ),
  refused(
    'zip.data_damaged',
    'a wrong checksum',
    zip([{ ...NOTES, local: { crc: 7 }, central: { crc: 7 } }]),
  ),
  refused('zip.data_damaged', 'a wrong checksum of a stored entry', zip([{ ...PHOTO, local: { crc: 7 } }])),
  refused(
    'zip.data_damaged',
    'data that is not deflated',
    zip([{ name: 'a', data: 'abc', packed: Buffer.from('\xff\xff\xff\xff', 'latin1') }]),
  ),
  refused(
    'zip.data_damaged',
    'deflated data that stops',
    zip([{ ...NOTES, packed: deflateRawSync(String(NOTES.data)).subarray(0, -4) }]),
  ),
  refused(
    'zip.size_lies',
    'stored data that holds descriptors of its own size, again and again',
    zip([{ name: 'a', data: falseEnds(100), method: 0, descriptor: 'signed' }]),
  ),
  accepted(
    'stored data that holds a few of them',
    zip([{ name: 'a', data: falseEnds(3), method: 0, descriptor: 'signed' }]),
  ),
  refused(
    'zip.descriptor_lies',
    'a descriptor with a wrong checksum',
    zip([{ ...NOTES, descriptor: 'signed', descriptorCrc: 1 }]),
  ),
  refused(
    'zip.header_sizes',
    'a stored entry with two sizes',
    zip([{ ...PHOTO, local: { expandedBytes: 4 } }]),
  ),
  refused(
    'zip.header_sizes',
    'zip64 markers without the field',
    zip([{ ...PHOTO, local: { compressedBytes: 0xffffffff, expandedBytes: 0xffffffff } }]),
  ),
  refused('zip.directory_with_data', 'a folder with data', zip([{ name: 'a/', data: 'hidden' }])),
  refused(
    'zip.entry_hidden',
    'an entry that the directory leaves out',
    zip([NOTES, { ...PHOTO, central: { absent: true } }]),
  ),
  refused(
    'zip.directory_differs',
    'another name in the directory',
    zip([{ ...NOTES, central: { name: 'n0tes.txt' } }]),
  ),
  refused(
    'zip.directory_differs',
    'another size in the directory',
    zip([{ ...NOTES, central: { compressedBytes: 3 } }]),
  ),
  refused(
    'zip.directory_differs',
    'another unpacked size in the directory',
    zip([{ ...NOTES, central: { expandedBytes: 3 } }]),
  ),
  refused(
    'zip.directory_differs',
    'another checksum in the directory',
    zip([{ ...NOTES, central: { crc: 3 } }]),
  ),
  refused(
    'zip.directory_differs',
    'another method in the directory',
    zip([{ ...PHOTO, central: { method: 8 } }]),
  ),
  refused('zip.directory_differs', 'overlapping entries', zip([NOTES, { ...PHOTO, central: { offset: 0 } }])),
  refused(
    'zip.directory_differs',
    'an offset into the data of an entry',
    zip([NOTES, { ...PHOTO, central: { offset: 40 } }]),
  ),
  refused(
    'zip.directory_differs',
    'an entry that only the directory knows',
    zip([NOTES, { ...PHOTO, local: { absent: true } }]),
  ),
  refused(
    'zip.directory_differs',
    'one entry twice in the directory',
    zip([NOTES, { ...NOTES, local: { absent: true }, central: { offset: 0 } }]),
  ),
  refused(
    'zip.directory_differs',
    'a second name that only the directory knows',
    zip([{ name: 'a.txt', data: 'x', centralExtra: unicodeName('../a.txt', 'a.txt') }]),
  ),
  refused('zip.directory_end', 'a wrong number of entries', zip(SET, { end: { entries: 2 } })),
  refused('zip.directory_end', 'a wrong size of the directory', zip(SET, { end: { directoryBytes: 9 } })),
  refused('zip.directory_end', 'a wrong place of the directory', zip(SET, { end: { directoryOffset: 9 } })),
  refused('zip.directory_end', 'one disk of several', zip(SET, { end: { disk: 1 } })),
  refused(
    'zip.directory_end',
    'a wrong number of entries in the zip64 record',
    zip(SET, { zip64: true, end: { entries: 2 } }),
  ),
  refused('zip.directory_end', 'an end of the directory that is called otherwise', () =>
    altered(buildZip(SET), 'PK\x05\x06', 3, 0x07),
  ),
  refused('zip.directory_end', 'a zip64 record that claims to be longer', () =>
    altered(buildZip(SET, { zip64: true }), 'PK\x06\x06', 4, 45),
  ),
  refused('zip.directory_end', 'a place of the zip64 record that is called otherwise', () =>
    altered(buildZip(SET, { zip64: true }), 'PK\x06\x07', 3, 0x08),
  ),
  refused('zip.directory_end', 'a zip64 record that is somewhere else', () =>
    altered(buildZip(SET, { zip64: true }), 'PK\x06\x07', 8, 1),
  ),
  refused('zip.comment_too_long', 'a comment of 5,000 characters', zip(SET, { comment: 'a'.repeat(5000) })),
  refused(
    'zip.comment_content',
    'an archive in the comment',
    zip(SET, { comment: buildZip([NOTES]).subarray(0, 900) }),
  ),
  refused(
    'zip.comment_content',
    'a script in the comment',
    zip(SET, { comment: 'hello <script>alert(1)</script>' }),
  ),
  refused(
    'zip.comment_content',
    'a PHP script in the comment',
    zip(SET, { comment: '<?php system($_GET[0]); ?>' }),
  ),
  refused('zip.trailing_data', 'data after the end', zip(SET, { suffix: Buffer.from('hidden') })),
  refused('zip.trailing_data', 'a second archive after the end', () =>
    Buffer.concat([buildZip(SET), buildZip([NOTES])]),
  ),
  runnable(
    'zip.no_header',
    'an archive that extracts itself',
    zip(SET, { prefix: Buffer.from('MZ\x90\0'.repeat(40)) }),
  ),
  runnable('zip.no_header', 'a script before the archive', zip(SET, { prefix: Buffer.from('#!/bin/sh\n') })),
  refused('zip.no_header', 'a split archive', zip(SET, { prefix: Buffer.from('PK\x07\x08', 'latin1') })),
  refused('zip.no_header', 'plain text', () => Buffer.from('This is no archive at all.')),
  refused('zip.gap', 'bytes between two entries', zip([NOTES, { ...PHOTO, gap: Buffer.from('hidden') }])),
  refused('zip.gap', 'bytes before the directory', zip(SET, { beforeDirectory: Buffer.from('hidden') })),
  refused('zip.incomplete', 'an archive cut off in a small packed file', () =>
    buildZip([NOTES]).subarray(0, 50),
  ),
  refused('zip.incomplete', 'an archive cut off in a large packed file', () =>
    buildZip([{ name: 'a.bin', data: noise(100 * KIB) }]).subarray(0, 50 * KIB),
  ),
  refused(
    'zip.size_lies',
    'a bomb that declares to be small',
    zip([{ name: 'a.txt', packed: packedZeros(20), local: { expandedBytes: 1000 } }]),
  ),
  refused(
    'zip.size_lies',
    'bytes behind the packed data of a large file',
    zip([
      {
        name: 'a.bin',
        data: noise(100 * KIB),
        packed: Buffer.concat([deflateRawSync(noise(100 * KIB)), Buffer.from('hidden')]),
      },
    ]),
  ),
  refused('zip.incomplete', 'half of an archive', () => buildZip(SET).subarray(0, 100)),
  refused('zip.incomplete', 'an archive without its last byte', () => buildZip(SET).subarray(0, -1)),
  refused('zip.incomplete', 'only a signature', () => Buffer.from('PK\x03\x04', 'latin1')),
  refused('zip.incomplete', 'a comment that is longer than the file', zip(SET, { end: { commentBytes: 9 } })),
  refused('zip.incomplete', 'stored data whose descriptor has no signature', zip(later('unsigned', 0))),
  refused('zip.is_office', 'an Office document named .zip', () => buildOffice('docx')),
  refused(
    'ooxml.macros',
    'an Office document with macros in the archive',
    zip([
      {
        name: 'letter.docx',
        data: buildOffice('docx', { parts: [{ name: 'word/vbaProject.bin', data: 'x' }] }),
      },
    ]),
  ),
];
