import { refuse } from '../refusal.ts';
import type { EntryName } from './zip-names.ts';

/** Bytes of an entry's content that are looked at to recognise what it is. */
export const ENTRY_HEAD_BYTES = 64;

/**
 * Names that a system runs, installs or follows when somebody opens them. Source code that merely can be run by hand
 * (`.js .py .sh .html`) is not among them: that is what people attach to tasks.
 */
const RUNNABLE_EXTENSIONS: ReadonlySet<string> = new Set(
  (
    'exe dll com scr pif cpl sys ocx drv msi msp mst msix appx msixbundle appxbundle msc gadget application appref-ms ' +
    'bat cmd ps1 psm1 vb vbs vbe jse ws wsf wsh wsc sct hta lnk scf url desktop reg inf chm hlp ' +
    'jar jnlp class apk xapk ipa dmg pkg deb rpm appimage iso img vhd vhdx ' +
    'docm dotm xlsm xltm xlam xll xlsb pptm potm ppsm ppam sldm'
  ).split(' '),
);

/**
 * Judges the name of an entry by what opening the unpacked file would do.
 *
 * @throws StowageError `suspicious_content`.
 */
export function judgeEntryExtension(name: EntryName): void {
  if (name.isDirectory || !RUNNABLE_EXTENSIONS.has(name.extension)) return;
  throw refuse(
    'zip.entry_runnable',
    'suspicious_content',
    `The archive holds a file of the kind .${name.extension}, which may run programs.`,
  );
}

const PROGRAM_LEADS: readonly Buffer[] = [
  [0x7f, 0x45, 0x4c, 0x46], // ELF
  [0xfe, 0xed, 0xfa, 0xce], // Mach-O, 32 and 64 bits, either byte order
  [0xfe, 0xed, 0xfa, 0xcf],
  [0xce, 0xfa, 0xed, 0xfe],
  [0xcf, 0xfa, 0xed, 0xfe],
  [0xca, 0xfe, 0xba, 0xbe], // universal Mach-O, Java class
  [0x4c, 0, 0, 0, 1, 0x14, 2, 0], // Windows shortcut
  [0x49, 0x54, 0x53, 0x46, 3, 0, 0, 0], // compiled HTML help
  [0x64, 0x65, 0x78, 0x0a, 0x30], // Dalvik
].map((bytes) => Buffer.from(bytes));

/** Archives that can't be looked into here. */
const CLOSED_ARCHIVE_LEADS: readonly Buffer[] = [
  Buffer.from('Rar!\x1a\x07', 'latin1'),
  Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'),
  Buffer.from('MSCF\0\0\0\0', 'latin1'),
  Buffer.from([0x1f, 0x8b, 8]), // gzip
  Buffer.from('BZh', 'latin1'),
  Buffer.from('\xfd7zXZ\0', 'latin1'),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), // zstd
];

const ZIP_LEADS: readonly Buffer[] = [
  Buffer.from('PK\x03\x04', 'latin1'),
  Buffer.from('PK\x05\x06', 'latin1'),
];

/**
 * Judges the content of an entry by its first bytes.
 *
 * @param head the first {@link ENTRY_HEAD_BYTES}, or all there are.
 * @returns `zip` when the content is itself a ZIP file, which then has to be judged as one.
 * @throws StowageError `suspicious_content`.
 */
export function judgeEntryHead(head: Buffer): 'zip' | 'other' {
  if (isProgram(head)) {
    throw refuse('zip.entry_program', 'suspicious_content', 'The archive holds a program.');
  }
  if (begins(head, CLOSED_ARCHIVE_LEADS)) {
    throw refuse(
      'zip.nested_closed',
      'suspicious_content',
      'The archive holds an archive of a kind whose content can’t be checked.',
    );
  }
  return begins(head, ZIP_LEADS) ? 'zip' : 'other';
}

function isProgram(head: Buffer): boolean {
  // Text may begin with MZ; a DOS header has zeros within its 64 bytes.
  const isWindowsProgram = head[0] === 0x4d && head[1] === 0x5a && head.includes(0);
  return isWindowsProgram || begins(head, PROGRAM_LEADS);
}

function begins(head: Buffer, leads: readonly Buffer[]): boolean {
  return leads.some((lead) => head.subarray(0, lead.byteLength).equals(lead));
}
