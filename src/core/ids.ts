import { randomBytes, randomUUID } from 'node:crypto';

/** A fresh random UUID (version 4). */
export function newUuid(): string {
  return randomUUID();
}

/**
 * A fresh time-ordered UUID (RFC 9562 §5.7, version 7): 48 bits of milliseconds, 74 random bits. Rows inserted
 * together lie together in an index, which keeps inserts cheap in a large table.
 */
export function newTimeOrderedUuid(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID in the usual form. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
