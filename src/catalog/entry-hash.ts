import { createHash, hash } from 'node:crypto';
import type { StoredAccessEntry } from './catalog.ts';

const ENTRY_DOMAIN = 'stowage-access-entry-v1';
const SEAL_DOMAIN = Buffer.from('stowage-access-seal-v1\n');

/** What comes before the first seal: 32 zero bytes. */
export const FIRST_PREVIOUS_HASH = Buffer.alloc(32);

/**
 * SHA-256 of an entry. Its fields are written one after another, in the order below, each as its length in bytes of UTF-8
 * in decimal, a colon and the bytes; an absent one is a single `-`. So no two entries have the same encoding.
 *
 * @see docs/reference/audit-log.md for the same in SQL.
 */
export function hashEntry(entry: StoredAccessEntry): Buffer {
  const fields = [
    ENTRY_DOMAIN,
    entry.entryId,
    new Date(entry.atMs).toISOString(),
    entry.action,
    entry.outcome,
    entry.reason,
    entry.tenantId,
    entry.userId,
    entry.assetId,
    entry.assetType,
    entry.key,
    entry.ipAddress,
    entry.userAgent,
    entry.storageBackend,
    entry.requestId,
  ];
  let encoded = '';
  for (const field of fields) encoded += field === null ? '-' : `${Buffer.byteLength(field)}:${field}`;
  return hash('sha256', encoded, 'buffer');
}

/** A seal: up to 1,000 entries bound to all that came before. */
export interface SealContent {
  /** Counted from 1 without gaps. */
  readonly sealId: bigint;
  readonly previousHash: Uint8Array;
  readonly sealedAtMs: number;
  readonly entryIds: readonly bigint[];
  /** 32 bytes per entry, in the order of `entryIds`. */
  readonly entryHashes: Uint8Array;
}

/** SHA-256 over everything in a seal; numbers are 8 bytes, big-endian. */
export function hashSeal(seal: SealContent): Buffer {
  const numbers = Buffer.alloc(8 * (3 + seal.entryIds.length));
  [seal.sealId, BigInt(seal.sealedAtMs), BigInt(seal.entryIds.length), ...seal.entryIds].forEach(
    (value, index) => {
      numbers.writeBigInt64BE(value, index * 8);
    },
  );
  return createHash('sha256')
    .update(SEAL_DOMAIN)
    .update(seal.previousHash)
    .update(numbers)
    .update(seal.entryHashes)
    .digest();
}
