import { KIB } from '../../core/bytes.ts';
import { systemCode } from './errors.ts';
import { openForDirectWriting } from './file-calls.ts';
import type { KnownFileSystem } from './file-system-type.ts';

/** Direct writes have a position, a length and memory that are multiples of this: hardly a disk's blocks are larger. */
export const BLOCK_BYTES = 4 * KIB;

/** Those whose direct writes are plain ones (of `overlay` mostly). Others copy all the same, or add checksums, or ask a server. */
const TRUSTED: ReadonlySet<KnownFileSystem | null> = new Set(['ext', 'overlay', 'xfs']);

/**
 * Memory for direct writes. It begins where a page does, since V8 asks the system for whole pages for a buffer that can
 * grow; where that is not so, a write fails with EINVAL and is done without.
 */
export function blockMemory(sizeBytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(sizeBytes, { maxByteLength: sizeBytes }));
}

/** Says whether a store's large files are written past the system's page cache. */
export class DirectWrites {
  #arePossible: boolean;

  /** @param fileSystem what the files lie on while they are written. */
  constructor(fileSystem: KnownFileSystem | null) {
    this.#arePossible = TRUSTED.has(fileSystem);
  }

  /** A second descriptor of a file, for direct writes only; null where there are none. */
  async open(path: string): Promise<number | null> {
    if (!this.#arePossible) return null;
    try {
      return await openForDirectWriting(path);
    } catch (error) {
      if (this.noteRefusal(error)) return null;
      throw error;
    }
  }

  /** Whether the system refused a direct write as such: then none is tried any more. */
  noteRefusal(error: unknown): boolean {
    if (systemCode(error) !== 'EINVAL') return false;
    this.#arePossible = false;
    return true;
  }
}
