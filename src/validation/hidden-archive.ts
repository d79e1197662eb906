import { RecentBytes } from './recent-bytes.ts';
import { refuse } from './refusal.ts';

// APPNOTE.TXT §4.3.16: the end of central directory record has 22 bytes and a comment of at most 65,535.
const END_RECORD_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;
const ENTRY_BYTES_MIN = 46;

/**
 * Refuses a file of another format that is a ZIP archive too. Archives are read from their end, so a picture can be
 * one when the archive's end record lies in its last 64 KiB, wherever the format allows bytes of any kind.
 */
export class HiddenArchiveGuard {
  readonly #recent = new RecentBytes(COMMENT_BYTES_MAX + END_RECORD_BYTES);
  #sizeBytes = 0;

  push(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.byteLength;
    this.#recent.push(chunk);
  }

  /** @throws StowageError `suspicious_content`. */
  finish(): void {
    const tailBytes = Math.min(this.#sizeBytes, COMMENT_BYTES_MAX + END_RECORD_BYTES);
    const tail = this.#recent.bytes().subarray(-tailBytes);
    let at = tail.indexOf('PK\u0005\u0006', 0, 'latin1');
    for (; at >= 0; at = tail.indexOf('PK\u0005\u0006', at + 1, 'latin1')) {
      if (!isEndRecord(tail.subarray(at), this.#sizeBytes - tail.length + at)) continue;
      throw refuse('content.hidden_archive', 'suspicious_content', 'The file hides a ZIP archive.');
    }
  }
}

/** Whether the fields fit together, as they never do by chance. */
function isEndRecord(record: Buffer, position: number): boolean {
  if (record.length < END_RECORD_BYTES) return false;
  const entries = record.readUInt16LE(10);
  const directoryBytes = record.readUInt32LE(12);
  const isZip64 = entries === 0xffff || directoryBytes === 0xffff_ffff;
  return (
    record.readUInt32LE(4) === 0 &&
    record.readUInt16LE(8) === entries &&
    entries > 0 &&
    (isZip64 ||
      (directoryBytes >= entries * ENTRY_BYTES_MIN &&
        record.readUInt32LE(16) + directoryBytes <= position)) &&
    END_RECORD_BYTES + record.readUInt16LE(20) <= record.length
  );
}
