import { bytesOf } from './bytes-of.ts';

/** Bytes of each piece that is looked at. */
const PIECE_BYTES = 64 * 1024;

/**
 * A checksum (CRC-32) of the beginning, the middle and the end of a file. It tells whether a file that is chosen again is
 * the one that was begun; it proves nothing against anybody who wants to deceive. Works on pages without TLS, where
 * browsers hide their hash functions.
 */
export async function sampleOf(blob: Blob): Promise<string> {
  const middle = Math.max(0, Math.floor(blob.size / 2) - PIECE_BYTES / 2);
  const end = Math.max(0, blob.size - PIECE_BYTES);
  let crc = 0xffffffff;
  for (const offset of new Set([0, middle, end])) {
    for (const byte of await bytesOf(blob.slice(offset, offset + PIECE_BYTES))) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}
