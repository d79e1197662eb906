import type { StowageError } from '../../core/errors.ts';
import type { ByteIntake } from '../byte-intake.ts';
import { refuse } from '../refusal.ts';
import { judgeEntryExtension } from './zip-content.ts';
import { type PassedEntry, passDirectory } from './zip-directory.ts';
import { cut, passEntry } from './zip-entries.ts';
import { declaredSizes, type OpenContent, type ZipEntry } from './zip-entry-content.ts';
import type { ArchiveBudget } from './zip-limits.ts';
import { judgeEntryName } from './zip-names.ts';
import { localTail, RECORD_BYTES, readLocalHeader, SIGNATURE } from './zip-records.ts';

/** Who looks at the entries of an archive, beyond what holds for every archive. */
export interface ArchiveGuest {
  /** 1 for the file itself, more for an archive inside an archive. */
  readonly depth: number;
  /** Called with each entry's name before its data. @throws StowageError */
  meet(entry: ZipEntry): void;
  /** Called with each entry's first bytes. */
  readonly open: OpenContent;
}

/**
 * Reads a ZIP file from its first byte to its last. Every byte belongs to an entry, the directory or the comment;
 * entries lie side by side, so none can overlap another.
 *
 * @throws StowageError `suspicious_content`, or `file_type_mismatch` when it is no ZIP file.
 */
export async function passArchive(
  intake: ByteIntake,
  budget: ArchiveBudget,
  guest: ArchiveGuest,
): Promise<void> {
  const passedByOffset = new Map<number, PassedEntry>();
  const paths = new Set<string>();
  while ((await nextSignature(intake)) === SIGNATURE.localEntry) {
    const entry = await readEntry(intake);
    budget.addEntry();
    judgeEntry(entry, budget, paths);
    guest.meet(entry);
    const passed = await passEntry(intake, entry, budget, guest.open);
    if (entry.name.isDirectory && passed.expandedBytes > 0) {
      throw refuse('zip.directory_with_data', 'suspicious_content', 'A directory in the archive holds data.');
    }
    if (guest.depth === 1) budget.judgeTotal(intake.position);
    passedByOffset.set(entry.offset, { ...entry, passed });
  }
  await passDirectory(intake, passedByOffset);
}

async function nextSignature(intake: ByteIntake): Promise<number> {
  const bytes = await intake.peek(4);
  if (bytes.byteLength < 4) throw cut();
  const signature = bytes.readUInt32LE(0);
  if (signature === SIGNATURE.encryptedDirectory) throw encrypted();
  if (
    signature === SIGNATURE.localEntry ||
    signature === SIGNATURE.directoryEntry ||
    signature === SIGNATURE.directoryEnd ||
    signature === SIGNATURE.directoryEnd64
  ) {
    return signature;
  }
  throw intake.position === 0
    ? refuse('zip.no_header', 'file_type_mismatch', 'The content does not begin like a ZIP archive.')
    : refuse('zip.gap', 'suspicious_content', 'The archive holds data that belongs to none of its entries.');
}

async function readEntry(intake: ByteIntake): Promise<ZipEntry> {
  const offset = intake.position;
  await intake.take(4);
  const fixed = Buffer.from((await intake.take(RECORD_BYTES.localEntry)) ?? raise(cut()));
  const tail = localTail(fixed);
  const nameBytes = Buffer.from((await intake.take(tail.nameBytes)) ?? raise(cut()));
  const extra = Buffer.from((await intake.take(tail.extraBytes)) ?? raise(cut()));
  return { offset, name: judgeEntryName(nameBytes), header: readLocalHeader(fixed, extra) };
}

/** General purpose bits 0, 5, 6 and 13: encryption and patched data. */
const FLAGS_CLOSED = 0x2061;

function judgeEntry({ name, header }: ZipEntry, budget: ArchiveBudget, paths: Set<string>): void {
  if ((header.flags & FLAGS_CLOSED) !== 0 || header.extra.encrypted) throw encrypted();
  if (header.method !== 0 && header.method !== 8) {
    throw refuse(
      'zip.method',
      'suspicious_content',
      'The archive is packed by a method whose result can’t be checked; stored and deflated entries can.',
    );
  }
  judgeEntryExtension(name);
  if (header.extra.unicodeName) judgeEntryExtension(judgeEntryName(header.extra.unicodeName));
  if (paths.has(name.path)) throw duplicateEntry();
  paths.add(name.path);
  if (header.compressedBytes === undefined || header.expandedBytes === undefined) throw wrongSizes();
  const { compressedBytes, expandedBytes } = declaredSizes(header);
  if (compressedBytes === undefined || expandedBytes === undefined) return;
  if (header.method === 0 && compressedBytes !== expandedBytes) throw wrongSizes();
  budget.judgeDeclared(compressedBytes, expandedBytes);
}

function wrongSizes() {
  return refuse(
    'zip.header_sizes',
    'suspicious_content',
    'An entry of the archive has sizes that are missing or contradict each other.',
  );
}

function encrypted() {
  return refuse(
    'zip.encrypted',
    'suspicious_content',
    'The archive is encrypted, so its content can’t be checked.',
  );
}

function raise(error: Error): never {
  throw error;
}

/** The refusal of an archive in which one name leads to two entries: readers may take either. */
export function duplicateEntry(): StowageError {
  return refuse('zip.entry_duplicate', 'suspicious_content', 'The archive holds two entries of one name.');
}
