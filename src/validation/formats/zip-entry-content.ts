import { crc32 } from 'node:zlib';
import type { Inspector } from '../gate.ts';
import { refuse } from '../refusal.ts';
import { ENTRY_HEAD_BYTES } from './zip-content.ts';
import type { ArchiveBudget } from './zip-limits.ts';
import type { EntryName } from './zip-names.ts';
import type { EntryHeader } from './zip-records.ts';

/** An entry whose local header passed. */
export interface ZipEntry {
  readonly name: EntryName;
  readonly header: EntryHeader;
  /** Where its local header begins. */
  readonly offset: number;
}

/** Decides by the first bytes of an entry who looks at its content; undefined when nobody needs to. */
export type OpenContent = (entry: ZipEntry, head: Buffer) => Inspector | undefined;

/** General purpose bit 3: the sizes follow the data. */
export const FLAG_DESCRIPTOR = 0x08;

/** The unpacked content of one entry on its way: counted, checksummed, shown to whoever opened it. */
export class EntryContent {
  readonly #entry: ZipEntry;
  readonly #budget: ArchiveBudget;
  readonly #open: OpenContent;
  readonly #declaredBytes: number;
  #head: Buffer = Buffer.alloc(0);
  #opened = false;
  #inspector: Inspector | undefined;
  #crc = 0;
  #expandedBytes = 0;

  constructor(entry: ZipEntry, budget: ArchiveBudget, open: OpenContent) {
    this.#entry = entry;
    this.#budget = budget;
    this.#open = open;
    this.#declaredBytes = declaredSizes(entry.header).expandedBytes ?? Infinity;
  }

  get crc(): number {
    return this.#crc;
  }

  get expandedBytes(): number {
    return this.#expandedBytes;
  }

  push(bytes: Buffer): void | Promise<void> {
    this.#expandedBytes += bytes.byteLength;
    if (this.#expandedBytes > this.#declaredBytes) throw sizeLies();
    this.#budget.addExpanded(bytes.byteLength);
    this.#crc = crc32(bytes, this.#crc);
    if (this.#opened) return this.#inspector?.push(bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    return this.#head.byteLength < ENTRY_HEAD_BYTES ? undefined : this.#openContent();
  }

  async finish(): Promise<void> {
    if (!this.#opened) await this.#openContent();
    await this.#inspector?.finish();
  }

  close(): void {
    this.#inspector?.close();
  }

  #openContent(): void | Promise<void> {
    const head = this.#head;
    this.#head = Buffer.alloc(0);
    this.#opened = true;
    this.#inspector = this.#open(this.#entry, head.subarray(0, ENTRY_HEAD_BYTES));
    return head.byteLength > 0 ? this.#inspector?.push(head) : undefined;
  }
}

/** Sizes of an entry as its local header tells them. */
export interface DeclaredSizes {
  readonly compressedBytes: number | undefined;
  readonly expandedBytes: number | undefined;
}

/** The sizes that a local header declares; undefined for those that come after the data. Info-ZIP leaves out only one. */
export function declaredSizes({ flags, compressedBytes, expandedBytes }: EntryHeader): DeclaredSizes {
  const mayFollow = (flags & FLAG_DESCRIPTOR) !== 0;
  return {
    compressedBytes: mayFollow && compressedBytes === 0 ? undefined : compressedBytes,
    expandedBytes: mayFollow && compressedBytes === 0 && expandedBytes === 0 ? undefined : expandedBytes,
  };
}

/** An entry has another size than its header says. */
export function sizeLies() {
  return refuse(
    'zip.size_lies',
    'suspicious_content',
    'An entry of the archive is not as large as its header says.',
  );
}
