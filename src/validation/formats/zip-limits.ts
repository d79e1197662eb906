import { GIB, MIB } from '../../core/bytes.ts';
import { refuse } from '../refusal.ts';

/** Most entries of an archive, those of the archives inside it included. */
export const ARCHIVE_ENTRIES_MAX = 10_000;
/** Most bytes that an archive may unpack to, the archives inside it included. */
export const EXPANDED_BYTES_MAX = 10 * GIB;
/** Most bytes that one packed byte may unpack to: deflate reaches 1,032, real files rarely 50. */
export const EXPANSION_RATIO_MAX = 200;
/** An entry below this size is never called a bomb: a blank page packs very well. */
export const EXPANSION_FREE_BYTES = 16 * MIB;
/** Most archives around an entry: a document in a ZIP in a ZIP. */
export const NESTING_MAX = 3;

/** Counts what an archive and the archives inside it unpack to, and refuses what is too much. */
export class ArchiveBudget {
  #entries = 0;
  #expandedBytes = 0;

  /** One more entry. */
  addEntry(): void {
    this.#entries += 1;
    if (this.#entries <= ARCHIVE_ENTRIES_MAX) return;
    throw refuse(
      'zip.too_many_entries',
      'suspicious_content',
      `The archive holds more than ${ARCHIVE_ENTRIES_MAX} entries.`,
    );
  }

  /** More unpacked bytes. */
  addExpanded(byteCount: number): void {
    this.#expandedBytes += byteCount;
    if (this.#expandedBytes > EXPANDED_BYTES_MAX) throw tooLarge();
  }

  /** Judges the sizes that a header declares, before anything is unpacked. */
  judgeDeclared(compressedBytes: number, expandedBytes: number): void {
    if (this.#expandedBytes + expandedBytes > EXPANDED_BYTES_MAX) throw tooLarge();
    if (isBomb(compressedBytes, expandedBytes)) throw bomb('zip.bomb_declared');
  }

  /** Judges what was unpacked from so many bytes. */
  judgeReal(compressedBytes: number, expandedBytes: number): void {
    if (isBomb(compressedBytes, expandedBytes)) throw bomb('zip.bomb');
  }

  /** Judges the whole archive, `archiveBytes` of which have passed: many small bombs are one. */
  judgeTotal(archiveBytes: number): void {
    if (isBomb(archiveBytes, this.#expandedBytes)) throw bomb('zip.bomb_total');
  }
}

function isBomb(compressedBytes: number, expandedBytes: number): boolean {
  return expandedBytes > EXPANSION_FREE_BYTES && expandedBytes > EXPANSION_RATIO_MAX * compressedBytes;
}

function bomb(rule: string) {
  return refuse(rule, 'suspicious_content', 'The archive unpacks to far more than its size.');
}

function tooLarge() {
  return refuse('zip.expands_too_far', 'suspicious_content', 'The archive unpacks to more than 10 GiB.', {
    limit_bytes: EXPANDED_BYTES_MAX,
  });
}
