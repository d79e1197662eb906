import { randomBytes, randomUUID } from 'node:crypto';

/** Random bytes fetched at once: a call to the generator costs more than making a text of them. */
const RANDOM_BYTES = 4096;

/** A fresh random UUID (version 4). */
export function newUuid(): string {
  return randomUUID();
}

/**
 * A fresh time-ordered UUID (RFC 9562 §5.7, version 7): 48 bits of milliseconds, 74 random bits. Rows inserted
 * together lie together in an index, which keeps inserts cheap in a large table.
 */
export function newTimeOrderedUuid(nowMs: number): string {
  const bytes = randomBits();
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

let random = Buffer.alloc(0);

/** 16 random bytes, never given twice. */
function randomBits(): Buffer {
  if (random.byteLength < 16) random = randomBytes(RANDOM_BYTES);
  const bits = random.subarray(0, 16);
  random = random.subarray(16);
  return bits;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID in the usual form. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
