import type { ByteIntake } from '../byte-intake.ts';
import { refuse } from '../refusal.ts';
import { cut, type PassedSizes } from './zip-entries.ts';
import type { ZipEntry } from './zip-entry-content.ts';
import {
  type DirectoryEnd,
  type DirectoryHeader,
  directoryTail,
  RECORD_BYTES,
  readDirectoryEnd,
  readDirectoryEnd64,
  readDirectoryHeader,
  readSize,
  SIGNATURE,
} from './zip-records.ts';

/** Longest comment at the end of an archive, in bytes. */
export const COMMENT_BYTES_MAX = 4096;

/** An entry that passed, as the directory has to describe it. */
export type PassedEntry = ZipEntry & { readonly passed: PassedSizes };

/**
 * Reads the central directory to the end of the file and compares it with the entries that passed: each of them once,
 * with the same name, method, place, sizes and checksum, and nothing else.
 *
 * @param passedByOffset the entries by the offset of their local header; emptied as the directory names them.
 * @throws StowageError `suspicious_content`.
 */
export async function passDirectory(
  intake: ByteIntake,
  passedByOffset: Map<number, PassedEntry>,
): Promise<void> {
  const start = intake.position;
  let entries = 0;
  let signature = await readSignature(intake);
  for (; signature === SIGNATURE.directoryEntry; signature = await readSignature(intake)) {
    await passDirectoryEntry(intake, passedByOffset);
    entries += 1;
  }
  if (passedByOffset.size > 0) {
    throw refuse(
      'zip.entry_hidden',
      'suspicious_content',
      'The archive holds an entry that its directory does not name.',
    );
  }
  const truth = { entries, directoryOffset: start, directoryBytes: intake.position - 4 - start };
  let has64 = false;
  if (signature === SIGNATURE.directoryEnd64) {
    has64 = true;
    await passDirectoryEnd64(intake, truth);
    signature = await readSignature(intake);
  }
  if (signature !== SIGNATURE.directoryEnd) throw wrongDirectory();
  const end = readDirectoryEnd(await take(intake, RECORD_BYTES.directoryEnd));
  judgeEnd(end, truth, has64);
  await passComment(intake, end.commentBytes);
}

interface DirectoryTruth {
  readonly entries: number;
  readonly directoryOffset: number;
  readonly directoryBytes: number;
}

async function passDirectoryEntry(
  intake: ByteIntake,
  passedByOffset: Map<number, PassedEntry>,
): Promise<void> {
  const fixed = Buffer.from(await take(intake, RECORD_BYTES.directoryEntry));
  const tail = directoryTail(fixed);
  const name = Buffer.from(await take(intake, tail.nameBytes));
  const header = readDirectoryHeader(fixed, await take(intake, tail.extraBytes));
  judgeMode(header);
  const entry = passedByOffset.get(header.offset ?? -1);
  if (entry === undefined || !isSame(entry, name, header)) {
    throw refuse(
      'zip.directory_differs',
      'suspicious_content',
      'The directory of the archive does not describe what the archive holds.',
    );
  }
  passedByOffset.delete(entry.offset);
  await take(intake, tail.commentBytes);
}

function isSame(entry: PassedEntry, name: Buffer, header: DirectoryHeader): boolean {
  return (
    header.disk === 0 &&
    entry.name.bytes.equals(name) &&
    entry.header.method === header.method &&
    (header.flags & 0x01) === 0 &&
    !header.extra.encrypted &&
    sameUnicodeName(entry, header) &&
    entry.passed.crc === header.crc &&
    entry.passed.compressedBytes === header.compressedBytes &&
    entry.passed.expandedBytes === header.expandedBytes
  );
}

/** A second name in the directory must have been judged in the local header. */
function sameUnicodeName(entry: PassedEntry, header: DirectoryHeader): boolean {
  const second = header.extra.unicodeName;
  return second === undefined || entry.header.extra.unicodeName?.equals(second) === true;
}

const MODE_TYPE = 0o170000;
/** No type, a file, a directory; and the pipe that Info-ZIP saw when it read its standard input. */
const HARMLESS_TYPES: readonly number[] = [0, 0o100000, 0o040000, 0o010000];

/** Unix modes are in the upper half of the attributes, whatever system the entry claims to come from. */
function judgeMode(header: DirectoryHeader): void {
  for (const mode of [header.externalAttributes >>> 16, header.extra.mode]) {
    if (HARMLESS_TYPES.includes(mode & MODE_TYPE)) continue;
    throw refuse(
      'zip.entry_link',
      'suspicious_content',
      'The archive holds a link or a device instead of a file.',
    );
  }
}

async function passDirectoryEnd64(intake: ByteIntake, truth: DirectoryTruth): Promise<void> {
  const recordOffset = intake.position - 4;
  const end = readDirectoryEnd64(await take(intake, RECORD_BYTES.directoryEnd64));
  if (end === undefined) throw wrongDirectory();
  judgeEnd(end, truth, false);
  if ((await readSignature(intake)) !== SIGNATURE.directoryEnd64Locator) throw wrongDirectory();
  const locator = await take(intake, RECORD_BYTES.directoryEnd64Locator);
  const isRight =
    locator.readUInt32LE(0) === 0 && readSize(locator, 4) === recordOffset && locator.readUInt32LE(12) <= 1;
  if (!isRight) throw wrongDirectory();
}

function judgeEnd(end: DirectoryEnd, truth: DirectoryTruth, has64: boolean): void {
  const agrees = (value: number | undefined, expected: number) =>
    value === undefined ? has64 || expected === 0xffff || expected === 0xffffffff : value === expected;
  const isRight =
    end.disks.every((disk) => agrees(disk, 0)) &&
    end.entries.every((entries) => agrees(entries, truth.entries)) &&
    agrees(end.directoryBytes, truth.directoryBytes) &&
    agrees(end.directoryOffset, truth.directoryOffset);
  if (!isRight) throw wrongDirectory();
}

function wrongDirectory() {
  return refuse(
    'zip.directory_end',
    'suspicious_content',
    'The end of the archive’s directory does not agree with the archive.',
  );
}

/** Records of an archive, markup and leads of programs: what no comment of people holds. */
const NOT_PROSE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
  /[\u0000-\u0008\u000e-\u001f]|<[a-z!?%]|^(?:MZ|#!|%PDF|GIF8)/i;

async function passComment(intake: ByteIntake, commentBytes: number): Promise<void> {
  if (commentBytes > COMMENT_BYTES_MAX) {
    throw refuse('zip.comment_too_long', 'suspicious_content', 'The comment of the archive is too long.');
  }
  const comment = await take(intake, commentBytes);
  if (NOT_PROSE.test(comment.toString('latin1'))) {
    throw refuse(
      'zip.comment_content',
      'suspicious_content',
      'The comment of the archive is not plain text.',
    );
  }
  if ((await intake.some(1)) !== undefined) {
    throw refuse('zip.trailing_data', 'suspicious_content', 'The archive is followed by other data.');
  }
}

async function readSignature(intake: ByteIntake): Promise<number> {
  return (await take(intake, 4)).readUInt32LE(0);
}

async function take(intake: ByteIntake, count: number): Promise<Buffer> {
  const bytes = await intake.take(count);
  if (bytes === undefined) throw cut();
  return bytes;
}
