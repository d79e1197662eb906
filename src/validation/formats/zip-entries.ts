import { inflateRawSync } from 'node:zlib';
import { KIB } from '../../core/bytes.ts';
import type { ByteIntake } from '../byte-intake.ts';
import { Inflation } from '../inflation.ts';
import { refuse } from '../refusal.ts';
import {
  type DeclaredSizes,
  declaredSizes,
  EntryContent,
  FLAG_DESCRIPTOR,
  type OpenContent,
  sizeLies,
  type ZipEntry,
} from './zip-entry-content.ts';
import { type ArchiveBudget, EXPANSION_FREE_BYTES } from './zip-limits.ts';
import { readSize, SIGNATURE } from './zip-records.ts';

/** What passed: the facts that the descriptor and the central directory must repeat. */
export interface PassedSizes {
  readonly crc: number;
  readonly compressedBytes: number;
  readonly expandedBytes: number;
}

const PIECE_BYTES_MAX = 64 * KIB;
/** Descriptors inside stored data that tell the size of what stands before them, but another checksum: no file has many. */
const FALSE_ENDS_MAX = 64;
const DESCRIPTOR_SIGNATURE = Buffer.from('PK\x07\x08', 'latin1');

/**
 * Reads the data of an entry to its end, the descriptor included, while it is unpacked, counted and checked.
 *
 * @throws StowageError `suspicious_content` when the sizes or the checksum lie, the data is damaged or it is a bomb.
 */
export async function passEntry(
  intake: ByteIntake,
  entry: ZipEntry,
  budget: ArchiveBudget,
  open: OpenContent,
): Promise<PassedSizes> {
  const { header } = entry;
  const content = new EntryContent(entry, budget, open);
  try {
    const hasDescriptor = (header.flags & FLAG_DESCRIPTOR) !== 0;
    const declared = declaredSizes(header);
    const compressedBytes =
      header.method === 0
        ? await passStored(intake, content, declared.compressedBytes ?? declared.expandedBytes)
        : isSmall(declared)
          ? await passSmall(intake, content, declared)
          : await passDeflated(intake, content, declared.compressedBytes, budget);
    await content.finish();
    const passed = { crc: content.crc, compressedBytes, expandedBytes: content.expandedBytes };
    if (passed.expandedBytes !== (declared.expandedBytes ?? passed.expandedBytes)) throw sizeLies();
    if (hasDescriptor) await passDescriptor(intake, passed);
    else if (passed.crc !== header.crc) throw damaged();
    return passed;
  } finally {
    content.close();
  }
}

async function passStored(
  intake: ByteIntake,
  content: EntryContent,
  sizeBytes: number | undefined,
): Promise<number> {
  if (sizeBytes === undefined) return passStoredToDescriptor(intake, content);
  for (let leftBytes = sizeBytes; leftBytes > 0; ) {
    const piece = await intake.some(Math.min(leftBytes, PIECE_BYTES_MAX));
    if (piece === undefined) throw cut();
    leftBytes -= piece.byteLength;
    await content.push(piece);
  }
  return sizeBytes;
}

/**
 * Stored data of unknown length ends at a descriptor that agrees with all bytes before it. Should an attacker forge
 * one inside the data, the central directory, which every program trusts, tells another size, and the file is refused.
 */
async function passStoredToDescriptor(intake: ByteIntake, content: EntryContent): Promise<number> {
  for (let falseEnds = 0; falseEnds <= FALSE_ENDS_MAX; falseEnds += 1) {
    const startBytes = content.expandedBytes;
    const end = {
      needle: DESCRIPTOR_SIGNATURE,
      markBytes: 16,
      isIt: (bytes: Buffer, at: number, passedBytes: number): boolean =>
        bytes.byteLength >= at + 16 && bytes.readUInt32LE(at + 8) === (startBytes + passedBytes) % 2 ** 32,
    };
    if (!(await intake.seek(end, (bytes) => content.push(bytes)))) throw cut();
    if ((await intake.peek(8)).readUInt32LE(4) === content.crc) return content.expandedBytes;
    const notTheEnd = await intake.some(1);
    if (notTheEnd !== undefined) await content.push(notTheEnd);
  }
  throw sizeLies();
}

/** Sizes of a deflated entry that are known before its data. */
interface KnownSizes {
  readonly compressedBytes: number;
  readonly expandedBytes: number;
}

/** Entries that unpack in well under a millisecond: setting up a decompressor would cost several times as much. */
function isSmall(declared: DeclaredSizes): declared is KnownSizes {
  return (
    (declared.compressedBytes ?? Infinity) <= 16 * KIB && (declared.expandedBytes ?? Infinity) <= 128 * KIB
  );
}

async function passSmall(intake: ByteIntake, content: EntryContent, declared: KnownSizes): Promise<number> {
  const packed = await intake.take(declared.compressedBytes);
  if (packed === undefined) throw cut();
  const { expanded, usedBytes } = inflateSmall(packed, declared.expandedBytes);
  if (usedBytes !== declared.compressedBytes) throw sizeLies();
  if (expanded.byteLength > 0) await content.push(expanded);
  return usedBytes;
}

function inflateSmall(packed: Buffer, expandedBytesMax: number): { expanded: Buffer; usedBytes: number } {
  try {
    // With `info` the answer has the decompressor beside the buffer; the types know only the buffer.
    const result: unknown = inflateRawSync(packed, { maxOutputLength: expandedBytesMax + 1, info: true });
    const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
    return { expanded: buffer, usedBytes: engine.bytesWritten };
  } catch (error) {
    if (isZlibError(error)) throw damaged();
    if (error instanceof RangeError) throw sizeLies();
    throw error;
  }
}

async function passDeflated(
  intake: ByteIntake,
  content: EntryContent,
  sizeBytes: number | undefined,
  budget: ArchiveBudget,
): Promise<number> {
  let usedBytes = 0;
  const inflation = new Inflation('raw', (bytes) => {
    // Without declared sizes a bomb shows only while it goes off. The exact ratio is judged at the end.
    const exceededBytes = content.expandedBytes - 4 * EXPANSION_FREE_BYTES;
    if (sizeBytes === undefined && exceededBytes > 0) {
      budget.judgeReal(usedBytes + PIECE_BYTES_MAX, exceededBytes);
    }
    return content.push(bytes);
  });
  try {
    while (!inflation.ended && usedBytes !== sizeBytes) {
      const piece = await intake.some(Math.min(PIECE_BYTES_MAX, (sizeBytes ?? Infinity) - usedBytes));
      if (piece === undefined) throw cut();
      const takenBytes = await inflation.push(piece);
      usedBytes += takenBytes;
      intake.putBack(piece, piece.byteLength - takenBytes);
    }
    await inflation.end();
  } catch (error) {
    throw isZlibError(error) ? damaged() : error;
  } finally {
    inflation.close();
  }
  if (sizeBytes !== undefined && usedBytes !== sizeBytes) throw sizeLies();
  budget.judgeReal(usedBytes, content.expandedBytes);
  return usedBytes;
}

/** Reads the descriptor: with or without signature, with sizes of 4 or 8 bytes; what follows tells which. */
async function passDescriptor(intake: ByteIntake, passed: PassedSizes): Promise<void> {
  const tail = Buffer.from(await intake.peek(28));
  for (const [signatureBytes, sizeBytes] of [
    [4, 4],
    [4, 8],
    [0, 4],
    [0, 8],
  ] as const) {
    const end = signatureBytes + 4 + 2 * sizeBytes;
    if (tail.byteLength < end + 4 || tail.readUInt16LE(end) !== 0x4b50) continue;
    if (signatureBytes === 4 && tail.readUInt32LE(0) !== SIGNATURE.descriptor) continue;
    const read = (at: number) => (sizeBytes === 4 ? tail.readUInt32LE(at) : readSize(tail, at));
    const sizesAt = signatureBytes + 4;
    if (
      tail.readUInt32LE(signatureBytes) === passed.crc &&
      read(sizesAt) === passed.compressedBytes &&
      read(sizesAt + sizeBytes) === passed.expandedBytes
    ) {
      await intake.take(end);
      return;
    }
  }
  throw refuse(
    'zip.descriptor_lies',
    'suspicious_content',
    'The sizes after an entry of the archive are not those of its data.',
  );
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^Z_/.test(String(error.code));
}

function damaged() {
  return refuse('zip.data_damaged', 'file_type_mismatch', 'An entry of the archive is damaged.');
}

/** The file ends within an entry or a record. */
export function cut() {
  return refuse('zip.incomplete', 'file_type_mismatch', 'The archive is incomplete.');
}
