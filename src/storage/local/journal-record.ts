import { crc32 } from 'node:zlib';

/**
 * One record of a journal. `put`: an object file's exact bytes. `settled`: the put of this version needs no replay
 * any more: its file is durable in its place, or was never placed.
 */
export type JournalRecord =
  | { readonly type: 'put'; readonly name: string; readonly file: Buffer }
  | { readonly type: 'settled'; readonly name: string; readonly version: string };

/**
 * What stands before a record's payload: magic (8 bytes), type (u8), record format (u8), zero (u16), payload length
 * (u32 LE), name of the object's file (its SHA-256, 32 bytes), CRC-32 of all that and of the payload (u32 LE).
 */
export const RECORD_HEADER_BYTES = 52;

/** Length of a `settled` record in bytes. It divides a page, so that none lies across two. */
export const SETTLED_RECORD_BYTES = 128;

/** Longest payload that is believed, in bytes. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

const MAGIC = Buffer.from('STOWJRN1', 'latin1');
const FORMAT = 1;
const TYPES = { put: 1, settled: 2 } as const;
const TYPE_AT = 8;
const FORMAT_AT = 9;
const LENGTH_AT = 12;
const NAME_AT = 16;
const CRC_AT = RECORD_HEADER_BYTES - 4;

/** A record before it is written: its payload in pieces, which are copied once, to where the record goes. */
export interface RecordDraft {
  readonly type: JournalRecord['type'];
  /** The object's file name, 64 hexadecimal digits. */
  readonly name: string;
  readonly payload: readonly Uint8Array[];
  /** Length of the whole record. */
  readonly byteLength: number;
}

/** A put; behind {@link RECORD_HEADER_BYTES} of the record it is the object's file. */
export function draftPut(name: string, file: readonly Uint8Array[]): RecordDraft {
  let byteLength = RECORD_HEADER_BYTES;
  for (const piece of file) byteLength += piece.byteLength;
  return { type: 'put', name, payload: file, byteLength };
}

/** A note that a put needs no replay. */
export function draftSettled(name: string, version: string): RecordDraft {
  const payload = Buffer.alloc(SETTLED_RECORD_BYTES - RECORD_HEADER_BYTES);
  if (Buffer.byteLength(version) > payload.byteLength) throw new RangeError('The version is too long.');
  payload.write(version);
  return { type: 'settled', name, payload: [payload], byteLength: SETTLED_RECORD_BYTES };
}

/** Writes a record to `target` at `at`, all but its checksum. @returns its length in bytes. */
export function writeDraft({ type, name, payload, byteLength }: RecordDraft, target: Buffer, at = 0): number {
  MAGIC.copy(target, at);
  target.writeUInt8(TYPES[type], at + TYPE_AT);
  target.writeUInt8(FORMAT, at + FORMAT_AT);
  target.writeUInt16LE(0, at + FORMAT_AT + 1);
  target.writeUInt32LE(byteLength - RECORD_HEADER_BYTES, at + LENGTH_AT);
  target.write(name, at + NAME_AT, CRC_AT - NAME_AT, 'hex');
  let pieceAt = at + RECORD_HEADER_BYTES;
  for (const piece of payload) {
    target.set(piece, pieceAt);
    pieceAt += piece.byteLength;
  }
  return byteLength;
}

/** Puts the checksum into a record that is written otherwise. */
export function seal(record: Buffer): Buffer {
  record.writeUInt32LE(checksum(record), CRC_AT);
  return record;
}

/** A record as one buffer. */
export function encodeRecord(draft: RecordDraft): Buffer {
  const record = Buffer.allocUnsafe(draft.byteLength);
  writeDraft(draft, record);
  return seal(record);
}

/** Whether a record is a `put`. */
export function isPut(record: Buffer): boolean {
  return record.readUInt8(TYPE_AT) === TYPES.put;
}

/** Name of the object's file that a record is about. */
export function nameOfRecord(record: Buffer): string {
  return record.toString('hex', NAME_AT, CRC_AT);
}

function checksum(record: Buffer): number {
  return crc32(record.subarray(RECORD_HEADER_BYTES), crc32(record.subarray(0, CRC_AT)));
}

/** The records of a journal, up to the first that is torn: what was being written when the machine stopped. */
export function readRecords(journal: Buffer): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (let at = 0; at < journal.byteLength; ) {
    const read = recordAt(journal, at);
    if (read === null) break;
    records.push(read.record);
    at += read.bytes;
  }
  return records;
}

/** The notes of a file that several processes append to, one record of fixed length each; torn ones are left out. */
export function readNotes(notes: Buffer): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (let at = 0; at + SETTLED_RECORD_BYTES <= notes.byteLength; at += SETTLED_RECORD_BYTES) {
    const read = recordAt(notes, at);
    if (read !== null) records.push(read.record);
  }
  return records;
}

function recordAt(journal: Buffer, at: number): { record: JournalRecord; bytes: number } | null {
  if (journal.byteLength - at < RECORD_HEADER_BYTES) return null;
  if (!journal.subarray(at, at + MAGIC.byteLength).equals(MAGIC)) return null;
  if (journal.readUInt8(at + FORMAT_AT) !== FORMAT) return null;
  const payloadBytes = journal.readUInt32LE(at + LENGTH_AT);
  const bytes = RECORD_HEADER_BYTES + payloadBytes;
  if (payloadBytes > PAYLOAD_BYTES_MAX || bytes > journal.byteLength - at) return null;
  const whole = journal.subarray(at, at + bytes);
  if (whole.readUInt32LE(CRC_AT) !== checksum(whole)) return null;
  const name = nameOfRecord(whole);
  const payload = whole.subarray(RECORD_HEADER_BYTES);
  const type = whole.readUInt8(TYPE_AT);
  if (type === TYPES.put) return { record: { type: 'put', name, file: payload }, bytes };
  if (type !== TYPES.settled) return null;
  const end = payload.indexOf(0);
  const version = payload.toString('utf8', 0, end < 0 ? payload.byteLength : end);
  return { record: { type: 'settled', name, version }, bytes };
}
