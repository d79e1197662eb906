import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of an ELF file's header. */
const HEADER_BYTES = 64;
/** Most entries of the program header table that are looked at; linkers write about a dozen. */
const ENTRIES_MAX = 64;
/** Longest path of an interpreter, in bytes: PATH_MAX of Linux. */
const PATH_BYTES_MAX = 4096;
/** The kind of entry that names the interpreter. */
const PT_INTERP = 3;

/**
 * The dynamic loader that a Linux program asks for, such as `/lib64/ld-linux-x86-64.so.2` (glibc) or
 * `/lib/ld-musl-x86_64.so.1` (musl). Without it the kernel says that the program is not there.
 *
 * @returns undefined for programs that are linked statically, and for what is no 64-bit little-endian ELF file.
 * @throws the system's error when the file can't be read.
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html
 */
export async function elfInterpreter(path: string): Promise<string | undefined> {
  await using file = await open(path, 'r');
  const header = await readAt(file, 0, HEADER_BYTES);
  // Magic, ELFCLASS64, ELFDATA2LSB: all machines that the packages exist for.
  if (header.byteLength < HEADER_BYTES || header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
    return undefined;
  const tableAt = Number(header.readBigUInt64LE(32));
  const entryBytes = header.readUInt16LE(54);
  const entries = Math.min(header.readUInt16LE(56), ENTRIES_MAX);
  if (entryBytes < 56) return undefined;
  const table = await readAt(file, tableAt, entryBytes * entries);
  for (let at = 0; at + entryBytes <= table.byteLength; at += entryBytes) {
    if (table.readUInt32LE(at) !== PT_INTERP) continue;
    const bytes = Math.min(Number(table.readBigUInt64LE(at + 32)), PATH_BYTES_MAX);
    const text = (await readAt(file, Number(table.readBigUInt64LE(at + 8)), bytes)).toString('latin1');
    return text.replace(/\0[\s\S]*$/, '');
  }
  return undefined;
}

async function readAt(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, position);
  return buffer.subarray(0, bytesRead);
}
